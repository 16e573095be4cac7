"""The servers and their variants, as data: what to install and how each is started."""

from __future__ import annotations

import msgspec

from hangup.model.variants import variant_id

APP = "hangup.agent.main:app"


class Server(msgspec.Struct, frozen=True, kw_only=True):
    """A server and how it is started: what is not named in `command` is its default."""

    id: str
    title: str
    requirements: tuple[str, ...]
    module: str
    """The package that it is."""
    command: tuple[str, ...]
    """What follows `python`; `{port}` is filled in."""
    grace_s: float | None = None
    """How long it waits for open requests at shutdown, as its documentation says; None if it
    waits without end."""
    apps: tuple[str, ...] = ()
    """The apps that it is run with where neither is named; all baselines if this is empty."""
    shutdown_only: bool = False
    """Whether it is run at shutdowns only: that is what it is there for."""

    def arguments(self, port: int | str) -> list[str]:
        """What follows `python`."""
        return [argument.replace("{port}", str(port)) for argument in self.command]


_APPS_OF_VARIANTS = ("bare", "starlette", "fastapi-streaming")

_UVICORN = Server(
    id="uvicorn",
    title="uvicorn, h11 on asyncio",
    requirements=("uvicorn",),
    module="uvicorn",
    command=(
        *("-m", "uvicorn", APP, "--host", "127.0.0.1", "--port", "{port}"),
        *("--http", "h11", "--loop", "asyncio"),
    ),
)
_HYPERCORN = Server(
    id="hypercorn",
    title="hypercorn, asyncio worker",
    requirements=("hypercorn",),
    module="hypercorn",
    command=("-m", "hypercorn", APP, "--bind", "127.0.0.1:{port}"),
    # Hypercorn's documentation, "Configuring", `graceful_timeout`.
    grace_s=3.0,
)


def _variant(
    of: Server,
    name: str,
    title: str,
    *options: str,
    command: tuple[str, ...] = (),
    requirements: tuple[str, ...] = (),
    grace_s: float | None = None,
    shutdown_only: bool = False,
    apps: tuple[str, ...] = _APPS_OF_VARIANTS,
) -> Server:
    """A variant of a server: it has more options, or is started by another command."""
    return msgspec.structs.replace(
        of,
        id=variant_id(of.id, name),
        title=title,
        requirements=of.requirements + requirements,
        command=command or of.command + options,
        grace_s=of.grace_s if grace_s is None else grace_s,
        apps=apps,
        shutdown_only=shutdown_only,
    )


_PROGRAM = """
import uvicorn
from hangup.agent.main import app
uvicorn.run(app, host="127.0.0.1", port={port}, http="h11", loop="asyncio")
""".strip()

SERVERS: tuple[Server, ...] = (
    _UVICORN,
    _variant(
        _UVICORN,
        "fast",
        "uvicorn, httptools on uvloop",
        # Of an option that is given twice, the last one counts.
        *("--http", "httptools", "--loop", "uvloop"),
        requirements=("httptools", "uvloop"),
    ),
    _variant(
        _UVICORN,
        "graceful-2s",
        "uvicorn with `--timeout-graceful-shutdown 2`",
        *("--timeout-graceful-shutdown", "2"),
        grace_s=2.0,
        shutdown_only=True,
    ),
    _variant(
        _UVICORN,
        "programmatic",
        "uvicorn, started by `uvicorn.run(app)` in a script",
        command=("-c", _PROGRAM),
        shutdown_only=True,
        # It hooks the signals of uvicorn's server.
        apps=(*_APPS_OF_VARIANTS, "sse-starlette"),
    ),
    _variant(
        _UVICORN,
        "workers-2",
        "uvicorn with `--workers 2`",
        *("--workers", "2"),
        shutdown_only=True,
    ),
    _HYPERCORN,
    _variant(
        _HYPERCORN,
        "workers-0",
        "hypercorn with `--workers 0`: it serves in the process that was started",
        *("--workers", "0"),
        shutdown_only=True,
    ),
    _variant(
        _HYPERCORN,
        "uvloop",
        "hypercorn, uvloop worker",
        *("--worker-class", "uvloop"),
        requirements=("uvloop",),
    ),
)

REFERENCE = _UVICORN.id
"""The server that variants of apps are run with."""

BY_ID = {server.id: server for server in SERVERS}


def server_title(server: str) -> str:
    """What a server is and what is set; its id, if there is no such server any more."""
    known = BY_ID.get(server)
    return known.title if known is not None else server
