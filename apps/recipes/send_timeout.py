"""A stream that is given up when its client takes nothing for some time, or has gone.

A generator that is suspended at a `yield` is told nothing: neither that its client takes no
more, nor, in many frameworks, that the task that sends what it yields is over. So a timer
cancels that task, and when it is over, whatever has ended it, the stream is closed in a task of
its own. What becomes of the response is up to the framework and the server: some keep it, and
what the client did not take, until the client has gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]

TIMEOUT_S = 5.0
"""How long a client may take nothing before its stream is given up."""
closing: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""
logger = logging.getLogger(__name__)


async def send_timeout(stream: Source[T]) -> Source[T]:
    """Yield what a stream does, and close it if what was yielded is not taken in time.

    It goes around the stream that cleans up, which must not hold a cancel scope across a `yield`.
    """
    loop, closed = asyncio.get_running_loop(), False

    def close(_: object = None) -> None:
        nonlocal closed
        if not closed:
            closed = True
            task = loop.create_task(stream.aclose())
            closing.add(task)
            task.add_done_callback(ended)

    try:
        async for item in stream:
            sender = asyncio.current_task()
            assert sender is not None
            timer = loop.call_later(TIMEOUT_S, sender.cancel)
            sender.add_done_callback(close)
            try:
                yield item
            finally:
                timer.cancel()
                sender.remove_done_callback(close)
    finally:
        if not closed:
            await stream.aclose()


def ended(task: asyncio.Task[None]) -> None:
    """Forget a task that is done, and log what it raised."""
    closing.discard(task)
    if not task.cancelled() and (error := task.exception()):
        logger.error("A stream that was given up could not be closed.", exc_info=error)
