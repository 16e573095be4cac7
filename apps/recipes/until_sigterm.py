"""A stream that ends when the process gets SIGTERM, so that its clean-up is run in time."""

from __future__ import annotations

import asyncio
import functools
import signal
from collections.abc import AsyncGenerator
from types import FrameType
from typing import TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]

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
