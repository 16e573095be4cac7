"""hangup: what happens inside ASGI frameworks when a server-sent events client hangs up."""

__version__ = "0.1.0"
