"""Clean-up in a dependency with `yield`, as FastAPI has them.

FastAPI closes it when the response has been sent since 0.118, and before it is sent until then
(release notes of 0.118.0).

    session = partial(dependency, Session)  # or a function with this body and `Session` in it

    @app.get("/events")
    async def events(session: Annotated[Session, Depends(session)]): ...

Another framework takes it as the asynchronous context manager
`asynccontextmanager(dependency)(Session)`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, Protocol, TypeVar

import anyio


class Closable(Protocol):
    """An `httpx.AsyncClient`, say, or SQLAlchemy's `AsyncSession`."""

    @property
    def aclose(self) -> Callable[[], Coroutine[Any, Any, None]]: ...


S = TypeVar("S", bound=Closable)

DEADLINE_S = 5.0
"""How long closing may take before it is cancelled."""
logger = logging.getLogger(__name__)


async def dependency(make: Callable[[], S]) -> AsyncIterator[S]:
    """Make what a request needs, and close it, shielded, when the request is over."""
    made = make()
    try:
        yield made
    finally:
        try:
            with anyio.fail_after(DEADLINE_S, shield=True):
                await made.aclose()
        except Exception:
            logger.exception("The clean-up of a request failed.")
