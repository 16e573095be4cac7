"""Watch exceptions through `sys.settrace` and `sys.setprofile`, for Python 3.11.

There is an event when an exception is raised in a frame, and none for what becomes of it there.
That is deduced from the events that follow in the frame:

- a line whose first instructions begin a handler: the handler caught the exception;
- the end of the frame: it is left by the exception, unless it has come to a `return` or a
  `yield` of its own since.
"""

from __future__ import annotations

import dis
import sys
import threading
from types import FrameType
from typing import Any

from hangup.agent.exception_tracer import cancellations, paths

_PUSH_EXC_INFO = dis.opmap["PUSH_EXC_INFO"]
"""The first instruction of every `except`, `finally` and `with` that catches an exception."""
_RETURN_OR_YIELD = {
    dis.opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE", "RESUME")
    if name in dis.opmap
}
"""The instructions at which a frame stands that returns or is suspended."""


class _FrameTracer:
    """The trace function of one frame; it refers to no exception."""

    def __init__(self) -> None:
        self.exception: paths.TracedException | None = None
        """The exception that was raised last in the frame, until that is left."""
        self.lines = 0
        """How many lines were executed since."""
        self.line = 0
        """The last of them."""

    def __call__(self, frame: FrameType, event: str, argument: Any) -> _FrameTracer:
        if event == "exception":
            self._raised(argument[1], frame)
        elif self.exception is not None and event == "line":
            self._executes_line(self.exception, frame)
        elif self.exception is not None and event == "return":
            self._ends_or_is_suspended(self.exception, frame)
        return self

    def _raised(self, error: BaseException, frame: FrameType) -> None:
        exception = paths.raised(error, frame, frame.f_lineno)
        if exception is not None:
            self.exception, self.lines, self.line = exception, 0, frame.f_lineno
            frame.f_trace_lines = True

    def _executes_line(self, exception: paths.TracedException, frame: FrameType) -> None:
        self.lines += 1
        self.line = frame.f_lineno
        if _begins_handler(frame):
            paths.handled(exception, frame, self.line)

    def _ends_or_is_suspended(self, exception: paths.TracedException, frame: FrameType) -> None:
        if not self._returns_or_yields(frame):
            paths.left(exception, frame, frame.f_lineno)
            self.exception = None

    def _returns_or_yields(self, frame: FrameType) -> bool:
        """Whether the frame ends or is suspended by its own code, not by the exception.

        A frame that has executed no line since the exception was raised can only be left by
        it. So can one that stands at a `yield` on another line than the last executed: at
        the end of a handler, the place where the exception was raised is restored (CPython 3.11,
        `Python/ceval.c`, RERAISE).
        """
        if not self.lines or frame.f_code.co_code[frame.f_lasti] not in _RETURN_OR_YIELD:
            return False
        return frame.f_lineno == self.line


def _begins_handler(frame: FrameType) -> bool:
    """Whether a frame stands at the first line of a handler that has caught an exception."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return _PUSH_EXC_INFO in (code[at], code[max(at - 2, 0)])


def _on_call(frame: FrameType, event: str, argument: Any) -> _FrameTracer:
    if isinstance(frame.f_trace, _FrameTracer):  # a generator or coroutine is resumed
        return frame.f_trace
    frame.f_trace_lines = False  # until an exception is raised in it
    return _FrameTracer()


def _on_c_call(frame: FrameType, event: str, argument: Any) -> None:
    if event == "c_call" and argument.__name__ == "cancel":
        cancellations.requested(getattr(argument, "__self__", None), frame)


def start() -> None:
    """Watch exceptions in this thread and in those started later."""
    threading.settrace(_on_call)
    sys.settrace(_on_call)
    threading.setprofile(_on_c_call)
    sys.setprofile(_on_c_call)
