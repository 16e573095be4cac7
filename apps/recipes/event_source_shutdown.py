"""sse-starlette's own shutdown: `shutdown_event`, `shutdown_grace_period` and `send_timeout`.

    shutdown = anyio.Event()
    stream = anyio_shield(event_source_shutdown(source, shutdown), clean_up)
    return EventSourceResponse(stream, **event_source_options(shutdown))

At shutdown the stream has the grace period to end and to be cleaned up; without it, it would be
cancelled at once. A client that takes nothing is given up after the send timeout. The client can
tell that its stream is not complete: `ShutdownError` is raised out of it, so that the connection
is closed without the last chunk.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any, Protocol, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]

GRACE_S = SEND_TIMEOUT_S = 5.0


class Event(Protocol):
    """An `anyio.Event`."""

    def is_set(self) -> bool: ...

    async def wait(self) -> None: ...


class ShutdownError(Exception):
    """The process was told to end while the stream was open."""


def event_source_options(shutdown: Event) -> dict[str, Any]:
    """What `EventSourceResponse` is given; it sets the event when the process is to end."""
    return {
        "shutdown_event": shutdown,
        "shutdown_grace_period": GRACE_S,
        "send_timeout": SEND_TIMEOUT_S,
    }


async def event_source_shutdown(source: Source[T], shutdown: Event) -> Source[T]:
    """Yield what the source does; raise ShutdownError when the event is set.

    It goes directly around the source; the recipe that cleans up goes around it.
    """
    waits: set[asyncio.Timeout] = set()

    async def watch() -> None:
        await shutdown.wait()
        for wait in waits:
            wait.reschedule(asyncio.get_running_loop().time())

    watching = asyncio.create_task(watch())
    try:
        async with aclosing(source):
            while not shutdown.is_set():
                try:
                    # Around the `await` alone: no timeout may be entered across a `yield`.
                    async with asyncio.timeout(None) as wait:
                        waits.add(wait)
                        item = await anext(source)
                except StopAsyncIteration:
                    return
                except TimeoutError:
                    if not wait.expired():  # it is the source's own
                        raise
                    break
                finally:
                    waits.discard(wait)
                yield item
            raise ShutdownError
    finally:
        watching.cancel()
