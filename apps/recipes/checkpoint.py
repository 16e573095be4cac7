"""Clean-up as in `anyio_shield`, and a chance to be cancelled at each item.

A source that never suspends blocks the event loop, so that no disconnect can be noticed.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long the clean-up may take before it is cancelled."""


async def checkpoint(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Let the event loop run other tasks before each item; await the clean-up shielded."""
    import anyio

    try:
        async for item in source:
            await asyncio.sleep(0)
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()
