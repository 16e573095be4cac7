"""A stream that ends when the process gets SIGTERM, so that it is cleaned up in time."""

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
"""The timeouts around what streams are awaiting now; SIGTERM lets them expire."""
stopping = asyncio.Event()
"""Set when the process has got SIGTERM."""


@functools.cache
def watch_sigterm() -> None:
    """Install a handler of SIGTERM that also calls the handler that was installed before.

    It must be called in the main thread, by the first stream. A handler installed at import
    would be replaced by the server's, which is installed when the server starts.
    """
    loop = asyncio.get_running_loop()
    previous = signal.getsignal(signal.SIGTERM)

    def stop() -> None:
        stopping.set()
        for wait in waits:
            wait.reschedule(loop.time())

    def on_sigterm(number: int, frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stop)
        if callable(previous):
            previous(number, frame)

    signal.signal(signal.SIGTERM, on_sigterm)


async def until_sigterm(source: Source[T]) -> Source[T]:
    """Yield what the source does, and end when the process gets SIGTERM.

    It goes directly around the source; the recipe that cleans up goes around it.
    """
    watch_sigterm()
    try:
        while not stopping.is_set():
            # Around the `await` alone: no timeout may be entered across a `yield`.
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
