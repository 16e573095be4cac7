"""Clean-up in a task of its own, which nothing waits for."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

cleaning: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""


async def detached_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Start a task for the clean-up, and end without waiting for it."""
    try:
        async for item in source:
            yield item
    finally:
        task = asyncio.create_task(clean_up())
        cleaning.add(task)
        task.add_done_callback(cleaning.discard)
