"""Trials that leave together wait for one another, and for nobody who cannot come."""

from __future__ import annotations

import asyncio

from harness.trial import Gate


async def turns() -> None:
    """Let everybody do what they can do now."""
    for _ in range(5):
        await asyncio.sleep(0)


def test_nobody_passes_before_all_have_arrived() -> None:
    async def main() -> None:
        gate = Gate(["a", "b", "c"])
        first = asyncio.create_task(gate.pass_through("a"))
        second = asyncio.create_task(gate.pass_through("b"))
        await turns()
        assert not first.done()
        assert not second.done()
        await gate.pass_through("c")
        await asyncio.gather(first, second)

    asyncio.run(main())


def test_one_that_has_failed_is_not_waited_for() -> None:
    async def main() -> None:
        gate = Gate(["a", "b"])
        waiting = asyncio.create_task(gate.pass_through("a"))
        await turns()
        gate.arrive("b")
        gate.arrive("b")
        await waiting

    asyncio.run(main())


def test_a_gate_for_nobody_is_open() -> None:
    asyncio.run(Gate().pass_through("a"))
