"""The steps of each exception: recorded with it, and written once its trial is known.

`raised`, `handled` and `left` are called by whatever watches the interpreter
(`hangup.agent.exception_tracer.monitoring` or `tracing`).
"""

from __future__ import annotations

import itertools
import os
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import FrameType
from typing import Any

from hangup.agent import probe
from hangup.agent.exception_tracer import cancellations, frames

MAX_STEPS = 3000
"""How many steps of a trial are written at most: an endless loop must not flood the trace."""
_ATTRIBUTE = "__hangup_traced__"
"""Where an exception has its `TracedException`."""
_ENDS_OF_ITERATION = (StopIteration, StopAsyncIteration)
"""What is not traced: these are the interpreter's way of ending a loop."""

_numbers = itertools.count(1)
_steps_written: Counter[str] = Counter()
_trial_aware: tuple[str, ...] = ()


class TracedException:
    """What is known of one exception object; it does not refer to that object."""

    def __init__(self, error: BaseException) -> None:
        self.number = next(_numbers)
        self.name = probe.name(error)
        self.trial: str | None = None
        self.replaced: TracedException | None = None
        """The exception because of which this one was raised."""
        self.frames: set[int] = set()
        """The numbers of the frames it was raised in and has not left."""
        self._pending: list[dict[str, Any]] = []
        """The steps that are written when the trial is known."""

    def record(self, event: str, **fields: Any) -> None:
        """Record a step; write it if the trial is known."""
        step = {"event": event, **fields, "n": self.number, "saw": self.name}
        if self.trial is None:
            self._pending.append(step)
        else:
            self._write(self.trial, step)

    def replaces(self, other: TracedException, how: str) -> None:
        """Record that it was raised because of another one, of the same trial.

        Ignored where this one's trial is known and the other's is not: the other would be
        referred to without ever having been written.
        """
        if self.trial is not None and other.trial is None:
            return
        self.replaced = other
        self.record("replaces", of=other.number, at=how)
        if other.trial is not None:
            self.belongs_to(other.trial)

    def belongs_to(self, trial: str) -> None:
        """Write the steps so far, after those of the exceptions that it replaces."""
        if self.trial is not None:
            return
        if self.replaced is not None:
            self.replaced.belongs_to(trial)
        self.trial, pending, self._pending = trial, self._pending, []
        for step in pending:
            self._write(trial, step)

    def _write(self, trial: str, step: dict[str, Any]) -> None:
        if _steps_written[trial] < MAX_STEPS:
            _steps_written[trial] += 1
            probe.record(trial, "path", **step)


def set_trial_aware(directories: Iterable[Path]) -> None:
    """Name the directories of the code that knows which trial it works for."""
    global _trial_aware
    _trial_aware = tuple(f"{directory}{os.sep}" for directory in directories)


def traced(error: BaseException) -> TracedException | None:
    """What is known of an exception; None if it has not been seen."""
    known: TracedException | None = vars(error).get(_ATTRIBUTE)
    return known


def raised(error: BaseException, frame: FrameType, line: int) -> TracedException | None:
    """An exception is raised in a frame; None if it only ends an iteration."""
    if isinstance(error, _ENDS_OF_ITERATION):
        return None
    exception = traced(error)
    if exception is None:
        exception = vars(error)[_ATTRIBUTE] = TracedException(error)
        _record_origin(exception, error, frame)
    if exception.replaced is None:
        _record_what_is_being_handled(exception)
    if exception.trial is None and (trial := _trial_of(frame)) is not None:
        exception.belongs_to(trial)
    number = frames.number(frame)
    if number not in exception.frames:
        exception.frames.add(number)
        kinds = [kind.__name__ for kind in type(error).__mro__]
        exception.record(
            "raised", **frames.location(frame, line), task=frames.task_name(), kinds=kinds
        )
    return exception


def handled(exception: TracedException, frame: FrameType, line: int) -> None:
    """A handler of the frame has caught the exception."""
    exception.record("handled", **frames.location(frame, line))


def left(exception: TracedException, frame: FrameType, line: int) -> None:
    """The frame ends with the exception."""
    location = frames.location(frame, line)
    frames.forget(frame)
    if location["frame"] in exception.frames:
        exception.frames.remove(location["frame"])
        at = "task" if frames.is_outermost(frame) else None
        exception.record("left", **location, at=at)


def _record_origin(exception: TracedException, error: BaseException, frame: FrameType) -> None:
    """Record what an exception that is seen for the first time came from."""
    known = [(other, how) for how, e in _raised_because_of(error) if (other := traced(e))]
    if known:
        # One whose trial is known tells the most.
        exception.replaces(*min(known, key=lambda reason: reason[0].trial is None))
    for call in cancellations.calls_behind(error, frame):
        exception.record("cancelled-by", **call._asdict())


def _raised_because_of(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    """The exceptions an exception names as its reasons, and how it names them."""
    if isinstance(error, BaseExceptionGroup):
        yield from (("member", member) for member in error.exceptions)
    if error.__cause__ is not None:
        yield "cause", error.__cause__
    if error.__context__ is not None:
        yield "context", error.__context__


def _record_what_is_being_handled(exception: TracedException) -> None:
    """Record the exception being handled here, if any, as the one that is replaced.

    A `raise` sets `__context__` to it; throwing into a coroutine does not.
    """
    being_handled = sys.exception()
    other = None if being_handled is None else traced(being_handled)
    if other is not None and other is not exception:
        exception.replaces(other, "context")


def _trial_of(frame: FrameType) -> str | None:
    """The trial that a frame works for; None if its code does not know that."""
    if not frame.f_code.co_filename.startswith(_trial_aware):
        return None
    # The variable first: what closes a garbage-collected generator runs in any context.
    trial: str | None = frame.f_locals.get("trial") or probe.trial_of_request.get()
    return trial
