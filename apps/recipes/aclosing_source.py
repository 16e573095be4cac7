"""Clean-up in an inner generator that `contextlib.aclosing` closes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long a clean-up that nobody can cancel may take."""


async def aclosing_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Disconnect it to the inner generator, which is closed before this one is left."""
    async with aclosing(cleaned_up_source(source, clean_up)) as items:
        async for item in items:
            yield item


async def cleaned_up_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """What `aclosing_source` reads from: it shields its own clean-up."""
    import anyio

    try:
        async for item in source:
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()
