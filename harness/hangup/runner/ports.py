"""TCP ports for servers: free, and given to one server only."""

from __future__ import annotations

import itertools
import random
import socket

from hangup.errors import UserError
from hangup.runner.client import HOST

# Below the ranges that Linux (32768) and macOS (49152) take for outgoing connections:
# in them, one of our own clients could take the port before the server binds it.
_PORTS = range(20_000, 30_000)

_given: set[int] = set()
"""The ports given out in this process: one may not have been bound yet."""


def free_port() -> int:
    """A port that nobody listens on, and that this process has not given out before.

    Another process may be given the same one at the same time: whoever binds it first has it.
    Raises UserError if there is none left.
    """
    first = random.choice(_PORTS)
    for port in itertools.chain(range(first, _PORTS.stop), range(_PORTS.start, first)):
        if port not in _given and is_free(port):
            _given.add(port)
            return port
    raise UserError(
        f"No TCP port from {_PORTS.start} to {_PORTS.stop - 1} is left on {HOST} for a server; "
        "end what listens there, or run less at a time."
    )


def is_free(port: int) -> bool:
    """Whether nobody listens on a port."""
    with socket.socket() as attempt:
        attempt.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            attempt.bind((HOST, port))
        except OSError:
            return False
    return True
