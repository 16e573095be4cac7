"""That a generator is reported as dropped before the interpreter closes it, and only then.

The report tells whether its last reference has gone or a collection has found it. Whatever is
raised in it after that was thrown by no code of the app or the framework.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Generator

from hangup.agent import probe
from hangup.model.vocabulary import Word
from tests.agent_trace import AgentTrace, other_tasks_done


async def numbers() -> AsyncGenerator[int, None]:
    with probe.Span("t", "stream", at="yield"):
        yield 1
        yield 2


def sync_numbers() -> Generator[int, None, None]:
    with probe.Span("t", "stream", at="yield"):
        yield 1
        yield 2


CLOSED = "end GeneratorExit at yield"
DROPPED = f"dropped {Word.REFERENCE_DROPPED}"
COLLECTED = f"dropped {Word.GARBAGE_COLLECTED}"


def test_an_async_generator_without_references_is_dropped_before_it_is_closed(
    trace: AgentTrace,
) -> None:
    async def main() -> None:
        generator = numbers()
        probe.watch_finalization(generator, "t", "stream")
        await anext(generator)
        del generator
        await other_tasks_done()

    asyncio.run(main())
    assert trace.of("stream") == ["begin", DROPPED, CLOSED]


def test_an_async_generator_in_a_cycle_is_dropped_before_it_is_closed(trace: AgentTrace) -> None:
    async def main() -> None:
        cycle: list[object] = []
        generator = numbers()
        probe.watch_finalization(generator, "t", "stream")
        await anext(generator)
        cycle += [cycle, generator]
        del cycle, generator
        assert trace.of("stream") == ["begin"]
        gc.collect()
        await other_tasks_done()

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()
    assert trace.of("stream") == ["begin", COLLECTED, CLOSED]


def test_an_async_generator_closed_by_aclose_is_closed_before_it_is_dropped(
    trace: AgentTrace,
) -> None:
    async def main() -> None:
        generator = numbers()
        probe.watch_finalization(generator, "t", "stream")
        await anext(generator)
        await generator.aclose()

    asyncio.run(main())
    assert trace.of("stream") == ["begin", CLOSED, DROPPED]


def test_an_async_generator_that_was_not_started_is_only_dropped(trace: AgentTrace) -> None:
    async def main() -> None:
        generator = numbers()
        probe.watch_finalization(generator, "t", "stream")
        del generator
        await other_tasks_done()

    asyncio.run(main())
    assert trace.of("stream") == [DROPPED]


def test_a_generator_without_references_is_dropped_before_it_is_closed(trace: AgentTrace) -> None:
    generator = sync_numbers()
    probe.watch_finalization(generator, "t", "stream")
    next(generator)
    del generator
    assert trace.of("stream") == ["begin", DROPPED, CLOSED]


def test_a_generator_in_a_cycle_is_dropped_before_it_is_closed(trace: AgentTrace) -> None:
    gc.disable()
    try:
        cycle: list[object] = []
        generator = sync_numbers()
        probe.watch_finalization(generator, "t", "stream")
        next(generator)
        cycle += [cycle, generator]
        del cycle, generator
        assert trace.of("stream") == ["begin"]
        gc.collect()
    finally:
        gc.enable()
    assert trace.of("stream") == ["begin", COLLECTED, CLOSED]


def test_a_generator_closed_by_close_is_closed_before_it_is_dropped(trace: AgentTrace) -> None:
    generator = sync_numbers()
    probe.watch_finalization(generator, "t", "stream")
    next(generator)
    generator.close()
    assert trace.of("stream") == ["begin", CLOSED]
    del generator
    assert trace.of("stream") == ["begin", CLOSED, DROPPED]


def test_a_generator_that_was_not_started_is_only_dropped(trace: AgentTrace) -> None:
    generator = sync_numbers()
    probe.watch_finalization(generator, "t", "stream")
    del generator
    assert trace.of("stream") == [DROPPED]


def test_what_another_thread_drops_during_a_collection_is_not_found_by_that(
    trace: AgentTrace,
) -> None:
    generator = sync_numbers()
    probe.watch_finalization(generator, "t", "stream")
    references = [generator]
    del generator

    def drop(phase: str, info: dict[str, int]) -> None:
        if phase == "start" and references:
            other = threading.Thread(target=references.clear)
            other.start()
            other.join()

    gc.callbacks.append(drop)
    try:
        gc.collect()
    finally:
        gc.callbacks.remove(drop)
    assert trace.of("stream") == [DROPPED]
