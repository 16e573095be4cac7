"""What the streams do, written once, so that apps differ only in their framework.

The shape is the one most streaming services have: an endpoint asks a service object for
a stream; the service's async generator (`stream`) reads from an inner source (think of
an LLM client) and yields what it reads, encoded as the framework wants it. A script
(`apps.common.script`) says what happens on the way.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Generator
from contextlib import aclosing, nullcontext
from functools import partial
from typing import TypeVar

from apps.common import cleanup, recipes, relay
from apps.common.script import Action, Script
from hangup.agent import probe

S = TypeVar("S")
T = TypeVar("T")

FOREVER_S = 3600.0
"""A wait that outlasts every trial.

A timer, because the event loop holds on to it, as it does to a socket being read: a task
that waits for something nobody else refers to would itself be garbage.
"""


class AppError(Exception):
    """The application error that apps install a handler of its own for."""


def script_of_request() -> Script:
    """The script of the current request."""
    return Script.from_json(probe.script_of_request.get())


async def before_answering() -> None:
    """What an endpoint does before it answers: look up a session, or fail to."""
    await _do(script_of_request().endpoint, probe.span("endpoint"))


async def background() -> None:
    """The task a response is given, to be run when it has been sent."""
    with probe.span("background"):
        await asyncio.sleep(0)
        await _clean_up_as("background")


async def dependency_teardown() -> None:
    """What a dependency does when it is over."""
    await _clean_up_as("dependency_teardown")


async def client_closed() -> None:
    """What is done when the framework says that the client has gone."""
    await _clean_up_as("client_closed")


async def _clean_up_as(recipe: str) -> None:
    if recipe in script_of_request().recipe.split("+"):
        await cleanup.of_recipe(probe.trial_of_request.get())()


def source() -> AsyncGenerator[tuple[int, str], None]:
    """The inner source, as the script of the current request has it: numbers and data.

    A stream reads it by itself; this is for an app that puts something in between.
    """
    return _watched_source(probe.trial_of_request.get(), script_of_request(), _numbered)


def stream(
    encode: Callable[[str], T],
    is_disconnected: Callable[[], Awaitable[bool]] | None = None,
    *,
    reads: Callable[[], AsyncGenerator[tuple[int, str], None]] | None = None,
) -> AsyncGenerator[T, None]:
    """The service's stream, as the script of the current request has it.

    `encode` makes of an event's data what the framework wants to be given;
    `is_disconnected` is what the framework lets a stream ask whether its client has gone.
    `reads`, called when the stream begins, gives what it is to read; it hands on what it has
    of `source`.
    """
    trial, script = probe.trial_of_request.get(), script_of_request()
    if script.recipe:
        # The very generators that readers are shown, with nothing of ours around them.
        if reads is None:
            source = _watched_source(trial, script, lambda _, data: encode(data))
        else:
            source = _encoded(reads, encode)
        generator = recipes.assemble(script.recipe, source, cleanup.of_recipe(trial))
    else:
        reads = reads or partial(_watched_source, trial, script, _numbered)
        generator = _stream(trial, script, encode, reads, is_disconnected if script.polls else None)
    probe.watch_reclaim(generator, trial, "stream")
    return generator


def sync_stream(encode: Callable[[str], T]) -> Generator[T, None, None]:
    """The same as a plain generator, which blocks its thread while it waits."""
    trial, script = probe.trial_of_request.get(), script_of_request()
    generator = _sync_stream(trial, script, encode)
    probe.watch_reclaim(generator, trial, "stream")
    return generator


async def _stream(
    trial: str | None,
    script: Script,
    encode: Callable[[str], T],
    reads: Callable[[], AsyncGenerator[tuple[int, str], None]],
    is_disconnected: Callable[[], Awaitable[bool]] | None,
) -> AsyncGenerator[T, None]:
    limit = asyncio.timeout(script.timeout_ms / 1000) if script.timeout_ms else nullcontext()
    with probe.Span(trial, "stream", at="await") as here:
        try:
            async with limit:
                async for number, data in reads():
                    if is_disconnected is not None:
                        if number == 1:
                            probe.record(trial, "is_disconnected", "begin")
                        if await is_disconnected():
                            probe.record(trial, "is_disconnected", "saw", saw=probe.TRUE)
                            break
                    here.at = "yield"
                    yield encode(data)
                    here.at = "await"
                    if script.holds_last and number == script.events:
                        here.waiting()
                        await asyncio.sleep(FOREVER_S)
        except (asyncio.CancelledError, GeneratorExit) as told:
            here.noticed(told)
            here.at = "await"
            if script.cleanup == "swallow" and isinstance(told, asyncio.CancelledError):
                with probe.Span(trial, "cleanup"):
                    for number in range(1, 4):
                        await asyncio.sleep(cleanup.WORK_S / 3)
                        yield encode(_data(number, 0))
                return
            if script.cleanup in cleanup.CLEANUPS:
                await cleanup.CLEANUPS[script.cleanup](trial)
            raise


def _numbered(number: int, data: str) -> tuple[int, str]:
    return number, data


async def _encoded(
    reads: Callable[[], AsyncGenerator[tuple[int, str], None]], encode: Callable[[str], T]
) -> AsyncGenerator[T, None]:
    """What an app puts between source and stream, as recipes take it; closed when this is."""
    async with aclosing(reads()) as items:
        async for _, data in items:
            yield encode(data)


def _watched_source(
    trial: str | None, script: Script, item: Callable[[int, str], S]
) -> AsyncGenerator[S, None]:
    relayed = script.upstream
    generator = relay.source(trial, relayed, item) if relayed else _source(trial, script, item)
    probe.watch_reclaim(generator, trial, "source")
    return generator


async def _source(
    trial: str | None, script: Script, item: Callable[[int, str], S]
) -> AsyncGenerator[S, None]:
    with probe.Span(trial, "source", at="await") as here:
        for number in range(1, script.events + 1):
            if script.pause_ms:
                await asyncio.sleep(script.pause_ms / 1000)
            here.at = "yield"
            yield item(number, _data(number, script.size))
            here.at = "await"
        await _do(script.then, here)


def _sync_stream(
    trial: str | None, script: Script, encode: Callable[[str], T]
) -> Generator[T, None, None]:
    source = _sync_source(trial, script)
    probe.watch_reclaim(source, trial, "source")
    with probe.Span(trial, "stream", at="call") as here:
        for data in source:
            here.at = "yield"
            yield encode(data)
            here.at = "call"


def _sync_source(trial: str | None, script: Script) -> Generator[str, None, None]:
    with probe.Span(trial, "source", at="call") as here:
        for number in range(1, script.events + 1):
            time.sleep(script.pause_ms / 1000)
            here.at = "yield"
            yield _data(number, script.size)
            here.at = "call"


async def _do(action: Action, here: probe.Span) -> None:
    match action:
        case "go-on":
            return
        case "wait":
            here.waiting()
            await asyncio.sleep(FOREVER_S)
        case "raise":
            raise ValueError("an ordinary error")
        case "raise-app-error":
            raise AppError("an application error")
        case "raise-cancelled":
            raise asyncio.CancelledError("raised by the endpoint itself")


def _data(number: int, size: int) -> str:
    """An event's data, JSON; put together by hand so that large ones cost next to nothing."""
    return f'{{"number": {number}, "padding": "{"x" * size}"}}'
