"""Clean-up awaited in `finally`."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]


async def try_finally(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Await the clean-up in `finally`, where it can be cancelled."""
    try:
        async for item in source:
            yield item
    finally:
        await clean_up()
