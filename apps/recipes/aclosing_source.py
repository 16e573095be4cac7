"""Clean-up awaited in an inner generator, which `contextlib.aclosing` closes."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long the clean-up may take before it is cancelled."""


async def aclosing_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Read from a generator that cleans up, and close that before this one ends."""
    async with aclosing(cleaned_up_source(source, clean_up)) as items:
        async for item in items:
            yield item


async def cleaned_up_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Yield what the source does; await the clean-up shielded in `finally`."""
    import anyio

    try:
        async for item in source:
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()
