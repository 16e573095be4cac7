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
import logging
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
Source = AsyncGenerator[T, None]

GRACE_S = SEND_TIMEOUT_S = 5.0
DEADLINE_S = 5.0
"""How long closing the source may take before it is cancelled."""
logger = logging.getLogger(__name__)


class ShutdownError(Exception):
    """The process was told to end while the stream was open."""


def event_source_options(shutdown: anyio.Event) -> dict[str, Any]:
    """What `EventSourceResponse` is given; it sets the event when the process is to end."""
    return {
        "shutdown_event": shutdown,
        "shutdown_grace_period": GRACE_S,
        "send_timeout": SEND_TIMEOUT_S,
    }


async def event_source_shutdown(source: Source[T], shutdown: anyio.Event) -> Source[T]:
    """Yield what the source does; raise ShutdownError when the event is set.

    It goes directly around the source; the recipe that cleans up goes around it.
    """
    wait: asyncio.Timeout | None = None
    """Of the `await` of the source, if it is under way."""

    async def watch() -> None:
        await shutdown.wait()
        if wait is not None:
            wait.reschedule(asyncio.get_running_loop().time())

    watching = asyncio.create_task(watch())
    try:
        while not shutdown.is_set():
            try:
                # Around the `await` alone: no timeout may be entered across a `yield`.
                async with asyncio.timeout(None) as wait:
                    item = await anext(source)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if wait is None or not wait.expired():  # it is the source's own
                    raise
                break
            finally:
                wait = None
            yield item
        raise ShutdownError
    finally:
        watching.cancel()
        try:
            with anyio.fail_after(DEADLINE_S, shield=True):
                await source.aclose()
        except Exception:
            logger.exception("The source of a stream could not be closed.")
