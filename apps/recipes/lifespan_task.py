"""Clean-up in a task of its own, which the application's shutdown waits for.

`lifespan` is for Starlette and FastAPI (`FastAPI(lifespan=lifespan)`). Other frameworks call
`clean_ups_done` in their own shutdown hook. A server that ends the lifespan when it is told
to stop (ASGI specification, "Lifespan Protocol") then stays until the clean-ups are done.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

DEADLINE_S = 5.0
"""How long a stream, and then the application's shutdown, waits for clean-ups."""
unfinished: set[asyncio.Future[None]] = set()
"""A future for each stream that has begun, and the task that cleans up when it has ended."""
logger = logging.getLogger(__name__)


async def lifespan_task(source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Start a task that closes the source and cleans up, and wait for it if that is allowed."""
    stream: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    unfinished.add(stream)
    try:
        async for item in source:
            yield item
    finally:
        task = asyncio.create_task(close(source, clean_up()))
        unfinished.add(task)
        task.add_done_callback(cleaned)
        unfinished.discard(stream)
        stream.cancel()
        # A cancellation ends the `asyncio.wait`, but does not cancel the task.
        await asyncio.wait({task}, timeout=DEADLINE_S)


async def close(source: Source[T], cleaning_up: Coroutine[Any, Any, None]) -> None:
    """Close the source where no cancellation of the stream gets to, then clean up."""
    try:
        await source.aclose()
    finally:
        await cleaning_up


def cleaned(task: asyncio.Task[None]) -> None:
    """Forget a task that is done, and log what it raised."""
    unfinished.discard(task)
    if task.cancelled():
        logger.error("The clean-up of a stream was cancelled.")
    elif error := task.exception():
        logger.error("The clean-up of a stream failed.", exc_info=error)


async def clean_ups_done() -> None:
    """Wait until the streams of this event loop have ended and are cleaned up."""
    loop = asyncio.get_running_loop()
    deadline_s = loop.time() + DEADLINE_S
    while waited_for := {f for f in tuple(unfinished) if f.get_loop() is loop}:
        rest_s = deadline_s - loop.time()
        if rest_s <= 0:
            logger.error("%d clean-ups are not done at shutdown.", len(waited_for))
            return
        await asyncio.wait(waited_for, timeout=rest_s)


@asynccontextmanager
async def lifespan(_app: object) -> AsyncIterator[None]:
    """Run the application, and then wait for the clean-ups under way."""
    try:
        yield
    finally:
        await clean_ups_done()
