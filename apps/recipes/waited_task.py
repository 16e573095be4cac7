"""Clean-up in a task of its own, waited for as long as the stream may wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long a clean-up that nobody can cancel may take."""
cleaning: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""


async def waited_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Disconnect it to a task of its own and wait for that as long as one is let."""
    try:
        async for item in source:
            yield item
    finally:
        task = asyncio.create_task(clean_up())
        cleaning.add(task)
        task.add_done_callback(cleaning.discard)
        # Whoever is cancelled in `asyncio.wait` leaves what is waited for alone.
        await asyncio.wait({task}, timeout=DEADLINE_S)
