"""Streams made of recipes: what they yield and raise, and when they have their clean-up done."""

from __future__ import annotations

import asyncio
import logging
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Iterator
from contextlib import aclosing, asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from types import FrameType
from typing import Any

import anyio
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import StreamingResponse
from starlette.routing import Route
from starlette.testclient import TestClient

from apps.common import recipes, service
from apps.recipes import event_source_shutdown, lifespan_task, send_timeout, until_shutdown
from apps.recipes.dependency import dependency
from hangup.model.cleanup import RECIPES
from hangup.model.scenarios import BY_ID, fits
from hangup.model.vocabulary import EVENT_SOURCE_OPTIONS
from tests.agent_trace import other_tasks_done
from tests.command import DEADLINE_S

STREAMS = ["+".join(recipe.functions) for recipe in RECIPES if recipe.surface is None]
CLEANING = [*STREAMS, "event_source_shutdown+anyio_shield"]
TASKS = [stream for stream in STREAMS if "_task" in stream]
UNSHIELDED = ["try_finally", "except_cancelled"]
SHIELDED = [stream for stream in CLEANING if stream not in UNSHIELDED]
AROUND_THE_SOURCE = ["closing", "checkpoint", "until_shutdown", "event_source_shutdown"]
AT_SIGNALS = [stream for stream in STREAMS if stream.startswith("until_shutdown")]


class CleanUp:
    """Clean-up that counts how often it was started and completed."""

    def __init__(self, source: Source | None = None, error: Exception | None = None) -> None:
        self.begun = self.done = 0
        self.source = source
        self.error = error
        self.source_was_closed = False

    def __call__(self) -> Coroutine[Any, Any, None]:
        return self._work()

    async def _work(self) -> None:
        self.begun += 1
        self.source_was_closed = self.source is not None and self.source.closed
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        self.done += 1


class Source:
    """A source that waits without end after its numbers, or raises; it says when it is closed."""

    def __init__(self, then: BaseException | None = None, numbers: int = 3) -> None:
        self.waits = asyncio.Event()
        self.begun = self.closed = False
        self.at_end: Callable[[], object] = lambda: None
        self._numbers = numbers
        self._then = then

    async def items(self) -> AsyncGenerator[int, None]:
        self.begun = True
        try:
            for number in range(1, self._numbers + 1):
                await asyncio.sleep(0)
                yield number
            if self._then is not None:
                raise self._then
            self.waits.set()
            await asyncio.sleep(3600)
        finally:
            self.at_end()
            await asyncio.sleep(0)
            self.closed = True


async def numbers() -> AsyncGenerator[int, None]:
    for number in (1, 2, 3):
        yield number


async def read(stream: AsyncGenerator[int, None]) -> list[int]:
    return [number async for number in stream]


@pytest.fixture(autouse=True)
def signal_handlers_are_left_as_they_were() -> Iterator[None]:
    before = [signal.getsignal(number) for number in until_shutdown.SIGNALS]
    yield
    assert [signal.getsignal(number) for number in until_shutdown.SIGNALS] == before
    assert not until_shutdown.watches
    assert not lifespan_task.unfinished
    assert not send_timeout.closing


@pytest.fixture
def signals() -> Iterator[list[int]]:
    """A process that handles signals as a server does; what its handlers were called with."""
    received: list[int] = []

    def handle(number: int, _: FrameType | None) -> None:
        received.append(number)

    before = {number: signal.signal(number, handle) for number in until_shutdown.SIGNALS}
    yield received
    for number, handler in before.items():
        signal.signal(number, handler)


# --- Every stream.


@pytest.mark.parametrize("functions", CLEANING)
def test_a_recipe_yields_what_its_source_yields(functions: str) -> None:
    async def main() -> list[int]:
        received = await read(recipes.assemble(functions, numbers(), CleanUp()))
        await other_tasks_done()
        return received

    assert asyncio.run(main()) == [1, 2, 3]


