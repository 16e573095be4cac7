"""Clean-up awaited in an inner generator, which `contextlib.aclosing` closes."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long closing the source, and then the clean-up, may take before it is cancelled."""
logger = logging.getLogger(__name__)


async def aclosing_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Read from a generator that cleans up, and close that before this one ends."""
    async with aclosing(cleaned_up_source(source, clean_up)) as items:
        async for item in items:
            yield item


async def cleaned_up_source(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Yield what the source does; close it and then clean up, each shielded."""
    try:
        async for item in source:
            yield item
    finally:
        try:
            await shielded(source.aclose)
        finally:
            await shielded(clean_up)


async def shielded(function: CleanUp) -> None:
    """Await what a function does in a cancel scope of its own; log what it raises."""
    try:
        with anyio.fail_after(DEADLINE_S, shield=True):
            await function()
    except Exception:
        logger.exception("The clean-up of a stream failed.")
