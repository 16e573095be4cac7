"""The subject side, in this process: what the probe writes, and that it disturbs nothing."""

from __future__ import annotations

import asyncio
import gc
import json
import logging
import os
import sys
from collections.abc import AsyncGenerator, Callable, Generator, Iterator
from contextlib import aclosing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.common import AppError, cleanup, service
from hangup.agent import boundary, probe
from hangup.agent.boundary import Boundary, Message
from hangup.model.vocabulary import Word
from hangup.runner.client import COLLECT_PATH


class Trace:
    """What the probe has written since."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def of(self, surface: str) -> list[str]:
        """A surface's events in words, such as `end CancelledError at await`."""
        return [
            " ".join(
                [e["event"]]
                + ([e["saw"]] if "saw" in e else [])
                + ([f"at {e['at']}"] if "at" in e else [])
            )
            for e in self.events
            if e["surface"] == surface
        ]


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trace]:
    path = tmp_path / "probe.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    monkeypatch.setattr(probe, "_trace", descriptor)
    yield Trace(path)
    os.close(descriptor)


async def others_done() -> None:
    """Wait until all that this loop has been given to do is done."""
    await asyncio.sleep(0)  # what was submitted "threadsafe" becomes a task
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


# --- The probe.


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (ValueError("x"), "ValueError"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
        (ExceptionGroup("x", [ValueError(), OSError()]), "ExceptionGroup[ValueError, OSError]"),
        (
            BaseExceptionGroup("x", [ExceptionGroup("y", [AppError()]), KeyboardInterrupt()]),
            "BaseExceptionGroup[ExceptionGroup[AppError], KeyboardInterrupt]",
        ),
    ],
)
def test_an_exception_is_named_by_its_type_and_a_group_by_its_members(
    error: BaseException, named: str
) -> None:
    assert probe.name(error) == named


def test_a_line_says_when_whose_where_and_what(trace: Trace) -> None:
    probe.record("idle-1", "send", "end", n=3, saw=None, detail="ünï\ncode")
    (event,) = trace.events
    assert isinstance(event.pop("t"), int)
    assert event == {
        "trial": "idle-1",
        "surface": "send",
        "event": "end",
        "n": 3,
        "detail": "ünï\ncode",
    }


def test_a_span_that_ends_normally_says_no_more_than_that(trace: Trace) -> None:
    with probe.Span("t", "endpoint"):
        pass
    assert trace.of("endpoint") == ["begin", "end"]


@pytest.mark.parametrize("at", ["await", "yield"])
def test_a_span_says_where_its_generator_stood(trace: Trace, at: str) -> None:
    with suppress(ValueError), probe.Span("t", "stream") as here:
        here.at = at
        raise ValueError("why")
    assert trace.of("stream") == ["begin", f"end ValueError at {at}"]
    assert trace.events[-1]["detail"] == "why"


def test_a_handler_that_cannot_be_registered_is_reported_and_passed_over(trace: Trace) -> None:
    with probe.optional_registration("handler-cancelled"):
        raise TypeError("no such thing")
    with probe.optional_registration("handler-cancelled"):
        pass
    assert trace.of("handler-cancelled") == ["refused TypeError"]


def test_a_hook_is_reported_with_its_exception_or_as_called(trace: Trace) -> None:
    probe.saw("hook:after")
    probe.saw("hook:after", ValueError())
    assert trace.of("hook:after") == [f"saw {Word.CALLED}", "saw ValueError"]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


REPORTS: list[Callable[[], object]] = [
    lambda: probe.record("t", "stream", "begin"),
    lambda: probe.record("t", "stream", "begin", detail=object()),
    lambda: probe.saw("handler", UnprintableError()),
    lambda: probe.span("endpoint").__exit__(UnprintableError, UnprintableError(), None),
    lambda: probe.span("endpoint").noticed(UnprintableError()),
]


@pytest.mark.parametrize("report", REPORTS)
def test_the_probe_never_raises_into_the_app(trace: Trace, report: Callable[[], object]) -> None:
    report()