@pytest.mark.parametrize("functions", CLEANING)
def test_a_recipe_raises_what_its_source_raises_and_all_but_one_clean_up(functions: str) -> None:
    clean_up = CleanUp()

    async def main() -> None:
        # A `TimeoutError` of the source must not be taken for the one that a signal causes.
        with pytest.raises(TimeoutError):
            await read(recipes.assemble(functions, Source(TimeoutError()).items(), clean_up))
        await other_tasks_done()

    asyncio.run(main())
    assert clean_up.done == (functions != "except_cancelled")


async def cancelled_after(steps: int | None, functions: str) -> tuple[Source, CleanUp]:
    """Cancel what reads a stream after so many turns of the loop; without, when it waits."""
    source = Source()
    clean_up = CleanUp(source)
    task = asyncio.create_task(read(recipes.assemble(functions, source.items(), clean_up)))
    if steps is None:
        waiting = asyncio.create_task(source.waits.wait())
        await asyncio.wait({task, waiting}, return_when=asyncio.FIRST_COMPLETED)
        waiting.cancel()
    else:
        for _ in range(steps):
            await asyncio.sleep(0)
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    await other_tasks_done()
    return source, clean_up


@pytest.mark.parametrize("functions", CLEANING)
def test_a_recipe_cleans_up_once_and_after_its_source_when_it_is_cancelled(functions: str) -> None:
    _, clean_up = asyncio.run(cancelled_after(None, functions))
    assert (clean_up.begun, clean_up.done) == (1, 1)
    assert clean_up.source_was_closed


@pytest.mark.parametrize("functions", CLEANING)
def test_wherever_a_recipe_is_cancelled_its_source_is_closed_and_it_cleans_up(
    functions: str,
) -> None:
    for steps in range(12):
        source, clean_up = asyncio.run(cancelled_after(steps, functions))
        assert source.closed == source.begun, steps
        if source.begun:
            assert (clean_up.begun, clean_up.done) == (1, 1), steps


@pytest.mark.parametrize("functions", CLEANING)
def test_a_recipe_that_is_closed_at_a_yield_closes_its_source_and_then_cleans_up(
    functions: str,
) -> None:
    async def main() -> tuple[Source, CleanUp]:
        source = Source()
        clean_up = CleanUp(source)
        async with aclosing(recipes.assemble(functions, source.items(), clean_up)) as stream:
            assert await anext(stream) == 1
        await other_tasks_done()
        return source, clean_up

    source, clean_up = asyncio.run(main())
    assert source.closed
    if functions != "except_cancelled":
        assert clean_up.done == 1
        assert clean_up.source_was_closed


@pytest.mark.parametrize("functions", TASKS)
def test_a_task_cleans_up_though_what_waits_for_it_is_cancelled_again(functions: str) -> None:
    async def main() -> CleanUp:
        source = Source()
        clean_up = CleanUp(source)
        task = asyncio.create_task(read(recipes.assemble(functions, source.items(), clean_up)))
        await source.waits.wait()
        while not task.done():
            task.cancel()
            await asyncio.sleep(0)
        await other_tasks_done()
        return clean_up

    assert asyncio.run(main()).done == 1


@pytest.mark.parametrize("functions", CLEANING)
def test_what_clean_up_raises_is_logged_and_does_not_replace_what_the_stream_raises(
    functions: str, caplog: pytest.LogCaptureFixture
) -> None:
    async def main() -> None:
        source = Source(asyncio.CancelledError())
        clean_up = CleanUp(source, OSError("the upstream is gone"))
        with pytest.raises(asyncio.CancelledError):
            await read(recipes.assemble(functions, source.items(), clean_up))
        await other_tasks_done()

    asyncio.run(main())
    (line,) = (record for record in caplog.records if record.levelno >= logging.ERROR)
    assert line.name.startswith("apps.recipes.")
    assert "OSError: the upstream is gone" in caplog.text


@pytest.mark.parametrize("functions", CLEANING)
def test_one_process_may_have_one_event_loop_after_another(functions: str) -> None:
    for _ in range(2):
        _, clean_up = asyncio.run(cancelled_after(None, functions))
        assert clean_up.done == 1


def in_a_thread(function: Callable[[], object]) -> None:
    """Call a function in a thread of its own; what it raises is raised here."""
    raised: list[BaseException] = []

    def run() -> None:
        try:
            function()
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(DEADLINE_S)
    assert not thread.is_alive()
    if raised:
        raise raised[0]


