"""TCP ports for servers: free, and given to one server only."""

from __future__ import annotations

import random
import socket
from contextlib import suppress

from hangup.runner.client import HOST

# Below the ranges that Linux (32768) and macOS (49152) take for outgoing connections:
# in them, one of our own clients could take the port before the server binds it.
_PORTS = range(20_000, 30_000)

_given: set[int] = set()
"""The ports given out in this process: one may not have been bound yet."""


def free_port() -> int:
    """A port that nobody listens on, and that this process has not given out before."""
    while True:
        port = random.choice(_PORTS)
        if port in _given:
            continue
        with socket.socket() as attempt, suppress(OSError):
            attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            attempt.bind((HOST, port))
            _given.add(port)
            return port
