"""Trials that disconnect together wait for one another, and for none that cannot come."""

from __future__ import annotations

import asyncio

from hangup.runner.client import COLLECT_PATH, answers
from hangup.runner.trial_group import Latch, TrialGroup
from tests.command import DEADLINE_S


async def turns() -> None:
    """Let everybody do what they can do now."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_nobody_passes_before_all_have_arrived() -> None:
    async def main() -> None:
        latch = Latch(["a", "b", "c"])
        first = asyncio.create_task(latch.pass_through("a"))
        second = asyncio.create_task(latch.pass_through("b"))
        await turns()
        assert not first.done()
        assert not second.done()
        await latch.pass_through("c")
        await asyncio.gather(first, second)

    asyncio.run(main())


def test_one_that_has_failed_is_not_waited_for() -> None:
    async def main() -> None:
        latch = Latch(["a", "b"])
        waiting = asyncio.create_task(latch.pass_through("a"))
        await turns()
        latch.arrive("b")
        latch.arrive("b")
        await waiting

    asyncio.run(main())


def test_a_latch_for_no_trials_is_open() -> None:
    asyncio.run(Latch().pass_through("a"))


def test_the_operator_signals_when_no_trial_has_anything_to_wait_for() -> None:
    async def main() -> None:
        group = TrialGroup(["a", "b", "fails"])
        signalling = [asyncio.create_task(group.signalling.pass_through(name)) for name in "ab"]
        await turns()
        assert not any(task.done() for task in signalling)
        group.release("fails")
        await asyncio.gather(*signalling)

    asyncio.run(asyncio.wait_for(main(), DEADLINE_S))


def test_garbage_is_collected_once_and_only_when_nobody_watches_any_more() -> None:
    async def main() -> list[str]:
        requests: list[str] = []

        async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            requests.append((await reader.readline()).decode().split()[1])
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
            writer.close()

        async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
            port = server.sockets[0].getsockname()[1]
            group = TrialGroup(["a", "b", "watches"])
            done = [asyncio.create_task(group.collect(name, port, DEADLINE_S)) for name in "ab"]
            await turns()
            await answers(port, DEADLINE_S, "/watched")
            group.release("watches")
            await asyncio.gather(*done)
        return requests

    assert asyncio.run(main()) == ["/watched", COLLECT_PATH]