@pytest.mark.parametrize("descriptor", [-1, None])
@pytest.mark.parametrize("report", REPORTS)
def test_the_probe_never_raises_where_it_cannot_write(
    monkeypatch: pytest.MonkeyPatch, report: Callable[[], object], descriptor: int | None
) -> None:
    monkeypatch.setattr(probe, "_trace", descriptor)
    report()


def test_a_handler_whose_error_cannot_be_refused_in_words_is_refused_all_the_same(
    trace: Trace,
) -> None:
    with probe.optional_registration("handler"):
        raise UnprintableError
    assert trace.of("handler") == ["refused UnprintableError"]


# --- Reclaiming. What was thrown by nobody but the garbage collector comes after `dropped`.


async def numbers() -> AsyncGenerator[int, None]:
    with probe.Span("t", "stream", at="yield"):
        yield 1
        yield 2


def sync_numbers() -> Generator[int, None, None]:
    with probe.Span("t", "stream", at="yield"):
        yield 1
        yield 2


CLOSED = "end GeneratorExit at yield"


def test_an_async_generator_nobody_refers_to_is_dropped_before_it_is_closed(
    trace: Trace,
) -> None:
    async def main() -> None:
        generator = numbers()
        probe.watch_reclaim(generator, "t", "stream")
        await anext(generator)
        del generator
        await others_done()

    asyncio.run(main())
    assert trace.of("stream") == ["begin", "dropped", CLOSED]


def test_an_async_generator_in_a_cycle_is_dropped_before_it_is_closed(trace: Trace) -> None:
    async def main() -> None:
        cycle: list[object] = []
        generator = numbers()
        probe.watch_reclaim(generator, "t", "stream")
        await anext(generator)
        cycle += [cycle, generator]
        del cycle, generator
        assert trace.of("stream") == ["begin"]
        gc.collect()
        await others_done()

    gc.disable()
    try:
        asyncio.run(main())
    finally:
        gc.enable()
    assert trace.of("stream") == ["begin", "dropped", CLOSED]


def test_an_async_generator_closed_by_hand_is_closed_before_it_is_dropped(trace: Trace) -> None:
    async def main() -> None:
        generator = numbers()
        probe.watch_reclaim(generator, "t", "stream")
        await anext(generator)
        await generator.aclose()

    asyncio.run(main())
    assert trace.of("stream") == ["begin", CLOSED, "dropped"]


def test_an_async_generator_never_begun_is_only_dropped(trace: Trace) -> None:
    async def main() -> None:
        generator = numbers()
        probe.watch_reclaim(generator, "t", "stream")
        del generator
        await others_done()

    asyncio.run(main())
    assert trace.of("stream") == ["dropped"]


def test_a_generator_nobody_refers_to_is_dropped_before_it_is_closed(trace: Trace) -> None:
    generator = sync_numbers()
    probe.watch_reclaim(generator, "t", "stream")
    next(generator)
    del generator
    assert trace.of("stream") == ["begin", "dropped", CLOSED]


def test_a_generator_in_a_cycle_is_dropped_before_it_is_closed(trace: Trace) -> None:
    gc.disable()
    try:
        cycle: list[object] = []
        generator = sync_numbers()
        probe.watch_reclaim(generator, "t", "stream")
        next(generator)
        cycle += [cycle, generator]
        del cycle, generator
        assert trace.of("stream") == ["begin"]
        gc.collect()
    finally:
        gc.enable()
    assert trace.of("stream") == ["begin", "dropped", CLOSED]


def test_a_generator_closed_by_hand_is_closed_before_it_is_dropped(trace: Trace) -> None:
    generator = sync_numbers()
    probe.watch_reclaim(generator, "t", "stream")
    next(generator)
    generator.close()
    assert trace.of("stream") == ["begin", CLOSED]
    del generator
    assert trace.of("stream") == ["begin", CLOSED, "dropped"]


def test_a_generator_never_begun_is_only_dropped(trace: Trace) -> None:
    generator = sync_numbers()
    probe.watch_reclaim(generator, "t", "stream")
    del generator
    assert trace.of("stream") == ["dropped"]


