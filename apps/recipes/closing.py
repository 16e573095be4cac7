"""The source is closed with the stream; what cleans up stands elsewhere."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]


async def closing(source: Source[T]) -> Source[T]:
    """Yield what the source does, and close it before this ends."""
    async with aclosing(source):
        async for item in source:
            yield item
