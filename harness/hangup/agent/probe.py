"""What the subject tells the harness: one JSON object a line, appended to a file.

A line is one event on one surface:

    {"t": 123, "trial": "idle-1", "surface": "stream", "event": "end", "saw": "CancelledError"}

`t` is `time.monotonic_ns()`: CLOCK_MONOTONIC, the clock the client's events are on too.
`event` is one of

`begin`, `end`
    a span: something that starts and ends (the stream, the endpoint, the app callable).
    An `end` without `saw` is a normal end, otherwise `saw` names the exception;
    `at` says whether a generator stood at an `await` or at a `yield`.
`saw`
    a moment: a handler or hook was called, a message arrived, a line was logged.
`waiting`
    a stream, source or endpoint is about to suspend for as long as it is let.
`dropped`
    a generator object is about to be reclaimed by the garbage collector.
`rejected`
    the framework would not register this handler.
`loaded`
    the app is imported; the server has yet to listen.
`collects`
    the process collects its garbage, as the harness has asked it to.

The surface `path` has events of its own (`hangup.agent.exception_tracer`).

`n` numbers the sends, `detail` is a message for people.

An append-only file needs no reader, never blocks, survives SIGKILL line by line, and can
be opened by worker processes that inherited no descriptor.
"""

from __future__ import annotations

import json
import os
import time
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from types import TracebackType
from typing import Any

CALLED = "called"
"""What a hook saw that was called without an exception."""
TRUE = "returned True"
"""What a stream saw that asked whether its client had gone, and was told so."""


def _open_trace() -> int | None:
    path = os.environ.get("HANGUP_TRACE")
    if path is None:  # an app started by hand has nobody to tell
        return None
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)


_trace = _open_trace()


def name(error: BaseException) -> str:
    """Name an exception by its type, a group by its type and its members' names."""
    if isinstance(error, BaseExceptionGroup):
        members = ", ".join(name(member) for member in error.exceptions)
        return f"{type(error).__name__}[{members}]"
    return type(error).__name__


def _message(error: BaseException) -> str | None:
    with suppress(Exception):  # an exception's own `__str__` may fail
        return str(error)[:2000] or None
    return None


def record(trial: str | None, surface: str, event: str, **fields: Any) -> None:
    """Append one event; `fields` that are None are left out. Never raises."""
    if _trace is None:
        return
    line = {"t": time.monotonic_ns(), "trial": trial, "surface": surface, "event": event}
    line.update((key, value) for key, value in fields.items() if value is not None)
    # A disk that is full must not show up as a finding about a framework.
    with suppress(OSError, TypeError, ValueError):
        os.write(_trace, json.dumps(line).encode() + b"\n")


class Span:
    """A surface that begins and ends, and the exception it ended with.

    A generator sets `at` around its `yield`, so that an exception can be told to have
    come in at a `yield` or at an `await`.
    """

    def __init__(self, trial: str | None, surface: str, at: str | None = None) -> None:
        self.trial = trial
        self.surface = surface
        self.at = at

    def __enter__(self) -> Span:
        record(self.trial, self.surface, "begin")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if error is None:
            record(self.trial, self.surface, "end")
        else:
            record(
                self.trial,
                self.surface,
                "end",
                saw=name(error),
                at=self.at,
                detail=_message(error),
            )

    def waiting(self) -> None:
        """Say that the next `await` lasts for as long as nobody ends it."""
        record(self.trial, self.surface, "waiting")

    def noticed(self, error: BaseException) -> None:
        """Say that `error` came in here and will not leave as it is."""
        record(self.trial, self.surface, "saw", saw=name(error), at=self.at)


trial_of_request: ContextVar[str | None] = ContextVar("trial_of_request", default=None)
"""The trial the current request belongs to; set by the outermost ASGI wrapper."""
script_of_request: ContextVar[str] = ContextVar("script_of_request", default="{}")
"""What the stream of the current request is to do, as JSON; set by the outermost ASGI wrapper."""


def span(surface: str) -> Span:
    """Watch a block that belongs to the current request."""
    return Span(trial_of_request.get(), surface)


def saw(surface: str, error: BaseException | None = None) -> None:
    """Report that a handler or hook was called, with an exception or without."""
    record(
        trial_of_request.get(),
        surface,
        "saw",
        saw=CALLED if error is None else name(error),
        detail=None if error is None else _message(error),
    )


@contextmanager
def optional_registration(surface: str) -> Iterator[None]:
    """Register a handler that this framework may not accept; report it if so."""
    try:
        yield
    except Exception as error:
        record(None, surface, "rejected", saw=name(error), detail=_message(error))


_watched: set[weakref.ref[Any]] = set()


def watch_reclaim(generator: Any, trial: str | None, surface: str) -> None:
    """Report when a generator object is reclaimed.

    Weak references are cleared before a generator is finalised, be it for its last
    reference or by a collection (CPython, `Objects/genobject.c`, `gen_dealloc`). What is
    thrown into the generator after that was thrown by nobody but the garbage collector.
    """

    def about_to_go(reference: weakref.ref[Any]) -> None:
        _watched.discard(reference)
        record(trial, surface, "dropped")

    _watched.add(weakref.ref(generator, about_to_go))
