"""Who cancelled a task or closed a generator: the call, kept until the exception is raised."""

from __future__ import annotations

import asyncio
from types import FrameType
from typing import Any
from weakref import WeakKeyDictionary

from hangup.agent.exception_tracer.frames import Call, calls, current_task

_requests: WeakKeyDictionary[asyncio.Task[Any], tuple[Call, ...]] = WeakKeyDictionary()
"""The first call of each task's `cancel()` since a `CancelledError` was raised in it."""


def requested(task: object, frame: FrameType | None) -> None:
    """`task.cancel()` is being called from this frame; what is not a task is ignored."""
    if isinstance(task, asyncio.Task) and task not in _requests:
        _requests[task] = calls(frame)


def calls_behind(error: BaseException, frame: FrameType) -> tuple[Call, ...]:
    """The frames of the call that made `error` be raised in `frame`, innermost first.

    Empty unless it is a cancellation or the closing of a generator, and for a
    `CancelledError` that was raised by code.
    """
    if isinstance(error, asyncio.CancelledError):
        task = current_task()
        return () if task is None else _requests.pop(task, ())
    if isinstance(error, GeneratorExit):
        return calls(frame.f_back)
    return ()
