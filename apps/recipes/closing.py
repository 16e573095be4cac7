"""The source is closed with the stream, shielded; what cleans up stands elsewhere."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator
from typing import TypeVar

import anyio

T = TypeVar("T")
Source = AsyncGenerator[T, None]

DEADLINE_S = 5.0
"""How long closing the source may take before it is cancelled."""
logger = logging.getLogger(__name__)


async def closing(source: Source[T]) -> Source[T]:
    """Yield what the source does, and close it before this ends."""
    try:
        async for item in source:
            yield item
    finally:
        try:
            with anyio.fail_after(DEADLINE_S, shield=True):
                await source.aclose()
        except Exception:
            logger.exception("The source of a stream could not be closed.")