@pytest.mark.parametrize("functions", CLEANING)
def test_a_recipe_works_in_the_event_loop_of_a_thread(functions: str, signals: list[int]) -> None:
    def run() -> None:
        _, clean_up = asyncio.run(cancelled_after(None, functions))
        assert clean_up.done == 1

    for _ in range(2):
        in_a_thread(run)


@pytest.mark.parametrize("functions", CLEANING)
def test_a_recipe_works_under_starlettes_test_client(functions: str) -> None:
    for _ in range(2):
        clean_up = CleanUp()

        async def events(request: Request, clean_up: CleanUp = clean_up) -> StreamingResponse:
            stream = recipes.assemble(functions, numbers(), clean_up)
            return StreamingResponse(str(number) async for number in stream)

        app = Starlette(routes=[Route("/", events)], lifespan=lifespan_task.lifespan)
        with TestClient(app) as client:
            assert client.get("/").text == "123"
        assert clean_up.begun == (functions != "except_cancelled")


# --- The source is closed where a stream is cancelled.


async def slow_to_close(done: list[str]) -> AsyncGenerator[int, None]:
    """A source that never suspends, and awaits something when it is closed."""
    try:
        for number in range(10**12):
            yield number
    finally:
        await asyncio.sleep(0.01)
        done.append("source closed")


def wrapped(functions: str, done: list[str]) -> AsyncGenerator[int, None]:
    async def clean_up() -> None:
        await asyncio.sleep(0.01)
        done.append("cleaned up")

    return recipes.assemble(functions, slow_to_close(done), clean_up)


@pytest.mark.parametrize("functions", [*SHIELDED, *AROUND_THE_SOURCE, *UNSHIELDED])
def test_in_a_cancelled_scope_a_source_is_closed_and_then_cleaned_up_after(functions: str) -> None:
    async def main() -> list[str]:
        done: list[str] = []
        stream = wrapped(functions, done)
        await anext(stream)
        with anyio.CancelScope() as scope:
            scope.cancel()
            await stream.aclose()
        await other_tasks_done()
        return done

    expected = ["source closed", "cleaned up"]
    if functions in UNSHIELDED:
        expected = []
    elif functions in AROUND_THE_SOURCE:
        expected = ["source closed"]
    assert asyncio.run(main()) == expected


def test_a_checkpoint_that_is_cancelled_closes_its_source() -> None:
    async def main() -> list[str]:
        done: list[str] = []
        async with anyio.create_task_group() as group:
            group.start_soon(read, wrapped("checkpoint+anyio_shield", done))
            await asyncio.sleep(0)
            group.cancel_scope.cancel()
        return done

    assert asyncio.run(main()) == ["source closed", "cleaned up"]


