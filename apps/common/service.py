"""What the streams do, written once, so that apps differ only in their framework.

They have the shape of most streaming services: an endpoint asks a service for a stream; the
service's asynchronous generator (`stream`) reads from an inner source, such as an LLM's
client, and yields what it reads, encoded for the framework. The script of the current request
(`apps.common.script`) says what happens on the way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Any, TypeVar

from apps.common import cleanup, recipes, relay
from apps.common.script import Action, Script
from apps.recipes.lifespan_task import clean_ups_done
from hangup.agent import probe

S = TypeVar("S")
T = TypeVar("T")
Events = AsyncGenerator[tuple[int, str], None]
"""Events as a source yields them: number and data."""

FOREVER_S = 3600.0
"""How long a wait without end takes, which is longer than every trial.

It is a timer because the event loop refers to timers, as it does to sockets that are read. A
task that waited for a future that nothing else refers to would itself be garbage.
"""


CLOSING_S = 0.01
"""How long a source of a recipe takes to close where it is suspended at a `yield`, as one does
that closes a connection."""


class AppError(Exception):
    """The application error that apps install a handler for."""


def script_of_request() -> Script:
    """The script of the current request."""
    return Script.from_json(probe.script_of_request.get())


async def before_answering() -> None:
    """What an endpoint does before it answers: look up a session, say, or fail to."""
    await _do(script_of_request().endpoint, probe.span("endpoint"))


async def background() -> None:
    """The background task of a response, run by the framework when that has been sent."""
    with probe.span("background"):
        await asyncio.sleep(0)
        await _clean_up_in("background")


async def shutting_down() -> None:
    """What the app does when the server has shut it down, in its framework's hook for that."""
    await clean_ups_done()


@dataclass(frozen=True)
class _Session:
    """What a request needs; it is closed by the clean-up of the request."""

    aclose: cleanup.CleanUp


def dependency() -> AbstractAsyncContextManager[Any]:
    """What a dependency has around its `yield`; it cleans up if the script says so."""
    if not _cleans_up_in("dependency"):
        return nullcontext()
    recipe = asynccontextmanager(recipes.module("dependency").dependency)
    return recipe(partial(_Session, _clean_up()))


async def client_closed() -> None:
    """What the app does when the framework says that the client has closed the connection."""
    await _clean_up_in("client_closed")


def event_source_options() -> dict[str, Any]:
    """What sse-starlette's `EventSourceResponse` is given beside the stream made before this."""
    return recipes.event_source_options() if _cleans_up_in("event_source_shutdown") else {}


async def _clean_up_in(function: str) -> None:
    """Clean up if the script names this function as the one that does."""
    if _cleans_up_in(function):
        await _clean_up()()


def _cleans_up_in(function: str) -> bool:
    return function in script_of_request().recipe.split("+")


def _clean_up() -> cleanup.CleanUp:
    """The clean-up of the current request."""
    return cleanup.of_recipe(probe.trial_of_request.get(), script_of_request().cleanup_ms)


def source() -> Events:
    """The inner source, for an app that puts something between it and the stream."""
    return _new_source(probe.trial_of_request.get(), script_of_request(), _numbered)


def stream(
    encode: Callable[[str], T],
    is_disconnected: Callable[[], Awaitable[bool]] | None = None,
    *,
    make_source: Callable[[], Events] | None = None,
) -> AsyncGenerator[T, None]:
    """The service's stream.

    `encode` turns an event's data into what the framework takes. `is_disconnected` is what the
    framework has for a stream to ask whether its client has gone. `make_source` is called when
    the stream begins and returns what is read instead of the inner source; the app reads
    `source` in it.
    """
    trial, script = probe.trial_of_request.get(), script_of_request()
    if script.recipe:
        # The generators of the recipes as they are, with none of ours around them.
        if make_source is None:
            inner = _new_source(trial, script, lambda _, data: encode(data))
        else:
            inner = _encoded(make_source, encode)
        generator = recipes.assemble(script.recipe, inner, _clean_up())
    else:
        make_source = make_source or partial(_new_source, trial, script, _numbered)
        polled = is_disconnected if script.polls else None
        generator = _stream(trial, script, encode, make_source, polled)
    probe.watch_finalization(generator, trial, "stream")
    return generator


def sync_stream(encode: Callable[[str], T]) -> Generator[T, None, None]:
    """The service's stream as a plain generator, which blocks its thread while it waits."""
    trial, script = probe.trial_of_request.get(), script_of_request()
    generator = _sync_stream(trial, script, encode)
    probe.watch_finalization(generator, trial, "stream")
    return generator


