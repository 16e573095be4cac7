"""Clean-up in a task of its own, waited for until the wait is cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long the clean-up is waited for; it is not cancelled after that."""
cleaning: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""


async def waited_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Start a task for the clean-up, and wait for it as long as this is not cancelled."""
    try:
        async for item in source:
            yield item
    finally:
        task = asyncio.create_task(clean_up())
        cleaning.add(task)
        task.add_done_callback(cleaning.discard)
        # A cancellation ends the `asyncio.wait`, but does not cancel the task.
        await asyncio.wait({task}, timeout=DEADLINE_S)