@pytest.mark.parametrize("function", ["anyio_shield", "aclosing_source"])
def test_clean_up_has_a_deadline_that_closing_the_source_cannot_use_up(
    function: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    module = recipes.module(function)
    monkeypatch.setattr(module, "DEADLINE_S", 0.0)

    async def main() -> CleanUp:
        source, clean_up = Source(), CleanUp()
        source.at_end = lambda: monkeypatch.setattr(module, "DEADLINE_S", 3600.0)
        stream = recipes.assemble(function, source.items(), clean_up)
        await anext(stream)
        await stream.aclose()
        assert not source.closed
        return clean_up

    assert asyncio.run(main()).done == 1
    assert "TimeoutError" in caplog.text


@pytest.mark.parametrize("functions", AROUND_THE_SOURCE)
def test_a_source_that_cannot_be_closed_is_logged_and_the_cancellation_goes_on(
    functions: str, caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()

    def fail() -> None:
        raise OSError("the upstream is gone")

    source.at_end = fail

    async def main() -> None:
        stream = recipes.assemble(functions, source.items(), CleanUp())
        assert await anext(stream) == 1
        with pytest.raises(asyncio.CancelledError):
            await stream.athrow(asyncio.CancelledError())

    asyncio.run(main())
    assert "OSError: the upstream is gone" in caplog.text


# --- Ended by a signal.


@pytest.mark.parametrize("number", until_shutdown.SIGNALS)
@pytest.mark.parametrize("functions", AT_SIGNALS)
def test_at_a_signal_a_waiting_stream_is_cut_off_and_the_previous_handler_is_called(
    functions: str, number: int, signals: list[int], caplog: pytest.LogCaptureFixture
) -> None:
    source = Source()
    source.at_end = lambda: signal.raise_signal(number)  # by an operator who does not wait
    clean_up = CleanUp(source)

    async def main() -> None:
        task = asyncio.create_task(read(recipes.assemble(functions, source.items(), clean_up)))
        await source.waits.wait()
        signal.raise_signal(number)
        async with asyncio.timeout(DEADLINE_S):  # without the handler, nothing else ends it
            with pytest.raises(until_shutdown.ShutdownError):
                await task
        await other_tasks_done()

    asyncio.run(main())
    assert signals == [number, number]
    assert not caplog.records
    assert (clean_up.begun, clean_up.done) == (1, 1)
    assert clean_up.source_was_closed


def test_a_stream_that_is_suspended_at_a_yield_is_cut_off_when_it_is_asked_for_more(
    signals: list[int],
) -> None:
    async def main() -> None:
        source = Source()
        stream = until_shutdown.until_shutdown(source.items())
        assert await anext(stream) == 1
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)  # what the handler has called soon
        with pytest.raises(until_shutdown.ShutdownError):
            await anext(stream)
        assert source.closed

    asyncio.run(main())


def test_the_handlers_are_replaced_only_while_a_stream_is_open(signals: list[int]) -> None:
    async def main() -> None:
        before = signal.getsignal(signal.SIGTERM)
        streams = [until_shutdown.until_shutdown(Source().items()) for _ in range(2)]
        for stream in streams:
            await anext(stream)
        assert signal.getsignal(signal.SIGTERM) != before
        await streams[0].aclose()
        assert signal.getsignal(signal.SIGTERM) != before
        await streams[1].aclose()
        assert signal.getsignal(signal.SIGTERM) == before

    asyncio.run(main())


def test_the_handlers_of_a_loop_that_was_closed_before_its_streams_are_restored(
    signals: list[int],
) -> None:
    before = signal.getsignal(signal.SIGTERM)

    async def begin() -> AsyncGenerator[int, None]:
        stream = until_shutdown.until_shutdown(Source().items())
        assert await anext(stream) == 1
        return stream

    loop = asyncio.new_event_loop()
    forgotten = loop.run_until_complete(begin())
    loop.close()
    assert signal.getsignal(signal.SIGTERM) != before
    source = Source()
    asyncio.run(read_and_close(until_shutdown.until_shutdown(source.items())))
    assert signal.getsignal(signal.SIGTERM) == before
    del forgotten


async def read_and_close(stream: AsyncGenerator[int, None]) -> None:
    async with aclosing(stream):
        assert await anext(stream) == 1


def test_a_handler_that_was_put_before_the_streams_own_is_left(signals: list[int]) -> None:
    async def main() -> None:
        stream = until_shutdown.until_shutdown(Source().items())
        await anext(stream)
        own = signal.getsignal(signal.SIGTERM)

        def later(number: int, frame: FrameType | None) -> None:
            assert callable(own)
            own(number, frame)

        signal.signal(signal.SIGTERM, later)
        await stream.aclose()
        assert signal.getsignal(signal.SIGTERM) is later
        # The next stream is put before it, and both are called once.
        stream = until_shutdown.until_shutdown(Source().items())
        await anext(stream)
        signal.raise_signal(signal.SIGTERM)
        await asyncio.sleep(0)
        await stream.aclose()
        assert signal.getsignal(signal.SIGTERM) is later

    asyncio.run(main())
    handler = signal.getsignal(signal.SIGTERM)
    assert callable(handler)
    handler(signal.SIGTERM, None)  # its event loop is closed now
    assert signals == [signal.SIGTERM] * 2


WITHOUT_A_HANDLER = """
import asyncio, signal, sys, time
from apps.recipes import until_shutdown

async def source():
    yield 1
    yield 2

async def main():
    stream = until_shutdown.until_shutdown(source())
    await anext(stream)
    print("open", flush=True)
    while signal.getsignal(signal.SIGTERM) != signal.SIG_DFL:
        time.sleep(0.001)  # the event loop is blocked
    print("signalled", flush=True)
    if sys.argv[2] == "blocked":
        time.sleep(3600)
    await asyncio.sleep(0)
    await stream.aclose()
    try:
        await anext(until_shutdown.until_shutdown(source()))
    except until_shutdown.ShutdownError:
        assert signal.getsignal(signal.SIGTERM) == signal.SIG_DFL
        print("ended", flush=True)

until_shutdown.GRACE_S = float(sys.argv[1])
asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("grace_s", "then", "signals", "returncode"),
    [
        (0.01, "blocked", 1, -signal.SIGTERM),
        (3600, "blocked", 2, -signal.SIGTERM),
        (3600, "new stream", 1, 0),
    ],
)
def test_a_process_without_a_handler_is_ended_after_some_time_or_by_a_second_signal(
    grace_s: float, then: str, signals: int, returncode: int
) -> None:
    command = [sys.executable, "-c", WITHOUT_A_HANDLER, str(grace_s), then]
    root = Path(__file__).parent.parent
    with subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE, text=True) as process:
        deadline = threading.Timer(DEADLINE_S, process.kill)
        deadline.start()
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "open\n"
            process.send_signal(signal.SIGTERM)
            if grace_s > 1:
                assert process.stdout.readline() == "signalled\n"
            for _ in range(signals - 1):
                process.send_signal(signal.SIGTERM)
            assert process.wait() == returncode
            if not returncode:
                assert process.stdout.readline() == "ended\n"
        finally:
            deadline.cancel()
            process.kill()


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    async def main() -> None:
        async with aclosing(until_shutdown.until_shutdown(Source().items())) as stream:
            await anext(stream)
            assert signal.getsignal(signal.SIGTERM) == signal.SIG_IGN

    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        asyncio.run(main())
    finally:
        signal.signal(signal.SIGTERM, before)


def test_sse_starlettes_event_ends_a_stream_that_waits_and_one_at_a_yield() -> None:
    async def main(waiting: bool) -> None:
        source = Source()
        shutdown = anyio.Event()
        stream = event_source_shutdown.event_source_shutdown(source.items(), shutdown)
        await anext(stream)
        if waiting:
            task = asyncio.create_task(read(stream))
            await source.waits.wait()
        shutdown.set()
        async with asyncio.timeout(DEADLINE_S):
            with pytest.raises(event_source_shutdown.ShutdownError):
                await (task if waiting else anext(stream))
        assert source.closed
        await other_tasks_done()

    asyncio.run(main(True))
    asyncio.run(main(False))
    options = event_source_shutdown.event_source_options(anyio.Event())
    assert options.keys() == {"shutdown_event", "shutdown_grace_period", "send_timeout"}


# --- Waited for by the lifespan.


def test_the_lifespan_waits_for_the_clean_up_of_streams_that_are_ended_meanwhile() -> None:
    async def main() -> CleanUp:
        source = Source()
        clean_up = CleanUp(source)
        stream = lifespan_task.lifespan_task(source.items(), clean_up)
        task = asyncio.create_task(read(stream))
        await source.waits.wait()
        async with lifespan_task.lifespan(None):
            task.cancel()  # as a server does just before it ends the lifespan
        assert task.done()
        assert clean_up.done == 1
        return clean_up

    assert asyncio.run(main()).source_was_closed


def test_the_lifespan_waits_though_the_application_fails() -> None:
    async def main() -> None:
        source = Source()
        clean_up = CleanUp(source)
        stream = lifespan_task.lifespan_task(source.items(), clean_up)
        task = asyncio.create_task(read(stream))
        await source.waits.wait()
        lifespan = lifespan_task.lifespan(None)
        await lifespan.__aenter__()
        task.cancel()
        error = ValueError("of the application")
        assert not await lifespan.__aexit__(ValueError, error, None)
        assert clean_up.done == 1

    asyncio.run(main())


def test_the_lifespan_ends_at_once_if_there_is_no_stream() -> None:
    async def main() -> None:
        waiting = lifespan_task.clean_ups_done()
        with pytest.raises(StopIteration):  # it does not suspend even once
            waiting.send(None)

    asyncio.run(main())


def test_the_lifespan_of_one_loop_ends_while_another_loop_begins_streams(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    unfinished: set[Any] = set()
    monkeypatch.setattr(lifespan_task, "unfinished", unfinished)

    class OfAnotherLoop:
        def get_loop(self) -> None:
            unfinished.add(object())  # by the thread of that loop, just now

    unfinished.add(OfAnotherLoop())
    asyncio.run(lifespan_task.clean_ups_done())
    assert len(unfinished) == 2


def test_the_lifespan_waits_no_longer_than_its_deadline_and_says_so(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(lifespan_task, "DEADLINE_S", 0.0)

    async def main() -> None:
        async with aclosing(lifespan_task.lifespan_task(Source().items(), CleanUp())) as stream:
            await anext(stream)
            await lifespan_task.clean_ups_done()
        await other_tasks_done()

    asyncio.run(main())
    assert "1 clean-ups are not done at shutdown." in caplog.text


# --- Given up.


async def suspended_at_a_yield(stream: AsyncGenerator[int, None], sent: asyncio.Event) -> None:
    """Read one item and send it without end, as to a client that takes nothing."""
    await anext(stream)
    sent.set()
    await asyncio.sleep(3600)


@pytest.mark.parametrize("sender_is_cancelled", [True, False])
def test_a_stream_that_nobody_takes_from_is_closed(
    sender_is_cancelled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send_timeout, "TIMEOUT_S", 3600 if sender_is_cancelled else 0.01)

    async def main() -> CleanUp:
        source = Source()
        clean_up = CleanUp(source)
        inner = lifespan_task.lifespan_task(source.items(), clean_up)
        stream = send_timeout.send_timeout(inner)
        sent = asyncio.Event()
        sender = asyncio.create_task(suspended_at_a_yield(stream, sent))
        await sent.wait()
        if sender_is_cancelled:
            sender.cancel()
        with pytest.raises(asyncio.CancelledError):
            async with asyncio.timeout(DEADLINE_S):
                await sender
        assert send_timeout.closing
        await asyncio.sleep(0)
        await stream.aclose()  # while it is being closed, as when its last reference goes
        await other_tasks_done()
        assert clean_up.done == 1
        return clean_up

    assert asyncio.run(main()).source_was_closed


async def pull(stream: AsyncGenerator[int, None]) -> int:
    return await anext(stream)


def test_a_stream_whose_items_are_pulled_by_a_task_each_is_not_cut_short() -> None:
    async def main() -> list[int]:
        received = []
        stream = send_timeout.send_timeout(numbers())
        with suppress(StopAsyncIteration):
            while True:
                received.append(await asyncio.create_task(pull(stream)))
                await asyncio.sleep(0)  # whatever is called when the task is done
        return received

    assert asyncio.run(main()) == [1, 2, 3]


def test_a_stream_that_no_other_task_pulls_from_is_given_up_and_not_taken_for_complete(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(send_timeout, "TIMEOUT_S", 0.01)

    async def main() -> None:
        source = Source()
        closed = asyncio.Event()
        source.at_end = closed.set
        stream = send_timeout.send_timeout(source.items())
        await asyncio.create_task(pull(stream))
        async with asyncio.timeout(DEADLINE_S):
            await closed.wait()
        await other_tasks_done()
        with pytest.raises(TimeoutError, match="given up"):
            await anext(stream)

    asyncio.run(main())


def test_a_sender_that_survives_its_cancellation_is_not_given_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(send_timeout, "TIMEOUT_S", 0.01)

    async def main() -> None:
        source = Source()
        stream = send_timeout.send_timeout(source.items())

        async def send() -> None:
            await anext(stream)
            with suppress(asyncio.CancelledError):
                await asyncio.sleep(3600)
            with pytest.raises(TimeoutError, match="given up"):
                await anext(stream)

        await asyncio.create_task(send())
        assert source.closed

    asyncio.run(main())


@pytest.mark.parametrize("sender_fails", [True, False])
def test_a_stream_is_closed_when_its_sender_has_failed(sender_fails: bool) -> None:
    async def send(stream: AsyncGenerator[int, None]) -> None:
        await anext(stream)
        if sender_fails:
            raise OSError("the client has gone")

    async def main() -> None:
        source = Source()
        stream = send_timeout.send_timeout(source.items())
        sender = asyncio.create_task(send(stream))
        await asyncio.wait({sender})
        if sender_fails:
            assert isinstance(sender.exception(), OSError)
        await asyncio.sleep(0)
        await other_tasks_done()
        assert source.closed == sender_fails
        await stream.aclose()

    asyncio.run(main())


# --- A dependency.


class Session:
    """What a request needs."""

    def __init__(self, aclose: CleanUp) -> None:
        self.aclose = aclose


def test_a_dependency_opens_what_is_needed_and_closes_it_however_its_use_ends(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def main(error: BaseException | None, clean_up: CleanUp) -> None:
        async with asynccontextmanager(dependency)(partial(Session, clean_up)) as session:
            assert isinstance(session, Session)
            assert clean_up.begun == clean_up.done
            if error is not None:
                raise error

    clean_up = CleanUp()
    asyncio.run(main(None, clean_up))
    with pytest.raises(ValueError, match="of the endpoint"):
        asyncio.run(main(ValueError("of the endpoint"), clean_up))
    assert clean_up.done == 2
    assert not caplog.records
    asyncio.run(main(None, CleanUp(error=OSError("the pool is closed"))))
    assert "OSError: the pool is closed" in caplog.text


def test_a_dependency_closes_what_it_has_opened_in_a_cancelled_scope() -> None:
    async def main() -> CleanUp:
        clean_up = CleanUp()
        with anyio.CancelScope() as scope:
            async with asynccontextmanager(dependency)(partial(Session, clean_up)):
                scope.cancel()
                await asyncio.sleep(3600)
        return clean_up

    assert asyncio.run(main()).done == 1


def test_a_dependency_is_made_anew_for_each_request() -> None:
    made: list[Session] = []

    def make() -> Session:
        made.append(Session(CleanUp()))
        return made[-1]

    async def main() -> None:
        for _ in range(2):
            async with asynccontextmanager(dependency)(make) as session:
                assert session is made[-1]

    asyncio.run(main())
    assert [session.aclose.done for session in made] == [1, 1]


# --- The table of recipes.


def test_a_function_that_apps_call_is_skipped() -> None:
    source = numbers()
    for name in recipes.CALLED_BY_APPS:
        assert recipes.assemble(name, source, CleanUp()) is source


def test_the_functions_that_apps_call_belong_to_recipes_that_need_a_surface() -> None:
    called = {name for recipe in RECIPES if recipe.surface for name in recipe.functions}
    others = {name for recipe in RECIPES if not recipe.surface for name in recipe.functions}
    assert called >= recipes.CALLED_BY_APPS
    assert not recipes.CALLED_BY_APPS & others


def test_a_name_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_recipe"):
        recipes.assemble("try_finally+no_recipe", numbers(), CleanUp())


def test_each_file_is_a_recipe_that_is_tried_and_each_other_name_is_called_by_apps() -> None:
    files = {path.stem for path in Path(until_shutdown.__file__).parent.glob("[a-z]*.py")}
    tried = {function for recipe in RECIPES for function in recipe.functions}
    assert files <= tried
    assert all(hasattr(service, name) for name in tried - files)


def test_the_apps_that_pass_sse_starlettes_options_are_those_that_say_so() -> None:
    files = Path(service.__file__).parent.parent.glob("*.py")
    texts = {path.stem: path.read_text() for path in files}
    passing = {name for name, text in texts.items() if "service.event_source_options()" in text}
    assert passing == {name for name, text in texts.items() if f'"{EVENT_SOURCE_OPTIONS}"' in text}
    assert passing


def test_an_app_with_a_close_handler_need_not_pass_sse_starlettes_options() -> None:
    scenario = BY_ID["sse-starlette-shutdown-in-idle"]
    assert not fits(scenario, ["hook:client_close_handler"], [])
    assert fits(scenario, [EVENT_SOURCE_OPTIONS], [])