# --- The streams.

EVENTS = 2
IDLE = {"events": EVENTS, "then": "wait"}


def following(
    script: dict[str, Any],
    reads: Callable[[], AsyncGenerator[tuple[int, str], None]] | None = None,
) -> AsyncGenerator[str, None]:
    """A stream that follows this script, as the trial `t`."""
    probe.trial_of_request.set("t")
    probe.script_of_request.set(json.dumps(script))
    return service.stream(str, reads=reads)


async def numbers_of(stream: AsyncGenerator[str, None]) -> list[int]:
    return [json.loads(data)["number"] async for data in stream]


async def cancelled_while_it_waits(stream: AsyncGenerator[str, None]) -> list[int]:
    """Read until the stream waits, then cancel the reader; what was read after that."""
    taken: list[int] = []
    waits = asyncio.Event()

    async def read() -> None:
        async for data in stream:
            taken.append(json.loads(data)["number"])
            if len(taken) == EVENTS:
                waits.set()

    reader = asyncio.create_task(read())
    await waits.wait()
    # The event made us ready; the reader went on until it was suspended in its source.
    reader.cancel()
    await asyncio.wait({reader})
    await others_done()
    await stream.aclose()
    return taken[EVENTS:]


WAYS = [*cleanup.CLEANUPS, ""]
WAITED_FOR = {"await", "asyncio-shield", "anyio-shield"}


@pytest.fixture
def short_work(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cleanup, "WORK_S", 0.001)


@pytest.mark.usefixtures("short_work")
@pytest.mark.parametrize("way", WAYS)
def test_a_stream_cancelled_at_an_await_cleans_up_and_stays_cancelled(
    trace: Trace, way: str
) -> None:
    async def main() -> None:
        assert await cancelled_while_it_waits(following(IDLE | {"cleanup": way})) == []

    asyncio.run(main())
    assert trace.of("stream") == [
        "begin",
        "saw CancelledError at await",
        "end CancelledError at await",
        "dropped",
    ]
    assert trace.of("source")[:3] == ["begin", "waiting", "end CancelledError at await"]
    assert trace.of("cleanup") == (["begin", "end"] if way else [])


@pytest.mark.usefixtures("short_work")
@pytest.mark.parametrize("way", WAYS)
def test_a_stream_closed_at_a_yield_cleans_up_and_stays_closed(trace: Trace, way: str) -> None:
    async def main() -> None:
        stream = following(IDLE | {"cleanup": way})
        await anext(stream)
        await stream.aclose()
        await others_done()

    asyncio.run(main())
    stream_events = [event for event in trace.of("stream") if event != "dropped"]
    assert stream_events == [
        "begin",
        "saw GeneratorExit at yield",
        "end GeneratorExit at await",
    ]
    assert trace.of("cleanup") == (["begin", "end"] if way else [])


@pytest.mark.usefixtures("short_work")
@pytest.mark.parametrize("way", sorted(cleanup.CLEANUPS))
def test_a_clean_up_that_is_awaited_ends_before_the_stream(trace: Trace, way: str) -> None:
    async def main() -> None:
        stream = following(IDLE | {"cleanup": way})
        await anext(stream)
        await stream.aclose()
        await others_done()

    asyncio.run(main())
    ends = [e["surface"] for e in trace.events if e["event"] == "end"]
    before = ends.index("cleanup") < ends.index("stream")
    assert before == (way in WAITED_FOR)


@pytest.mark.usefixtures("short_work")
def test_a_stream_that_swallows_its_cancellation_carries_on_to_its_end(trace: Trace) -> None:
    async def main() -> None:
        stream = following(IDLE | {"cleanup": "swallow"})
        assert await cancelled_while_it_waits(stream) == [1, 2, 3]

    asyncio.run(main())
    assert trace.of("stream") == ["begin", "saw CancelledError at await", "end", "dropped"]
    assert trace.of("cleanup") == ["begin", "end"]


