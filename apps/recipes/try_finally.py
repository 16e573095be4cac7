"""Clean-up awaited in `finally`, where it can be cancelled.

In a cancel scope that is cancelled, each `await` raises again: what the source awaits when it is
closed is cut, and so is the clean-up.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

logger = logging.getLogger(__name__)


async def try_finally(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Close the source, then await the clean-up."""
    try:
        async with aclosing(source):
            async for item in source:
                yield item
    finally:
        try:
            await clean_up()
        except Exception:
            logger.exception("The clean-up of a stream failed.")
