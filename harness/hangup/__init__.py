"""hangup: what happens inside ASGI frameworks when a server-sent events client hangs up."""

__version__ = "0.2.0"
