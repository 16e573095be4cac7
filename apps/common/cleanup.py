"""What a stream may do for its clean-up: each of these does the same work.

The work awaits for `WORK_S`: the closing of an upstream connection, a message
published, a database session returned. Whether it gets to its end is the question.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, TypeVar

from hangup.agent import probe

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

WORK_S = 0.05
"""Long enough that the work cannot get to its end between two turns of the event loop."""

_running: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""


async def _work(trial: str | None) -> None:
    with probe.Span(trial, "cleanup"):
        await asyncio.sleep(WORK_S)


async def awaiting(trial: str | None) -> None:
    """Just await it."""
    await _work(trial)


async def asyncio_shield(trial: str | None) -> None:
    """Await it behind `asyncio.shield`."""
    await asyncio.shield(_work(trial))


async def anyio_shield(trial: str | None) -> None:
    """Await it in a shielded AnyIO cancel scope."""
    import anyio

    with anyio.CancelScope(shield=True):
        await _work(trial)


async def task(trial: str | None) -> None:
    """Disconnect it to a task of its own and do not wait for it."""
    detached = asyncio.create_task(_work(trial))
    _running.add(detached)
    detached.add_done_callback(_running.discard)


async def threadsafe(trial: str | None) -> None:
    """Submit it to the running loop as another thread would and do not wait for it."""
    asyncio.run_coroutine_threadsafe(_work(trial), asyncio.get_running_loop())


CLEANUPS: dict[str, Callable[[str | None], Awaitable[None]]] = {
    "await": awaiting,
    "asyncio-shield": asyncio_shield,
    "anyio-shield": anyio_shield,
    "task": task,
    "threadsafe": threadsafe,
}


STEPS = ("close the upstream stream", "publish a message", "close the session")
"""What a recipe's clean-up does, one after the other, each awaited for `STEP_S`."""
STEP_S = 0.1
"""Long enough that nobody who does not wait for it sees it end by luck."""


def of_recipe(trial: str | None) -> CleanUp:
    """The clean-up a recipe is given (`apps.recipes`).

    It reports when it is called, and what was on its way out there: by that it can be told
    whether it was the garbage collector that had the clean-up done.
    """

    def clean_up() -> Coroutine[Any, Any, None]:
        told = sys.exc_info()[1]
        probe.record(
            trial, "cleanup", "saw", saw=probe.CALLED if told is None else probe.name(told)
        )
        return _steps(trial)

    return clean_up


async def _steps(trial: str | None) -> None:
    with probe.Span(trial, "cleanup"):
        for step in STEPS:
            await asyncio.sleep(STEP_S)
            probe.record(trial, "cleanup", "did", detail=step)
