"""Clean-up in a task of its own, which nothing waits for."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

cleaning: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""
logger = logging.getLogger(__name__)


async def detached_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Start a task that closes the source and cleans up, and end without waiting for it."""
    try:
        async for item in source:
            yield item
    finally:
        task = asyncio.create_task(close(source, clean_up()))
        cleaning.add(task)
        task.add_done_callback(cleaned)


async def close(source: Source[T], cleaning_up: Coroutine[Any, Any, None]) -> None:
    """Close the source where no cancellation of the stream gets to, then clean up."""
    try:
        await source.aclose()
    finally:
        await cleaning_up


def cleaned(task: asyncio.Task[None]) -> None:
    """Forget a task that is done, and log what it raised."""
    cleaning.discard(task)
    if task.cancelled():
        logger.error("The clean-up of a stream was cancelled.")
    elif error := task.exception():
        logger.error("The clean-up of a stream failed.", exc_info=error)
