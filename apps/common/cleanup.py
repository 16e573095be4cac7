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


def of_stream(trial: str | None, duration_ms: float = 0) -> CleanUp:
    """The clean-up of a stream without a recipe; it takes `WORK_S`, if not so long."""
    duration_s = duration_ms / 1000 or WORK_S

    async def work() -> None:
        with probe.Span(trial, "cleanup"):
            await asyncio.sleep(duration_s)

    return work


async def plain_await(work: CleanUp) -> None:
    """Await the work."""
    await work()


async def asyncio_shield(work: CleanUp) -> None:
    """Await the work through `asyncio.shield`."""
    await asyncio.shield(work())


async def anyio_shield(work: CleanUp) -> None:
    """Await the work in a shielded AnyIO cancel scope."""
    import anyio

    with anyio.CancelScope(shield=True):
        await work()


async def task(work: CleanUp) -> None:
    """Start a task for the work and do not wait for it."""
    detached = asyncio.create_task(work())
    _tasks.add(detached)
    detached.add_done_callback(_tasks.discard)


async def threadsafe(work: CleanUp) -> None:
    """Submit the work to the running loop as another thread would, and do not wait for it."""
    asyncio.run_coroutine_threadsafe(work(), asyncio.get_running_loop())


CLEANUPS: dict[str, Callable[[CleanUp], Awaitable[None]]] = {
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


def of_recipe(trial: str | None, duration_ms: float = 0) -> CleanUp:
    """The clean-up that a recipe is given (`apps.recipes`).

    Each step takes `STEP_S`, or all of them together take as long as is asked for. It reports
    the exception that is being handled when it is called, which tells whether the clean-up runs
    only because the stream is finalised.
    """

    def clean_up() -> Coroutine[Any, Any, None]:
        error = sys.exception()
        probe.record(
            trial, "cleanup", "saw", saw=probe.CALLED if error is None else probe.name(error)
        )
        return _steps(trial, duration_ms / 1000 / len(STEPS) or STEP_S)

    return clean_up


async def _steps(trial: str | None, step_s: float) -> None:
    with probe.Span(trial, "cleanup"):
        for step in STEPS:
            await asyncio.sleep(step_s)
            probe.record(trial, "cleanup", "did", detail=step)
