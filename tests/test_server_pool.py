"""Servers are started when they are needed, reused, retired, and not more than may be up."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hangup.environment import machine
from hangup.errors import SubjectError
from hangup.model.servers import BY_ID
from hangup.model.vocabulary import Word
from hangup.runner import server_pool
from hangup.runner.prepare import PreparedStack
from hangup.runner.server_pool import ServerPool, ServerUse
from hangup.runner.server_process import ServerProcess
from tests.command import DEADLINE_S
from tests.plans import an_app

FAILS = "fails"
"""The app whose servers do not start."""


class Launched:
    """The servers that were launched in a test, and what happened to them, in order."""

    def __init__(self) -> None:
        self.happened: list[str] = []
        self.uses: list[ServerUse] = []
        self.up = 0
        self.most_up = 0
        self.starting: asyncio.Event | None = None
        """If set, servers take until this is to start."""
        self.failing = 0
        """So many servers still fail to start, whatever their app."""
        self.word = Word.FAILED_TO_START
        """What is said of those that fail."""

    def __call__(self, stack: PreparedStack, directory: Path, use: ServerUse) -> ServerProcess:
        self.uses.append(use)
        return FakeServer(stack, directory, self)


class FakeServer(ServerProcess):
    """A server without a process."""

    def __init__(self, stack: PreparedStack, directory: Path, launched: Launched) -> None:
        self.stack = stack
        self.directory = directory
        self.log_file = directory / "server.log"
        self.launched = launched

    async def __aenter__(self) -> ServerProcess:
        self.launched.happened.append(f"start {self.directory.name}")
        if self.launched.starting is not None:
            await self.launched.starting.wait()
        if self.stack.app.id == FAILS or self.launched.failing:
            self.launched.failing = max(0, self.launched.failing - 1)
            raise SubjectError(self.launched.word, f"{self.stack.staged}/app.py is wrong")
        self.launched.up += 1
        self.launched.most_up = max(self.launched.most_up, self.launched.up)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.launched.up -= 1
        self.launched.happened.append(f"end {self.directory.name}")


def a_stack(app: str = "bare") -> PreparedStack:
    return PreparedStack(
        app=an_app(app),
        server=BY_ID["uvicorn"],
        pins=(),
        python=Path("python"),
        staged=Path("/staged"),
    )


def with_pool(
    directory: Path, main: Callable[[ServerPool, Launched], Awaitable[None]]
) -> list[str]:
    """What happened to servers in a pool."""
    launched = Launched()

    async def run() -> None:
        async with asyncio.timeout(DEADLINE_S), ServerPool(directory, launched) as pool:
            await main(pool, launched)

    asyncio.run(run())
    return launched.happened


async def turns() -> None:
    """Let everybody do what they can do now."""
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_server_is_started_when_it_is_asked_for_and_then_reused(tmp_path: Path) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        async with pool.slot(a_stack(), server_pool.SHARED) as slot:
            assert launched.happened == []
            assert await slot.server() is await slot.server()

    assert with_pool(tmp_path, main) == ["start bare-on-uvicorn-0", "end bare-on-uvicorn-0"]


def test_a_server_that_is_retired_is_ended_before_another_is_started(tmp_path: Path) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        async with pool.slot(a_stack(), server_pool.SHARED) as slot:
            first = await slot.server()
            await slot.retire()
            assert launched.happened[-1] == "end bare-on-uvicorn-0"
            assert await slot.server() is not first

    assert with_pool(tmp_path, main) == [
        "start bare-on-uvicorn-0",
        "end bare-on-uvicorn-0",
        "start bare-on-uvicorn-1",
        "end bare-on-uvicorn-1",
    ]


def test_a_slot_that_was_not_used_costs_no_server(tmp_path: Path) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        async with pool.slot(a_stack(), server_pool.OWN) as slot:
            await slot.retire()

    assert with_pool(tmp_path, main) == []


@pytest.mark.parametrize("use", [ServerUse(limit=2), ServerUse(limit=None)], ids=repr)
def test_no_more_servers_are_up_than_their_use_allows(tmp_path: Path, use: ServerUse) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        async def once() -> None:
            async with pool.slot(a_stack(), use) as slot:
                await slot.server()
                await turns()

        await asyncio.gather(*(once() for _ in range(5)))
        assert launched.most_up == (use.limit or 5)

    with_pool(tmp_path, main)


def test_uses_do_not_count_against_one_another(tmp_path: Path) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        uses = (ServerUse(limit=1), ServerUse(limit=1, trace_exceptions=True))
        async with pool.slot(a_stack(), uses[0]) as one, pool.slot(a_stack(), uses[1]) as other:
            await one.server()
            await other.server()
            assert launched.up == 2
            assert tuple(launched.uses) == uses

    with_pool(tmp_path, main)


def test_no_more_servers_start_at_once_than_there_are_cores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 2)

    async def main(pool: ServerPool, launched: Launched) -> None:
        launched.starting = asyncio.Event()

        async def once() -> None:
            async with pool.slot(a_stack(), server_pool.SHARED) as slot:
                await slot.server()

        all_of_them = [asyncio.create_task(once()) for _ in range(5)]
        await turns()
        assert len(launched.happened) == 2
        launched.starting.set()
        await asyncio.gather(*all_of_them)

    with_pool(tmp_path, main)


@pytest.mark.parametrize(
    ("use", "queues"), [(server_pool.SHARED, False), (server_pool.TRACED, True)]
)
def test_a_shared_server_is_replaced_without_queueing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, use: ServerUse, queues: bool
) -> None:
    monkeypatch.setattr(machine, "cores", lambda: 1)

    async def main(pool: ServerPool, launched: Launched) -> None:
        async with pool.slot(a_stack(), use) as slot, pool.slot(a_stack(), use) as other:
            await slot.server()
            await slot.retire()
            launched.starting = asyncio.Event()
            starting = asyncio.create_task(other.server())
            await turns()
            before = len(launched.happened)
            replacing = asyncio.create_task(slot.server())
            await turns()
            assert len(launched.happened) - before == (0 if queues else 1)
            launched.starting.set()
            await asyncio.gather(starting, replacing)

    with_pool(tmp_path, main)


def test_a_stack_that_does_not_start_is_tried_twice(tmp_path: Path) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        for _ in range(2):
            async with pool.slot(a_stack(FAILS), server_pool.OWN) as slot:
                for _ in range(2):
                    with pytest.raises(SubjectError, match=r"^app\.py is wrong$") as raised:
                        await slot.server()
                    assert raised.value.word == Word.FAILED_TO_START
        (failure,) = pool.failures.values()
        assert failure.reason == "app.py is wrong"
        assert failure.log == tmp_path / "fails-on-uvicorn-1" / "server.log"
        async with pool.slot(a_stack(), server_pool.OWN) as slot:
            await slot.server()

    happened = with_pool(tmp_path, main)
    assert [what for what in happened if FAILS in what] == [
        "start fails-on-uvicorn-0",
        "start fails-on-uvicorn-1",
    ]
    assert len(happened) == 4


def test_a_server_that_fails_to_start_once_is_no_failure_of_its_stack(tmp_path: Path) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        launched.failing = 1
        async with pool.slot(a_stack(), server_pool.OWN) as slot:
            await slot.server()
        assert pool.failures == {}

    assert with_pool(tmp_path, main) == [
        "start bare-on-uvicorn-0",
        "start bare-on-uvicorn-1",
        "end bare-on-uvicorn-1",
    ]


def test_that_a_starting_server_was_killed_is_no_failure_of_its_stack(tmp_path: Path) -> None:
    async def main(pool: ServerPool, launched: Launched) -> None:
        launched.failing, launched.word = 1, Word.DISTURBED
        async with pool.slot(a_stack(), server_pool.OWN) as slot:
            with pytest.raises(SubjectError) as raised:
                await slot.server()
            assert raised.value.word == Word.DISTURBED
            await slot.server()
        assert pool.failures == {}

    with_pool(tmp_path, main)


def test_a_run_that_is_resumed_gives_servers_directories_of_their_own(tmp_path: Path) -> None:
    for number in range(3):
        (tmp_path / f"bare-on-uvicorn-{number}").mkdir()

    async def main(pool: ServerPool, launched: Launched) -> None:
        async with pool.slot(a_stack(), server_pool.OWN) as slot:
            await slot.server()

    assert with_pool(tmp_path, main)[0] == "start bare-on-uvicorn-3"
