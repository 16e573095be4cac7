"""Clean-up awaited in `finally`, shielded from cancellation, with a deadline."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long the clean-up may take before it is cancelled."""


async def anyio_shield(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Await the clean-up in an AnyIO cancel scope that those around it cannot cancel."""
    import anyio

    try:
        async for item in source:
            yield item
    finally:
        with anyio.move_on_after(DEADLINE_S, shield=True):
            await clean_up()
