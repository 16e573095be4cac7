"""How the server's process reports to the harness: one JSON object a line, appended to a file.

A line is one event on one surface:

    {"t": 123, "trial": "idle-1", "surface": "stream", "event": "end", "saw": "CancelledError"}

`t` is `time.monotonic_ns()`, the clock that the client's events are on too. `event` is one of

`begin`, `end`
    The two ends of a span: the stream, the endpoint, the call of the app. Without `saw`, an
    `end` is a normal end; otherwise `saw` is the name of the exception, and `at` tells
    whether a generator was at an `await` or at a `yield`, or at an `await` of its `finally`:
    then it had been closed or cancelled, and what it does to close was cut.
`saw`
    Something seen at one moment: a handler or hook was called, a line was logged.
`did`
    A step of a clean-up is done; `detail` names it.
`declares`
    The server has called the app; `detail` is the version of the ASGI specification in its scope.
`waiting`
    A stream, source or endpoint is about to wait without end.
`dropped`
    A generator object is about to be finalised; `saw` tells whether its last reference has gone
    or a garbage collection has found it.
`rejected`
    The framework raised when a handler was registered.
`loaded`
    The app is imported; the server is not listening yet.
`collects`
    The process is about to collect its garbage because the harness requested it.

`n` numbers the sends, `detail` is a message for people. The surface `path` has events of its own
(`hangup.agent.exception_tracer`).

A file that is only appended to needs no reader, never blocks, loses no whole line to SIGKILL,
and can be opened by worker processes that inherited no descriptor. Where a line could not be
written whole, because the disk was full or the file was as large as it may be, an empty or cut-off
one is in its place if another could be written since; `hangup.agent.pulse` counts them.
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

from hangup.agent import garbage_collection, pulse

CALLED = "called"
"""What a hook saw that was called without an exception."""
IN_FINALLY = "finally"
"""Where a generator was whose closing was cut."""
RETURNED_TRUE = "returned True"
"""What a stream saw that called `is_disconnected()` and was answered True."""
REFERENCE_DROPPED = "reference dropped"
GARBAGE_COLLECTED = "garbage-collected"
"""Why a generator object is finalised."""
MAX_MESSAGE = 2000
"""How many characters of an exception's message are reported at most."""


def _open_trace() -> int | None:
    path = os.environ.get("HANGUP_TRACE")
    if path is None:  # the app was not started by the harness
        return None
    return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC)


_trace = _open_trace()
_line_lost = False
"""Whether the last line was not written whole."""


def name(error: BaseException) -> str:
    """Name an exception by its type, a group by its type and its members' names."""
    if isinstance(error, BaseExceptionGroup):
        members = ", ".join(name(member) for member in error.exceptions)
        return f"{type(error).__name__}[{members}]"
    return type(error).__name__


def _message(error: BaseException) -> str | None:
    with suppress(Exception):  # an exception's own `__str__` may raise
        return str(error)[:MAX_MESSAGE] or None
    return None


def record(trial: str | None, surface: str, event: str, **fields: Any) -> None:
    """Append one event; `fields` that are None are left out. Never raises."""
    global _line_lost
    if _trace is None:
        return
    line = {"t": time.monotonic_ns(), "trial": trial, "surface": surface, "event": event}
    line.update((key, value) for key, value in fields.items() if value is not None)
    # A full disk must not look like something the framework did.
    with suppress(TypeError, ValueError):
        data = (b"\n" if _line_lost else b"") + json.dumps(line).encode() + b"\n"
        try:
            _line_lost = os.write(_trace, data) < len(data)
        except OSError:
            _line_lost = True
        if _line_lost:
            pulse.line_lost()


class Span:
    """A context manager that records when its block begins and ends, and with what exception.

    A generator sets `at` around each `yield`, so that an exception is reported as raised at a
    `yield` or at an `await`.
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
        """Record that the next `await` lasts until it is cancelled."""
        record(self.trial, self.surface, "waiting")

    def caught(self, error: BaseException) -> None:
        """Record an exception where it is caught, before the handler does anything."""
        record(self.trial, self.surface, "saw", saw=name(error), at=self.at)


trial_of_request: ContextVar[str | None] = ContextVar("trial_of_request", default=None)
"""The trial that the current request belongs to; set by `hangup.agent.boundary`."""
script_of_request: ContextVar[str] = ContextVar("script_of_request", default="{}")
"""What the current request's stream is to do, as JSON; set by `hangup.agent.boundary`."""


def span(surface: str) -> Span:
    """A span of the current request."""
    return Span(trial_of_request.get(), surface)


def saw(surface: str, error: BaseException | None = None) -> None:
    """Record that a handler or hook was called, with an exception or without one."""
    record(
        trial_of_request.get(),
        surface,
        "saw",
        saw=CALLED if error is None else name(error),
        detail=None if error is None else _message(error),
    )


@contextmanager
def optional_registration(surface: str) -> Iterator[None]:
    """Register a handler that the framework may reject, which is then recorded and passed over."""
    try:
        yield
    except Exception as error:
        record(None, surface, "rejected", saw=name(error), detail=_message(error))


_watched: set[weakref.ref[Any]] = set()


def watch_finalization(generator: Any, trial: str | None, surface: str) -> None:
    """Record when a generator object is about to be finalised.

    Weak references are cleared before a generator is finalised, whether its last reference
    has gone or the garbage collector has found it in a cycle (CPython, `Objects/genobject.c`,
    `gen_dealloc`). Whatever is thrown into the generator after that, no code of the app or
    the framework has thrown.
    """

    def record_dropped(reference: weakref.ref[Any]) -> None:
        _watched.discard(reference)
        found = garbage_collection.is_running()
        why = GARBAGE_COLLECTED if found else REFERENCE_DROPPED
        record(trial, surface, "dropped", saw=why)

    garbage_collection.watch()
    _watched.add(weakref.ref(generator, record_dropped))
