"""What the streams do that all apps share, as the script of the request says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import anyio
import pytest

from apps.common import AppError, cleanup, service
from hangup.agent import probe
from hangup.model.vocabulary import Word
from tests.agent_trace import AgentTrace, other_tasks_done

EVENTS = 2
IDLE = {"events": EVENTS, "then": "wait"}


def scripted(
    script: dict[str, Any],
    make_source: Callable[[], AsyncGenerator[tuple[int, str], None]] | None = None,
) -> AsyncGenerator[str, None]:
    """A stream with this script, in the trial `t`."""
    probe.trial_of_request.set("t")
    probe.script_of_request.set(json.dumps(script))
    return service.stream(str, make_source=make_source)


async def numbers_of(stream: AsyncGenerator[str, None]) -> list[int]:
    return [json.loads(data)["number"] async for data in stream]


async def cancelled_while_it_waits(stream: AsyncGenerator[str, None]) -> list[int]:
    """Read until the stream waits, cancel the reader, and return what was read after that."""
    taken: list[int] = []
    waits = asyncio.Event()

    async def read() -> None:
        async for data in stream:
            taken.append(json.loads(data)["number"])
            if len(taken) == EVENTS:
                waits.set()

    reader = asyncio.create_task(read())
    await waits.wait()
    # By the time this task runs again, the reader is suspended in its source.
    reader.cancel()
    await asyncio.wait({reader})
    await other_tasks_done()
    await stream.aclose()
    return taken[EVENTS:]


DROPPED = f"dropped {probe.REFERENCE_DROPPED}"
CLEANUPS = [*cleanup.CLEANUPS, ""]
AWAITED = {"await", "asyncio-shield", "anyio-shield"}


def cleaned_up(name: str) -> list[str]:
    """The events of a clean-up that nothing has interrupted."""
    done = ["begin", "end", "did"] if name in AWAITED else ["did", "begin", "end"]
    return done if name else []


@pytest.fixture
def short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "WORK_S", 0.001)


@pytest.mark.usefixtures("short_work")
@pytest.mark.parametrize("name", CLEANUPS)
def test_a_stream_cancelled_at_an_await_cleans_up_and_raises_the_cancellation(
    trace: AgentTrace, name: str
) -> None:
    async def main() -> None:
        assert await cancelled_while_it_waits(scripted(IDLE | {"cleanup": name})) == []

    asyncio.run(main())
    assert trace.of("stream") == [
        "begin",
        "saw CancelledError at await",
        "end CancelledError at await",
        DROPPED,
    ]
    assert trace.of("source")[:3] == ["begin", "waiting", "end CancelledError at await"]
    assert trace.of("cleanup") == cleaned_up(name)


@pytest.mark.usefixtures("short_work")
@pytest.mark.parametrize("name", CLEANUPS)
def test_a_stream_closed_at_a_yield_cleans_up_and_raises_generator_exit(
    trace: AgentTrace, name: str
) -> None:
    async def main() -> None:
        stream = scripted(IDLE | {"cleanup": name})
        await anext(stream)
        await stream.aclose()
        await other_tasks_done()

    asyncio.run(main())
    stream_events = [event for event in trace.of("stream") if event != DROPPED]
    assert stream_events == [
        "begin",
        "saw GeneratorExit at yield",
        "end GeneratorExit at await",
    ]
    assert trace.of("cleanup") == cleaned_up(name)


@pytest.mark.parametrize("cancelled", [False, True])
def test_whether_the_code_after_an_await_is_run_is_reported(
    trace: AgentTrace, cancelled: bool
) -> None:
    async def main() -> None:
        with cleanup.reported_await("t"):
            await asyncio.sleep(3600 if cancelled else 0)

    async def cancel() -> None:
        task = asyncio.create_task(main())
        await asyncio.sleep(0)
        if cancelled:
            task.cancel()
        await asyncio.wait({task})
        assert task.cancelled() == cancelled

    asyncio.run(cancel())
    (event,) = trace.events
    assert (event["surface"], event["event"]) == ("cleanup", "did")
    assert event["detail"] == (cleanup.AWAIT_CANCELLED if cancelled else cleanup.CODE_AFTER)


@pytest.mark.usefixtures("short_work")
@pytest.mark.parametrize("name", sorted(cleanup.CLEANUPS))
def test_only_a_clean_up_that_is_awaited_ends_before_the_stream(
    trace: AgentTrace, name: str
) -> None:
    async def main() -> None:
        stream = scripted(IDLE | {"cleanup": name})
        await anext(stream)
        await stream.aclose()
        await other_tasks_done()

    asyncio.run(main())
    ends = [e["surface"] for e in trace.events if e["event"] == "end"]
    before = ends.index("cleanup") < ends.index("stream")
    assert before == (name in AWAITED)


@pytest.mark.usefixtures("short_work")
def test_a_stream_that_swallows_its_cancellation_yields_on_and_ends_normally(
    trace: AgentTrace,
) -> None:
    async def main() -> None:
        stream = scripted(IDLE | {"cleanup": "swallow"})
        assert await cancelled_while_it_waits(stream) == [1, 2, 3]

    asyncio.run(main())
    assert trace.of("stream") == ["begin", "saw CancelledError at await", "end", DROPPED]
    assert trace.of("cleanup") == ["begin", "end"]


def test_a_stream_that_swallows_cancellations_can_be_closed(trace: AgentTrace) -> None:
    async def main() -> None:
        stream = scripted(IDLE | {"cleanup": "swallow"})
        await anext(stream)
        await stream.aclose()
        await other_tasks_done()

    asyncio.run(main())
    assert trace.of("stream")[:3] == [
        "begin",
        "saw GeneratorExit at yield",
        "end GeneratorExit at await",
    ]


def test_a_stream_that_is_not_interrupted_yields_everything_and_ends(trace: AgentTrace) -> None:
    async def main() -> list[int]:
        return await numbers_of(scripted({"events": 5}))

    assert asyncio.run(main()) == [1, 2, 3, 4, 5]
    assert trace.of("stream")[:2] == ["begin", "end"]
    assert trace.of("source")[:2] == ["begin", "end"]


def test_closing_a_stream_does_not_close_its_source(trace: AgentTrace) -> None:
    async def main() -> None:
        stream = scripted(IDLE)
        await anext(stream)
        await stream.aclose()
        await other_tasks_done()

    asyncio.run(main())
    assert trace.of("source") == ["begin", DROPPED, "end GeneratorExit at yield"]


def test_an_app_can_put_a_generator_between_the_stream_and_its_source(trace: AgentTrace) -> None:
    async def read_ahead() -> AsyncGenerator[tuple[int, str], None]:
        for event in [event async for event in service.source()]:
            yield event

    async def main() -> None:
        stream = scripted({"events": EVENTS}, make_source=read_ahead)
        assert trace.of("source") == []
        await anext(stream)
        assert trace.of("stream") == ["begin"]
        assert trace.of("source")[:2] == ["begin", "end"]
        assert await numbers_of(stream) == [2]

    asyncio.run(main())
    assert trace.of("stream")[:2] == ["begin", "end"]
    assert {event["trial"] for event in trace.events} == {"t"}


@pytest.mark.parametrize(
    ("then", "error"),
    [
        ("raise", ValueError),
        ("raise-app-error", AppError),
        ("raise-cancelled", asyncio.CancelledError),
    ],
)
def test_what_the_source_raises_is_raised_by_the_stream(
    trace: AgentTrace, then: str, error: type[BaseException]
) -> None:
    async def main() -> None:
        async with aclosing(scripted({"events": 1, "then": then})) as stream:
            await numbers_of(stream)

    with pytest.raises(error):
        asyncio.run(main())
    assert trace.of("source")[1] == f"end {error.__name__} at await"
    assert f"end {error.__name__} at await" in trace.of("stream")


def test_a_timeout_of_the_stream_is_a_cancellation_in_its_source(
    trace: AgentTrace,
) -> None:
    async def main() -> None:
        await numbers_of(scripted(IDLE | {"timeout_ms": 1}))

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert trace.of("source")[2] == "end CancelledError at await"
    assert trace.of("stream")[1] == "end TimeoutError at await"


def test_a_stream_that_holds_its_last_event_waits_with_its_source_at_a_yield(
    trace: AgentTrace,
) -> None:
    async def main() -> None:
        await cancelled_while_it_waits(scripted({"events": EVENTS, "holds_last": True}))

    asyncio.run(main())
    assert trace.of("stream")[:2] == ["begin", "waiting"]
    assert trace.of("source") == ["begin", DROPPED, "end GeneratorExit at yield"]


def test_a_stream_that_was_not_started_is_only_dropped(trace: AgentTrace) -> None:
    async def main() -> None:
        scripted(IDLE)

    asyncio.run(main())
    assert trace.of("stream") == [DROPPED]
    assert trace.of("source") == []


def test_closing_a_sync_stream_also_closes_its_source(trace: AgentTrace) -> None:
    probe.trial_of_request.set("t")
    probe.script_of_request.set(json.dumps({"events": 3}))
    stream = service.sync_stream(str)
    next(stream)
    stream.close()
    assert trace.of("stream") == ["begin", "end GeneratorExit at yield"]
    assert trace.of("source") == ["begin", DROPPED, "end GeneratorExit at yield"]


def polling(script: dict[str, Any], answers: list[bool]) -> AsyncGenerator[str, None]:
    """A stream with this script; `is_disconnected()` returns these answers, one after the other."""

    async def is_disconnected() -> bool:
        return answers.pop(0)

    probe.trial_of_request.set("t")
    probe.script_of_request.set(json.dumps(script))
    return service.stream(str, is_disconnected)


@pytest.mark.parametrize(
    ("polls", "answers", "numbers", "recorded"),
    [
        (True, [False, False, True], [1, 2], ["begin", f"saw {Word.RETURNED_TRUE}"]),
        (True, [False, False, False], [1, 2, 3], ["begin"]),
        (False, [True], [1, 2, 3], []),
    ],
)
def test_a_polling_stream_ends_when_is_disconnected_returns_true(
    trace: AgentTrace, polls: bool, answers: list[bool], numbers: list[int], recorded: list[str]
) -> None:
    async def main() -> list[int]:
        return await numbers_of(polling({"events": 3, "polls": polls}, answers))

    assert asyncio.run(main()) == numbers
    assert trace.of("is_disconnected") == recorded
    assert trace.of("stream")[:2] == ["begin", "end"]


def test_a_polling_stream_without_is_disconnected_does_not_poll(trace: AgentTrace) -> None:
    assert len(asyncio.run(numbers_of(scripted({"events": 2, "polls": True})))) == 2
    assert trace.of("is_disconnected") == []


@pytest.mark.parametrize(
    ("script", "waited_s"),
    [
        ({"cleanup": "await", "cleanup_ms": 2000}, [2.0]),
        ({"cleanup": "await"}, [cleanup.WORK_S]),
        ({"recipe": "try_finally", "cleanup_ms": 600}, [service.CLOSING_S, 0.2, 0.2, 0.2]),
        ({"recipe": "try_finally"}, [service.CLOSING_S, *[cleanup.STEP_S] * 3]),
    ],
)
def test_a_clean_up_takes_as_long_as_the_script_says(
    script: dict[str, Any], waited_s: list[float], monkeypatch: pytest.MonkeyPatch
) -> None:
    waits: list[float] = []
    sleep = asyncio.sleep

    async def recorded_sleep(delay_s: float) -> None:
        waits.append(delay_s)
        await sleep(0)

    async def main() -> None:
        stream = scripted({"events": EVENTS} | script)
        await anext(stream)
        monkeypatch.setattr(asyncio, "sleep", recorded_sleep)
        await stream.aclose()

    asyncio.run(main())
    assert waits == pytest.approx(waited_s)


@pytest.mark.parametrize(
    ("recipe", "end"),
    [
        ("closing", "end GeneratorExit at yield"),
        ("try_finally", f"end CancelledError at {probe.IN_FINALLY}"),
    ],
)
def test_a_source_of_a_recipe_whose_closing_is_cut_says_so(
    trace: AgentTrace, recipe: str, end: str
) -> None:
    async def main() -> None:
        stream = scripted(IDLE | {"recipe": recipe})
        await anext(stream)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.aclose()

    asyncio.run(main())
    assert trace.of("source")[:2] == ["begin", end]
