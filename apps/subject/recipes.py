"""Clean-up that works, or does not: streams to be copied, each with one way of doing it.

Each is an async generator to give to the framework. It passes on what `source` yields, and
`clean_up` is what must then be done and awaited: an upstream stream closed, a message
published, a database session returned. Which of them gets it done is what the harness
tries out.
"""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from types import FrameType
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long a clean-up that nobody can cancel may take."""


async def try_finally(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Await it in `finally`."""
    try:
        async for item in source:
            yield item
    finally:
        await clean_up()


async def except_cancelled(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Await it where the cancellation is caught, and only there."""
    try:
        async for item in source:
            yield item
    except asyncio.CancelledError:
        await clean_up()
        raise


async def anyio_shield(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Await it in `finally`, in an AnyIO cancel scope that is shielded from those around it."""
    import anyio

    try:
        async for item in source:
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()


cleaning: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""


async def detached_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Leave it to a task of its own and do not wait for it."""
    try:
        async for item in source:
            yield item
    finally:
        task = asyncio.create_task(clean_up())
        cleaning.add(task)
        task.add_done_callback(cleaning.discard)


async def waited_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Leave it to a task of its own and wait for that as long as one is let."""
    try:
        async for item in source:
            yield item
    finally:
        task = asyncio.create_task(clean_up())
        cleaning.add(task)
        task.add_done_callback(cleaning.discard)
        # Whoever is cancelled in `asyncio.wait` leaves what is waited for alone.
        await asyncio.wait({task}, timeout=DEADLINE_S)


async def aclosing_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Leave it to the inner generator, which is closed before this one is left."""
    async with aclosing(cleaned_up_source(source, clean_up)) as items:
        async for item in items:
            yield item


async def cleaned_up_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """What `aclosing_source` reads from: it shields its own clean-up."""
    import anyio

    try:
        async for item in source:
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()


waits: set[asyncio.Timeout] = set()
"""What streams are waiting for now; SIGTERM ends it."""
stopping = asyncio.Event()
"""Set when the process has been told to stop."""


@functools.cache
def watch_sigterm() -> None:
    """Hear of SIGTERM, and pass it on to the handler that was there.

    To be called in the main thread by the first stream: a server that installs its handler
    when it starts would put that in the place of one installed at import.
    """
    loop = asyncio.get_running_loop()
    theirs = signal.getsignal(signal.SIGTERM)

    def stop() -> None:
        stopping.set()
        for wait in waits:
            wait.reschedule(loop.time())

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        if callable(theirs):
            theirs(number, frame)

    signal.signal(signal.SIGTERM, on_sigterm)


async def until_sigterm(source: Source[T]) -> Source[T]:
    """Yield what the source does, and end when the process is told to stop.

    Put it around the source, inside of what cleans up.
    """
    watch_sigterm()
    try:
        while not stopping.is_set():
            # Around the `await` alone: a timeout must not be open across a `yield`.
            async with asyncio.timeout(None) as wait:
                waits.add(wait)
                try:
                    item = await anext(source)
                finally:
                    waits.discard(wait)
            yield item
    except StopAsyncIteration:
        return
    except TimeoutError:
        if not wait.expired():
            raise


async def checkpoint(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """As `anyio_shield`, and give others their turn once for each item."""
    import anyio

    try:
        async for item in source:
            await asyncio.sleep(0)
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()


def assemble(functions: str, source: Source[T], clean_up: CleanUp) -> Source[T]:
    """The stream that functions of this module make, named from the inside out, with a `+`.

    Names that are none of this module's are passed over: what they name cleans up elsewhere.
    """
    stream = source
    for name in functions.split("+"):
        if name == until_sigterm.__name__:
            stream = until_sigterm(stream)
        elif name in globals():
            stream = globals()[name](stream, clean_up)
    return stream
