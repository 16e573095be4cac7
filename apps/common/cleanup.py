"""The clean-up of a stream: the same work, awaited in the different ways that people use.

The work stands for what a service has to await when a stream ends: closing an upstream
connection, publishing a message, returning a database session. A trial shows whether it is
completed.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from hangup.agent import probe

T = TypeVar("T")
Source = AsyncGenerator[T, None]
CleanUp = Callable[[], Coroutine[Any, Any, None]]

WORK_S = 0.05
"""How long the work takes: too long to be completed by chance before a cancellation."""

_tasks: set[asyncio.Task[None]] = set()
"""The event loop keeps only weak references to tasks (docs of `asyncio.create_task`)."""


async def _work(trial: str | None) -> None:
    with probe.Span(trial, "cleanup"):
        await asyncio.sleep(WORK_S)


async def plain_await(trial: str | None) -> None:
    """Await the work."""
    await _work(trial)


async def asyncio_shield(trial: str | None) -> None:
    """Await the work through `asyncio.shield`."""
    await asyncio.shield(_work(trial))


async def anyio_shield(trial: str | None) -> None:
    """Await the work in a shielded AnyIO cancel scope."""
    import anyio

    with anyio.CancelScope(shield=True):
        await _work(trial)


async def task(trial: str | None) -> None:
    """Start a task for the work and do not wait for it."""
    detached = asyncio.create_task(_work(trial))
    _tasks.add(detached)
    detached.add_done_callback(_tasks.discard)


async def threadsafe(trial: str | None) -> None:
    """Submit the work to the running loop as another thread would, and do not wait for it."""
    asyncio.run_coroutine_threadsafe(_work(trial), asyncio.get_running_loop())


CLEANUPS: dict[str, Callable[[str | None], Awaitable[None]]] = {
    "await": plain_await,
    "asyncio-shield": asyncio_shield,
    "anyio-shield": anyio_shield,
    "task": task,
    "threadsafe": threadsafe,
}
"""The ways to await the work, as scripts name them."""

CODE_AFTER = "the code after its await"
AWAIT_CANCELLED = "its await, which raises CancelledError"


@contextmanager
def reported_await(trial: str | None) -> Iterator[None]:
    """Report whether what comes after the `await` of a clean-up, in this block, is run."""
    try:
        yield
    except asyncio.CancelledError:
        probe.record(trial, "cleanup", "did", detail=AWAIT_CANCELLED)
        raise
    probe.record(trial, "cleanup", "did", detail=CODE_AFTER)


STEPS = ("close the upstream stream", "publish a message", "close the session")
"""What a recipe's clean-up does, one after the other; each awaits for `STEP_S`."""
STEP_S = 0.1
"""How long a step takes: too long to be completed by chance if nothing waits for it."""


def of_recipe(trial: str | None) -> CleanUp:
    """The clean-up that a recipe is given (`apps.recipes`).

    It reports the exception that is being handled when it is called, which tells whether the
    clean-up runs only because the garbage collector has closed the stream.
    """

    def clean_up() -> Coroutine[Any, Any, None]:
        error = sys.exception()
        probe.record(
            trial, "cleanup", "saw", saw=probe.CALLED if error is None else probe.name(error)
        )
        return _steps(trial)

    return clean_up


async def _steps(trial: str | None) -> None:
    with probe.Span(trial, "cleanup"):
        for step in STEPS:
            await asyncio.sleep(STEP_S)
            probe.record(trial, "cleanup", "did", detail=step)
