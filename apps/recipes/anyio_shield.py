"""Clean-up awaited in `finally`, shielded from cancellation, with a deadline.

A cancel scope shields from the cancel scopes around it, and not from `Task.cancel()`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long closing the source, and then the clean-up, may take before it is cancelled."""
logger = logging.getLogger(__name__)


async def anyio_shield(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Close the source, then clean up, each shielded and with a deadline of its own."""
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