def test_a_stream_that_would_swallow_a_cancellation_lets_itself_be_closed(trace: Trace) -> None:
    async def main() -> None:
        stream = following(IDLE | {"cleanup": "swallow"})
        await anext(stream)
        await stream.aclose()
        await others_done()

    asyncio.run(main())
    assert trace.of("stream")[:3] == [
        "begin",
        "saw GeneratorExit at yield",
        "end GeneratorExit at await",
    ]


def test_a_stream_left_alone_yields_everything_and_ends(trace: Trace) -> None:
    async def main() -> list[int]:
        return await numbers_of(following({"events": 5}))

    assert asyncio.run(main()) == [1, 2, 3, 4, 5]
    assert trace.of("stream")[:2] == ["begin", "end"]
    assert trace.of("source")[:2] == ["begin", "end"]


def test_closing_a_stream_leaves_its_source_to_the_garbage_collector(trace: Trace) -> None:
    async def main() -> None:
        stream = following(IDLE)
        await anext(stream)
        await stream.aclose()
        await others_done()

    asyncio.run(main())
    assert trace.of("source") == ["begin", "dropped", "end GeneratorExit at yield"]


def test_an_app_may_put_something_between_a_stream_and_its_source(trace: Trace) -> None:
    async def read_ahead() -> AsyncGenerator[tuple[int, str], None]:
        for event in [event async for event in service.source()]:
            yield event

    async def main() -> None:
        stream = following({"events": EVENTS}, reads=read_ahead)
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
def test_what_the_source_raises_comes_out_of_the_stream(
    trace: Trace, then: str, error: type[BaseException]
) -> None:
    async def main() -> None:
        async with aclosing(following({"events": 1, "then": then})) as stream:
            await numbers_of(stream)

    with pytest.raises(error):
        asyncio.run(main())
    assert trace.of("source")[1] == f"end {error.__name__} at await"
    assert f"end {error.__name__} at await" in trace.of("stream")


def test_a_stream_whose_time_is_up_raises_a_timeout_that_its_source_saw_as_cancellation(
    trace: Trace,
) -> None:
    async def main() -> None:
        await numbers_of(following(IDLE | {"timeout_ms": 1}))

    with pytest.raises(TimeoutError):
        asyncio.run(main())
    assert trace.of("source")[2] == "end CancelledError at await"
    assert trace.of("stream")[1] == "end TimeoutError at await"


def test_a_stream_that_holds_its_last_event_waits_while_its_source_stands_at_a_yield(
    trace: Trace,
) -> None:
    async def main() -> None:
        await cancelled_while_it_waits(following({"events": EVENTS, "holds_last": True}))

    asyncio.run(main())
    assert trace.of("stream")[:2] == ["begin", "waiting"]
    assert trace.of("source") == ["begin", "dropped", "end GeneratorExit at yield"]


def test_a_stream_never_begun_is_only_dropped(trace: Trace) -> None:
    async def main() -> None:
        following(IDLE)

    asyncio.run(main())
    assert trace.of("stream") == ["dropped"]
    assert trace.of("source") == []


def test_a_plain_generator_stream_is_closed_together_with_its_source(trace: Trace) -> None:
    probe.trial_of_request.set("t")
    probe.script_of_request.set(json.dumps({"events": 3}))
    stream = service.sync_stream(str)
    next(stream)
    stream.close()
    assert trace.of("stream") == ["begin", "end GeneratorExit at yield"]
    assert trace.of("source") == ["begin", "dropped", "end GeneratorExit at yield"]


# --- The boundary.

DISCONNECT: Message = {"type": "http.disconnect"}
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
SCOPE = {
    "type": "http",
    "query_string": urlencode({"trial": "t", "script": '{"events": 7}'}).encode(),
}


async def receive() -> Message:
    return DISCONNECT


async def send(message: Message) -> None:
    assert message is START


def called(app: boundary.App, scope: dict[str, Any] = SCOPE) -> None:
    asyncio.run(Boundary(app)(scope, receive, send))


