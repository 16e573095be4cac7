"""Clean-up awaited in `except asyncio.CancelledError`, and only there."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]


async def except_cancelled(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Await the clean-up if the stream is cancelled, and not if it ends in another way."""
    try:
        async for item in source:
            yield item
    except asyncio.CancelledError:
        await clean_up()
        raise
