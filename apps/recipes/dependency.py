"""Clean-up in a dependency with `yield`, as FastAPI has them: `Depends(dependency(clean_up))`.

Another asynchronous context manager takes it as `asynccontextmanager(dependency(clean_up))`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long the clean-up may take before it is cancelled."""
logger = logging.getLogger(__name__)


def dependency(clean_up: CleanUp) -> Callable[[], AsyncIterator[None]]:
    """Make a dependency that awaits the clean-up after its `yield`, shielded."""
    import anyio

    async def cleaned_up() -> AsyncIterator[None]:
        try:
            yield
        finally:
            try:
                with anyio.fail_after(DEADLINE_S, shield=True):
                    await clean_up()
            except Exception:
                logger.exception("The clean-up of a request failed.")

    return cleaned_up