def test_messages_cross_the_boundary_as_they_are(trace: Trace) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope is SCOPE
        assert await receive() is DISCONNECT
        assert await send(START) is None

    called(app)
    assert trace.of("receive") == ["begin", "end http.disconnect"]
    assert trace.of("send") == ["begin", "end"]
    assert trace.of("asgi") == ["begin", "end"]
    assert {event["trial"] for event in trace.events} == {"t"}


def test_a_request_tells_the_app_its_trial_and_script(trace: Trace) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert probe.trial_of_request.get() == "t"
        assert service.script_of_request().events == 7

    called(app)


@pytest.mark.parametrize("error", [OSError("gone"), asyncio.CancelledError()])
@pytest.mark.parametrize("side", ["receive", "send"])
def test_what_the_server_raises_reaches_the_app_and_leaves_it_unchanged(
    trace: Trace, side: str, error: BaseException
) -> None:
    async def fails(message: Any = None) -> Message:
        raise error

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (receive() if side == "receive" else send(START))

    async def main() -> None:
        with pytest.raises(type(error)) as raised:
            await Boundary(app)(SCOPE, fails, fails)  # type: ignore[arg-type]
        assert raised.value is error

    asyncio.run(main())
    named = type(error).__name__
    assert trace.of(side) == ["begin", f"end {named}"]
    assert trace.of("asgi") == ["begin", f"end {named}"]


@pytest.mark.parametrize(
    "scope",
    [{"type": "http", "query_string": b"a=b"}, {"type": "lifespan"}, {"type": "websocket"}],
    ids=["another request", "the lifespan", "a websocket"],
)
def test_what_is_no_trial_passes_unseen(trace: Trace, scope: dict[str, Any]) -> None:
    seen: list[object] = []

    async def app(*passed: Any) -> None:
        seen.extend(passed)

    called(app, scope)
    assert all(ours is theirs for ours, theirs in zip(seen, (scope, receive, send), strict=True))
    assert trace.events == []


def test_a_stream_without_end_is_sampled_and_its_failing_send_is_not_lost(trace: Trace) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(boundary.SENDS_IN_FULL + 5000):
            await send(START)
        await send({"type": "last"})

    async def fails_at_last(message: Message) -> None:
        if message["type"] == "last":
            raise OSError

    async def main() -> None:
        with pytest.raises(OSError):  # noqa: PT011 - whichever
            await Boundary(app)(SCOPE, receive, fails_at_last)

    asyncio.run(main())
    sends = [event for event in trace.events if event["surface"] == "send"]
    assert len(sends) < 2 * (boundary.SENDS_IN_FULL + 5000)
    assert (sends[-1]["saw"], sends[-1]["n"]) == ("OSError", boundary.SENDS_IN_FULL + 5001)


def test_once_the_disconnect_is_known_sends_are_recorded_in_full_again(trace: Trace) -> None:
    flood = boundary.SENDS_IN_FULL + 5000

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(flood):
            await send(START)
        await receive()
        await send(START)

    called(app)
    sends = [(e["n"], e["event"]) for e in trace.events if e["surface"] == "send"]
    assert sends[-2:] == [(flood + 1, "begin"), (flood + 1, "end")]
    assert len(sends) < 2 * flood


def test_a_send_under_way_when_the_disconnect_comes_is_recorded(
    trace: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundary, "SENDS_IN_FULL", 0)
    monkeypatch.setattr(boundary, "SAMPLE_NS", 10**18)

    async def main() -> None:
        goes_through = asyncio.Event()

        async def slow_send(message: Message) -> None:
            await goes_through.wait()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            sending = asyncio.create_task(send(START))
            await asyncio.sleep(0)
            assert trace.of("send") == []
            await receive()
            goes_through.set()
            await sending

        await Boundary(app)(SCOPE, receive, slow_send)

    asyncio.run(main())
    assert trace.of("send") == ["begin", "end"]


