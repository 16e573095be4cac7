"""That a generator is reported as dropped before the interpreter closes it, and only then.

The report tells whether its last reference has gone or a collection has found it. Whatever is
raised in it after that was thrown by no code of the app or the framework.
"""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import AsyncGenerator, Generator

import pytest

from hangup.agent import probe
from hangup.analysis.compaction import compacted
from hangup.analysis.finalization import dropped_after_ns, dropped_ranges_ns
from hangup.analysis.outcomes import StackOutcomes
from hangup.model.scenarios import BY_ID
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from hangup.report import markdown
from tests.agent_trace import AgentTrace, other_tasks_done
from tests.rendering import rendered
from tests.traces import CLOSES, LEAVES, Line, classified, stack_result, trial


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


# --- When that was.

CLOSED_LATE: tuple[Line, ...] = (f"stream {DROPPED}", "stream end GeneratorExit at a yield")


def dropped_at(ms: int, repeat: int = 1, *, scenario: str = "ticking") -> Trial:
    """A trial in which the last reference to a stream went so long after the client left."""
    return trial(scenario, "stream begin", LEAVES, ms - 1, *CLOSED_LATE, repeat=repeat)


def ranges(result: StackResult) -> dict[str, tuple[int, int]]:
    return dropped_ranges_ns(StackOutcomes(result).of("ticking"))


def test_when_last_references_went_is_a_range() -> None:
    result = stack_result(dropped_at(4), dropped_at(117, 2), dropped_at(30, 3))
    assert ranges(result) == {"stream": (4_000_000, 117_000_000)}


def test_when_last_references_went_is_kept_of_traces_that_are_not() -> None:
    result = stack_result(dropped_at(40), dropped_at(117, 2), dropped_at(4, 3))
    once = compacted(result)
    assert len(once.trials) == 1
    assert ranges(once) == {"stream": (4_000_000, 117_000_000)}
    (twice,) = compacted(stack_result(*once.trials, dropped_at(200, 4))).trials
    assert dict(twice.alike_dropped_ns) == {"stream": (117_000_000, 4_000_000, 200_000_000)}


@pytest.mark.parametrize(
    "lines",
    [
        ("stream begin", LEAVES, "stream end CancelledError at an await", f"stream {DROPPED}"),
        ("stream begin", LEAVES, f"stream {COLLECTED}", "stream end GeneratorExit at a yield"),
        ("stream begin", LEAVES, CLOSES),
        ("stream begin", *CLOSED_LATE),
    ],
)
def test_a_generator_that_something_else_has_ended_or_nobody_has_left_has_no_such_time(
    lines: tuple[Line, ...],
) -> None:
    assert dropped_after_ns(classified(trial("ticking", *lines))) == {}


def test_the_time_of_a_source_is_its_own() -> None:
    source = (f"source {DROPPED}", "source end GeneratorExit at a yield")
    lines = ("stream begin", "source begin", LEAVES, "stream end CancelledError", *source)
    assert dropped_after_ns(classified(trial("nested", *lines))) == {"source": (2_000_000,)}


@pytest.mark.parametrize(
    ("scenario", "ranges_ns", "text"),
    [
        ("idle", {}, ""),
        ("idle", {"stream": (4_300_000, 117_000_000)},
         " (the last reference to the stream went 4.3-117 ms after the client left)"),
        ("shutdown", {"source": (11_000_000, 11_000_000)},
         " (the last reference to the source went 11 ms after the signal)"),
    ],
)  # fmt: skip
def test_a_range_in_words(scenario: str, ranges_ns: dict[str, tuple[int, int]], text: str) -> None:
    assert markdown.dropped(ranges_ns, BY_ID[scenario]) == text


def test_the_evidence_says_when() -> None:
    pages = rendered(stack_result(dropped_at(40), dropped_at(117, 2)))
    said = [page for page, text in pages.items() if "went 40-117 ms after the client" in text]
    assert said == ["evidence/current-py3.13/starlette/disconnects.md"]
