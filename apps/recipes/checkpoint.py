"""A chance to be cancelled at each item of a source.

A source that never suspends blocks the event loop, so that no disconnect can be noticed.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator
from typing import TypeVar

import anyio

T = TypeVar("T")
Source = AsyncGenerator[T, None]

DEADLINE_S = 5.0
"""How long closing the source may take before it is cancelled."""
logger = logging.getLogger(__name__)


async def checkpoint(source: Source[T]) -> Source[T]:
    """Let the event loop run other tasks before each item; close the source, shielded.

    It goes directly around the source; the recipe that cleans up goes around it.
    """
    try:
        async for item in source:
            await asyncio.sleep(0)
            yield item
    finally:
        try:
            with anyio.fail_after(DEADLINE_S, shield=True):
                await source.aclose()
        except Exception:
            logger.exception("The source of a stream could not be closed.")
