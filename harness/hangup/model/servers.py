"""The servers, as data: what to install and how each is started."""

from __future__ import annotations

import msgspec

APP = "hangup.agent.main:app"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server with its protocol and event-loop options."""

    id: str
    title: str
    requirements: tuple[str, ...]
    module: str
    """Run as `python -m MODULE`."""
    options: tuple[str, ...]
    """What follows; `{port}` is filled in. Everything not named is the server's default."""

    def arguments(self, port: int | str) -> list[str]:
        """What follows `python`."""
        return ["-m", self.module, *(option.format(port=port) for option in self.options)]


_UVICORN = (APP, "--host", "127.0.0.1", "--port", "{port}")

SERVERS: tuple[Server, ...] = (
    Server(
        id="uvicorn",
        title="uvicorn, h11 on asyncio",
        requirements=("uvicorn",),
        module="uvicorn",
        options=(*_UVICORN, "--http", "h11", "--loop", "asyncio"),
    ),
    Server(
        id="uvicorn-fast",
        title="uvicorn, httptools on uvloop",
        requirements=("uvicorn", "httptools", "uvloop"),
        module="uvicorn",
        options=(*_UVICORN, "--http", "httptools", "--loop", "uvloop"),
    ),
    Server(
        id="hypercorn",
        title="hypercorn, asyncio worker",
        requirements=("hypercorn",),
        module="hypercorn",
        options=(APP, "--bind", "127.0.0.1:{port}"),
    ),
)

BY_ID = {server.id: server for server in SERVERS}
