"""Clean-up as in `anyio_shield`, for a source that never awaits anything."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long a clean-up that nobody can cancel may take."""


async def checkpoint(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """As `anyio_shield`, and give others their turn once for each item."""
    import anyio

    try:
        async for item in source:
            await asyncio.sleep(0)
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()
