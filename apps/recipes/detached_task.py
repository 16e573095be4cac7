"""Clean-up in a task of its own, which nothing waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

cleaning: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""
logger = logging.getLogger(__name__)


async def detached_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Close the source, start a task for the clean-up, and end without waiting for it."""
    try:
        async with aclosing(source):
            async for item in source:
                yield item
    finally:
        task = asyncio.create_task(clean_up())
        cleaning.add(task)
        task.add_done_callback(cleaned)


def cleaned(task: asyncio.Task[None]) -> None:
    """Forget a task that is done, and log what it raised."""
    cleaning.discard(task)
    if task.cancelled():
        logger.error("The clean-up of a stream was cancelled.")
    elif error := task.exception():
        logger.error("The clean-up of a stream failed.", exc_info=error)
