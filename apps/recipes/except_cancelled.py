"""Clean-up awaited in `except asyncio.CancelledError`, and only there.

A stream that is closed at a `yield` gets GeneratorExit, and is not cleaned up. In a cancel scope
that is cancelled, each `await` raises again: what the source awaits when it is closed is cut, and
so is the clean-up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

logger = logging.getLogger(__name__)


async def except_cancelled(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Await the clean-up if the stream is cancelled, and not if it ends in another way."""
    try:
        async with aclosing(source):
            async for item in source:
                yield item
    except asyncio.CancelledError:
        try:
            await clean_up()
        except Exception:
            logger.exception("The clean-up of a stream failed.")
        raise
