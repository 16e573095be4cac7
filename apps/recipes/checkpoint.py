"""Clean-up as in `anyio_shield`, and a chance to be cancelled at each item.

A source that never suspends blocks the event loop, so that no disconnect can be noticed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long closing the source and the clean-up may take before they are cancelled."""
logger = logging.getLogger(__name__)


async def checkpoint(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Let the event loop run other tasks before each item; clean up shielded."""
    import anyio

    try:
        async for item in source:
            await asyncio.sleep(0)
            yield item
    finally:
        try:
            with anyio.fail_after(DEADLINE_S, shield=True):
                try:
                    await source.aclose()
                finally:
                    await clean_up()
        except Exception:
            logger.exception("The clean-up of a stream failed.")