def test_a_request_to_collect_garbage_does_and_the_app_does_not_see_it(trace: Trace) -> None:
    sent: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the app was called")

    async def keep(message: Message) -> None:
        sent.append(message)

    gc.disable()
    try:
        cycle: list[object] = []
        generator = sync_numbers()
        probe.watch_reclaim(generator, "t", "stream")
        cycle += [cycle, generator]
        del cycle, generator
        asyncio.run(Boundary(app)({"type": "http", "path": COLLECT_PATH}, receive, keep))
    finally:
        gc.enable()
    assert trace.of("stream") == ["dropped"]
    assert sent[0]["status"] == 204


# --- The log.


@pytest.fixture
def watched_log(trace: Trace, monkeypatch: pytest.MonkeyPatch) -> Iterator[Trace]:
    before = logging.getLogRecordFactory()
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    boundary.watch_log()
    yield trace
    logging.setLogRecordFactory(before)
    gc.callbacks.remove(boundary._collection)


LOG = logging.getLogger("a server")


def test_a_logged_exception_is_reported_by_its_type(watched_log: Trace) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        LOG.exception("it failed")
    assert watched_log.of("server-log") == ["saw ValueError"]
    assert watched_log.events[0]["detail"] == "a server: it failed"


def test_an_error_without_an_exception_is_reported_in_the_vocabularys_word(
    watched_log: Trace,
) -> None:
    LOG.error("it failed")
    assert watched_log.of("server-log") == [f"saw {Word.ERROR_LINE}"]


def test_what_is_no_error_is_not_reported(watched_log: Trace) -> None:
    LOG.warning("it is about to fail")
    assert watched_log.of("server-log") == []


def test_an_exception_python_could_only_print_is_reported(watched_log: Trace) -> None:
    class Stubborn:
        def __del__(self) -> None:
            raise ValueError("at the very end")

    Stubborn()
    gc.collect()
    assert watched_log.of("server-log") == ["saw ValueError"]


class Litter:
    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        LOG.error("left behind")


def test_what_the_garbage_collector_brings_to_light_is_put_down_to_no_trial(
    watched_log: Trace,
) -> None:
    probe.trial_of_request.set("t")
    Litter().itself = None  # type: ignore[assignment]
    Litter()
    gc.collect()
    assert [event["trial"] for event in watched_log.events] == ["t", None]


@pytest.mark.parametrize("message", ["", "\n"])
def test_an_error_that_says_nothing_is_reported_all_the_same(
    watched_log: Trace, message: str
) -> None:
    LOG.error(message)
    assert watched_log.of("server-log") == [f"saw {Word.ERROR_LINE}"]


def test_watching_the_log_never_raises_into_who_logs(
    watched_log: Trace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    LOG.error("%d of them", "none")


# --- A stream that asks whether its client has gone.


def asking(script: dict[str, Any], answers: list[bool]) -> AsyncGenerator[str, None]:
    """A stream that follows this script and gets these answers, one each time it asks."""

    async def is_disconnected() -> bool:
        return answers.pop(0)

    probe.trial_of_request.set("t")
    probe.script_of_request.set(json.dumps(script))
    return service.stream(str, is_disconnected)


@pytest.mark.parametrize(
    ("polls", "answers", "numbers", "told"),
    [
        (True, [False, False, True], [1, 2], ["begin", f"saw {Word.RETURNED_TRUE}"]),
        (True, [False, False, False], [1, 2, 3], ["begin"]),
        (False, [True], [1, 2, 3], []),
    ],
)
def test_a_stream_that_asks_ends_when_it_is_told_so(
    trace: Trace, polls: bool, answers: list[bool], numbers: list[int], told: list[str]
) -> None:
    async def main() -> list[int]:
        return await numbers_of(asking({"events": 3, "polls": polls}, answers))

    assert asyncio.run(main()) == numbers
    assert trace.of("is_disconnected") == told
    assert trace.of("stream")[:2] == ["begin", "end"]


def test_a_stream_that_has_nobody_to_ask_says_so_by_its_silence(trace: Trace) -> None:
    assert len(asyncio.run(numbers_of(following({"events": 2, "polls": True})))) == 2
    assert trace.of("is_disconnected") == []
