"""A server's process, from a server of our own: its port, its start, and faults on the way."""

from __future__ import annotations

import asyncio
import shutil
import socket
import sys
from collections.abc import Awaitable, Iterator
from pathlib import Path

import pytest

from hangup.environment.staging import stage
from hangup.errors import SubjectError, UserError
from hangup.model.process import LINES_LOST
from hangup.model.servers import Server
from hangup.model.vocabulary import Word
from hangup.runner import ports, server_process
from hangup.runner.client import HOST
from hangup.runner.prepare import PreparedStack
from hangup.runner.server_pool import ServerPool, ServerUse
from hangup.runner.server_process import FULL_BYTES, PORTS_TRIED, TRACE_FILE, ServerProcess
from tests.command import DEADLINE_S
from tests.plans import an_app

SERVER = """
import asyncio, socket, sys
from hangup.agent import main

async def send_by(writer, message):
    if message["type"] == "http.response.start":
        writer.write(b"HTTP/1.1 %d x\\r\\ncontent-length: 0\\r\\n\\r\\n" % message["status"])

async def accept(reader, writer):
    target = (await reader.readuntil(b"\\r\\n\\r\\n")).split()[1].decode()
    scope = {"type": "http", "path": target, "query_string": b""}
    await main.app(scope, None, lambda message: send_by(writer, message))
    writer.close()

async def serve():
    server = await asyncio.start_server(accept, "127.0.0.1", int(sys.argv[1]))
    async with server:
        await server.serve_forever()

asyncio.run(serve())
"""
"""A server that needs nothing to be installed."""

APP = """
async def app(scope, receive, send):
    await send({"type": "http.response.start", "status": 200})
"""


@pytest.fixture
def stack(tmp_path: Path) -> PreparedStack:
    """A stack of the server and the app above."""
    staged = tmp_path / "run" / "staged"
    stage(staged, [])
    (staged / "apps" / "mine.py").write_text(APP)
    (staged / "server.py").write_text(SERVER)
    server = Server(
        id="own", title="", requirements=(), module="server", command=("-m", "server", "{port}")
    )
    return PreparedStack(
        app=an_app("mine"), server=server, pins=(), python=Path(sys.executable), staged=staged
    )


def run(main: Awaitable[None]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await main

    asyncio.run(limited())


@pytest.fixture
def taken() -> Iterator[int]:
    """A port that somebody else listens on, and never answers."""
    with socket.create_server((HOST, 0)) as listening:
        yield listening.getsockname()[1]


def give_out(monkeypatch: pytest.MonkeyPatch, *first: int) -> list[int]:
    """Have these ports given out before others; those that were."""
    given: list[int] = []
    free_port = ports.free_port

    def give() -> int:
        given.append(first[len(given)] if len(given) < len(first) else free_port())
        return given[-1]

    monkeypatch.setattr(server_process, "free_port", give)
    return given


def test_a_port_is_chosen_when_the_process_is_started(
    stack: PreparedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    given = give_out(monkeypatch)
    server = ServerProcess(stack, tmp_path / "run" / "one")
    assert given == []

    async def main() -> None:
        async with server:
            assert [server.port] == given

    run(main())


def test_a_port_that_another_process_has_taken_meanwhile_is_given_up(
    stack: PreparedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    given = give_out(monkeypatch, taken, taken)

    async def main() -> None:
        async with ServerProcess(stack, tmp_path / "run" / "one") as server:
            assert server.running
            assert server.port == given[-1] != taken
            assert len(given) == 3

    run(main())


def test_a_port_on_which_another_server_answers_is_given_up(
    stack: PreparedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # It goes on without its port, as a server with several workers may.
    (stack.staged / "server.py").write_text(
        SERVER.replace("asyncio.run(serve())", "")
        + "try:\n    asyncio.run(serve())\nexcept OSError:\n    import time; time.sleep(3600)\n"
    )
    monkeypatch.setattr(server_process, "_REPORT_S", 0.1)

    async def main() -> None:
        async with ServerProcess(stack, tmp_path / "run" / "other") as other:
            give_out(monkeypatch, other.port)
            async with ServerProcess(stack, tmp_path / "run" / "one") as server:
                assert server.port != other.port

    run(main())


def test_ports_that_are_always_taken_are_no_failure_of_the_stack(
    stack: PreparedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, taken: int
) -> None:
    given = give_out(monkeypatch, *[taken] * PORTS_TRIED)

    async def main() -> None:
        async with ServerPool(tmp_path / "run") as pool:
            async with pool.slot(stack, ServerUse(limit=1)) as slot:
                with pytest.raises(UserError, match="Others took each of 5 free ports"):
                    await slot.server()
            assert pool.failures == {}

    run(main())
    assert len(given) == PORTS_TRIED


def test_an_app_that_wants_a_port_that_is_taken_has_failed_to_start(
    stack: PreparedStack, tmp_path: Path, taken: int
) -> None:
    binds = f"import socket; socket.create_server(('127.0.0.1', {taken}))\n"
    (stack.staged / "apps" / "mine.py").write_text(binds + APP)

    async def main() -> None:
        with pytest.raises(SubjectError, match="in use") as raised:
            await ServerProcess(stack, tmp_path / "run" / "one").__aenter__()
        assert raised.value.word == Word.FAILED_TO_START

    run(main())


def test_why_a_server_cannot_start_names_no_directory(
    stack: PreparedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home, cache = tmp_path / "home", tmp_path / "cache"
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("HANGUP_HOME", str(cache))
    (stack.staged / "apps" / "mine.py").write_text(
        "import os\n"
        f"raise ValueError(os.getcwd(), __file__, {str(cache / 'x')!r}, os.environ['HOME'])\n"
    )

    async def main() -> None:
        async with ServerPool(tmp_path / "run") as pool:
            async with pool.slot(stack, ServerUse(limit=1)) as slot:
                with pytest.raises(SubjectError):
                    await slot.server()
            (failure,) = pool.failures.values()
            assert failure.reason == (
                "it ended with exit code 1: ValueError: "
                "('mine-on-own-2', 'apps/mine.py', 'CACHE/x', '~')"
            )

    run(main())


@pytest.mark.parametrize("free", [0, FULL_BYTES], ids=["the disk is full", "it is not"])
def test_events_that_could_not_be_written_are_noted_and_a_full_disk_is_named(
    stack: PreparedStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=free)

    async def main() -> None:
        async with ServerProcess(stack, tmp_path / "run" / "one") as server:
            with (server.directory / TRACE_FILE).open("ab") as trace:
                trace.write(b'{"t": 1\n\n')
            monkeypatch.setattr(shutil, "disk_usage", lambda path: usage)
            (event,) = server.process_events(0, 1, lost_before=0)
            assert (event.event, event.n) == (LINES_LOST, 2)

    if free:
        run(main())
    else:
        with pytest.raises(UserError, match="the disk is full"):
            run(main())
