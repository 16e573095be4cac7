"""Clean-up awaited in `finally`, shielded from cancellation, with a deadline."""

from __future__ import annotations

import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long closing the source and the clean-up may take before they are cancelled."""
logger = logging.getLogger(__name__)


async def anyio_shield(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Close the source and clean up in a cancel scope that those around it cannot cancel."""
    import anyio

    try:
        async for item in source:
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
