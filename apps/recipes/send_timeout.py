"""A stream that is given up when its client takes nothing for some time, or has gone.

A generator that is suspended at a `yield` is told nothing: neither that its client takes no
more, nor, in many frameworks, that the task that sends what it yields is over. So a timer
cancels that task, and when it has been cancelled or has failed, the stream is closed in a task of
its own. A task that has returned may have pulled one item, as in a loop with heartbeats: then the
stream is closed when the time is up. What becomes of the response is up to the framework and the
server: some keep it, and what the client did not take, until the client has gone.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]

TIMEOUT_S = 5.0
"""How long a client may take nothing before its stream is given up."""
closing: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""
logger = logging.getLogger(__name__)


async def send_timeout(stream: Source[T]) -> Source[T]:
    """Yield what a stream does, and close it if nothing more is asked for in time.

    Raises TimeoutError if it is asked for more after that, so that nobody takes it for complete.
    It goes around the stream that cleans up, which must not hold a cancel scope across a `yield`.
    """
    loop, given_up, closing_task = asyncio.get_running_loop(), False, None

    def give_up() -> None:
        nonlocal given_up
        given_up = True
        if sender.done():
            close()
        else:
            sender.cancel()

    def sender_done(task: asyncio.Task[Any]) -> None:
        # One that has returned may have pulled this one item: the next task pulls the next. To
        # ask for its exception is to retrieve it: whoever started the task must await it.
        if task is sender and (given_up or task.cancelled() or task.exception()):
            close()

    def close() -> None:
        nonlocal closing_task
        if closing_task is None:
            closing_task = loop.create_task(stream.aclose())
            closing.add(closing_task)
            closing_task.add_done_callback(ended)

    try:
        async for item in stream:
            sender = running_task()
            timer = loop.call_later(TIMEOUT_S, give_up)
            sender.add_done_callback(sender_done)
            try:
                yield item
            finally:
                timer.cancel()
                sender.remove_done_callback(sender_done)
            if given_up or closing_task is not None:
                raise TimeoutError("The stream was given up.")
    finally:
        if closing_task is None:
            await stream.aclose()


def running_task() -> asyncio.Task[Any]:
    """The task that reads the stream now."""
    task = asyncio.current_task()
    assert task is not None
    return task


def ended(task: asyncio.Task[None]) -> None:
    """Forget a task that is done, and log what it raised."""
    closing.discard(task)
    if not task.cancelled() and (error := task.exception()):
        logger.error("A stream that was given up could not be closed.", exc_info=error)