async def _stream(
    trial: str | None,
    script: Script,
    encode: Callable[[str], T],
    make_source: Callable[[], Events],
    is_disconnected: Callable[[], Awaitable[bool]] | None,
) -> AsyncGenerator[T, None]:
    limit = asyncio.timeout(script.timeout_ms / 1000) if script.timeout_ms else nullcontext()
    with probe.Span(trial, "stream", at="await") as span:
        try:
            async with limit:
                async for number, data in make_source():
                    if is_disconnected is not None:
                        if number == 1:
                            probe.record(trial, "is_disconnected", "begin")
                        if await is_disconnected():
                            probe.record(trial, "is_disconnected", "saw", saw=probe.RETURNED_TRUE)
                            break
                    span.at = "yield"
                    yield encode(data)
                    span.at = "await"
                    if script.holds_last and number == script.events:
                        span.waiting()
                        await asyncio.sleep(FOREVER_S)
        except (asyncio.CancelledError, GeneratorExit) as error:
            span.caught(error)
            span.at = "await"
            if script.cleanup == "swallow" and isinstance(error, asyncio.CancelledError):
                with probe.Span(trial, "cleanup"):
                    for number in range(1, 4):
                        await asyncio.sleep(cleanup.WORK_S / 3)
                        yield encode(_data(number, 0))
                return
            if script.cleanup in cleanup.CLEANUPS:
                work = cleanup.of_stream(trial, script.cleanup_ms)
                with cleanup.reported_await(trial):
                    await cleanup.CLEANUPS[script.cleanup](work)
            raise


def _numbered(number: int, data: str) -> tuple[int, str]:
    return number, data


async def _encoded(
    make_source: Callable[[], Events], encode: Callable[[str], T]
) -> AsyncGenerator[T, None]:
    """The encoded data of a source that an app has made; closed with this generator."""
    async with aclosing(make_source()) as events:
        async for _, data in events:
            yield encode(data)


def _new_source(
    trial: str | None, script: Script, item: Callable[[int, str], S]
) -> AsyncGenerator[S, None]:
    """The inner source, which yields `item` of the number and the data of each event."""
    url = script.upstream
    generator = relay.source(trial, url, item) if url else _source(trial, script, item)
    probe.watch_finalization(generator, trial, "source")
    return generator


async def _source(
    trial: str | None, script: Script, item: Callable[[int, str], S]
) -> AsyncGenerator[S, None]:
    with probe.Span(trial, "source", at="await") as span:
        for number in range(1, script.events + 1):
            if script.pause_ms:
                await asyncio.sleep(script.pause_ms / 1000)
            span.at = "yield"
            try:
                yield item(number, _data(number, script.size))
            except GeneratorExit:
                if script.recipe:
                    await _close(span)
                raise
            span.at = "await"
        await _do(script.then, span)


async def _close(span: probe.Span) -> None:
    """What a source awaits when it is closed; if that is cut, its span ends at `finally`.

    A source that is cancelled at its own `await` has been told, and no recipe could shield it.
    """
    try:
        await asyncio.sleep(CLOSING_S)
    except BaseException:
        span.at = probe.IN_FINALLY
        raise


def _sync_stream(
    trial: str | None, script: Script, encode: Callable[[str], T]
) -> Generator[T, None, None]:
    source = _sync_source(trial, script)
    probe.watch_finalization(source, trial, "source")
    with probe.Span(trial, "stream", at="call") as span:
        for data in source:
            span.at = "yield"
            yield encode(data)
            span.at = "call"


def _sync_source(trial: str | None, script: Script) -> Generator[str, None, None]:
    with probe.Span(trial, "source", at="call") as span:
        for number in range(1, script.events + 1):
            time.sleep(script.pause_ms / 1000)
            span.at = "yield"
            yield _data(number, script.size)
            span.at = "call"


async def _do(action: Action, span: probe.Span) -> None:
    match action:
        case "go-on":
            return
        case "wait":
            span.waiting()
            await asyncio.sleep(FOREVER_S)
        case "raise":
            raise ValueError("an ordinary error")
        case "raise-app-error":
            raise AppError("an application error")
        case "raise-cancelled":
            raise asyncio.CancelledError("raised by the endpoint itself")


def _data(number: int, size: int) -> str:
    """An event's data as JSON; a template, because `json.dumps` of large events takes time."""
    return f'{{"number": {number}, "padding": "{"x" * size}"}}'
