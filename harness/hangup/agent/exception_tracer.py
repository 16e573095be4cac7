"""The path of an exception: where it came up, which frames it left, and where it stayed.

Started only where the harness asks for it, in servers whose trials measure no time. Each step
is one line of the trace, on the surface `path`:

    {"surface": "path", "event": "handled", "n": 3, "saw": "CancelledError", "frame": 2,
     "function": "run_asgi", "file": "...", "line": 416, "task": "...", "t": ...}

`n` numbers the exception objects of the process, `frame` the frames they came through, and
`task` is the task's coroutine and a number of its own.
`event` is one of

`raised`
    it came up in this frame: thrown into it where it was suspended, or raised in it or by
    what it called
`handled`
    an `except`, a `finally` or a `with` of this frame took it, for the time being
`left`
    it left this frame as it was; with `at` `task` the frame was the outermost one of a task
`replaces`
    before the first of these: it was raised on account of exception `of`, which is its
    `cause`, its `context` or, if it is a group, a `member` of it (`at`)
`cancelled-by`
    before the first of these: a frame of the call that asked for it, innermost first (the
    `Task.cancel()`, or the `close()` of a generator)

What is followed is the object itself. The steps of an exception are kept on it until it comes
through code of this package, which knows the trial, and are written as they happen from then
on. Nothing here holds on to an exception or a frame, so nothing lives longer for it.
"""

from __future__ import annotations

import asyncio
import dis
import itertools
import os
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any
from weakref import WeakKeyDictionary

from hangup.agent import probe

_knowing_trials: list[str] = []
"""The directories of the code that knows which trial it works for."""
STEPS = 3000
"""So many steps of a trial are told; what never ends must not flood whoever reads them."""
ASKED_FRAMES = 12
"""So many frames of the call that asked for a cancellation are told."""
_MARK = "__hangup_path__"
_PUSH_EXC_INFO = dis.opmap["PUSH_EXC_INFO"]
"""What every `except`, `finally` and `with` begins with when an exception leads to it."""
_ORDINARY = (StopIteration, StopAsyncIteration)
"""How iteration ends: no exception that anybody means."""

_numbers = itertools.count(1)
_told: Counter[str | None] = Counter()


class _Path:
    """What is known of one exception object; it hangs on that object."""

    def __init__(self, error: BaseException) -> None:
        self.number = next(_numbers)
        self.name = probe.name(error)
        self.trial: str | None = None
        self.because: _Path | None = None
        """That of the exception on account of which it was raised."""
        self.untold: list[dict[str, Any]] | None = []
        """The steps before the trial was known; None from then on."""
        self.inside: set[int] = set()
        """The frames it has come up in and not left."""

    def tell(self, event: str, **fields: Any) -> None:
        step = {"event": event, **fields, "n": self.number, "saw": self.name}
        if self.untold is not None:
            self.untold.append(step)
        elif _told[self.trial] < STEPS:
            _told[self.trial] += 1
            probe.record(self.trial, "path", **step)

    def on_account_of(self, how: str, reason: _Path) -> None:
        """It was raised on account of this other one, which is told before it or not at all."""
        if self.untold is None and reason.trial is None:
            return
        self.because = reason
        self.tell("replaces", of=reason.number, at=how)
        if reason.trial is not None:
            self.belongs_to(reason.trial)

    def belongs_to(self, trial: str) -> None:
        if self.untold is None:
            return
        if self.because is not None:
            self.because.belongs_to(trial)
        self.trial, untold, self.untold = trial, self.untold, None
        for step in untold:
            self.tell(**step)


def came_up(error: BaseException, frame: FrameType, line: int) -> _Path | None:
    """The exception has come up in this frame; its path, unless it just ends an iteration."""
    if isinstance(error, _ORDINARY):
        return None
    path: _Path | None = vars(error).get(_MARK)
    if path is None:
        path = vars(error)[_MARK] = _Path(error)
        _tell_origin(path, error, frame)
    if path.because is None:
        # What is thrown into a coroutine does not get the `__context__` that a `raise` gives.
        handled_now = sys.exception()
        reason = None if handled_now is None else vars(handled_now).get(_MARK)
        if reason is not None and reason is not path:
            path.on_account_of("context", reason)
    if path.untold is not None and (trial := _trial_of(frame)) is not None:
        path.belongs_to(trial)
    number = _number(frame)
    if number not in path.inside:
        path.inside.add(number)
        kinds = [kind.__name__ for kind in type(error).__mro__]
        path.tell("raised", **_place(number, frame, line), task=_task(), kinds=kinds)
    return path


def handled(path: _Path, frame: FrameType, line: int) -> None:
    """A handler of this frame has taken the exception."""
    path.tell("handled", **_place(_number(frame), frame, line))


def left(path: _Path, frame: FrameType, line: int) -> None:
    """The exception has left this frame."""
    number = _number(frame)
    _frames.pop((id(frame), frame.f_code))  # which may soon be those of another one
    if number in path.inside:
        path.inside.remove(number)
        at = "task" if _outermost(frame) else None
        path.tell("left", **_place(number, frame, line), at=at)


def _tell_origin(path: _Path, error: BaseException, frame: FrameType) -> None:
    reasons = [(how, vars(other)[_MARK]) for how, other in _reasons(error) if _MARK in vars(other)]
    if reasons:
        # One whose trial is known says the most.
        path.on_account_of(*min(reasons, key=lambda reason: reason[1].trial is None))
    asked: _Calls = ()
    if isinstance(error, asyncio.CancelledError):
        asked = _cancels.pop(_current_task(), ())
    elif isinstance(error, GeneratorExit):
        asked = _calls(frame.f_back)
    for function, file, line, task in asked:
        path.tell("cancelled-by", function=function, file=file, line=line, task=task)


def _reasons(error: BaseException) -> Iterator[tuple[str, BaseException]]:
    if isinstance(error, BaseExceptionGroup):
        yield from (("member", member) for member in error.exceptions)
    if error.__cause__ is not None:
        yield "cause", error.__cause__
    if error.__context__ is not None:
        yield "context", error.__context__


def _trial_of(frame: FrameType) -> str | None:
    """The trial a frame works for, which only some code knows (`know_trials_in`)."""
    file = frame.f_code.co_filename
    if file == __file__ or not file.startswith(tuple(_knowing_trials)):
        return None
    # A generator that the collector closes runs in any context but its own.
    trial: str | None = frame.f_locals.get("trial") or probe.trial_of_request.get()
    return trial


_frame_numbers = itertools.count(1)
_frames: dict[tuple[int, CodeType], int] = {}


def _number(frame: FrameType) -> int:
    """The number of a frame; nothing is kept alive for it."""
    key = (id(frame), frame.f_code)
    if key not in _frames:
        _frames[key] = next(_frame_numbers)
    return _frames[key]


def _place(number: int, frame: FrameType, line: int) -> dict[str, Any]:
    code = frame.f_code
    return {
        "frame": number,
        "function": code.co_qualname,
        "file": code.co_filename,
        "line": line,
    }


_Calls = tuple[tuple[str, str, int, str | None], ...]
"""Function, file, line and task of each frame of a call."""


def _calls(frame: FrameType | None) -> _Calls:
    """The frames of a call, innermost first, out to the event loop."""
    task = _task()
    found: list[tuple[str, str, int, str | None]] = []
    while frame is not None and len(found) < ASKED_FRAMES and not _runs_the_loop(frame.f_code):
        code = frame.f_code
        found.append((code.co_qualname, code.co_filename, frame.f_lineno, task))
        frame = frame.f_back
    return tuple(found)


def _runs_the_loop(code: CodeType) -> bool:
    return code.co_filename.startswith(_ASYNCIO) and code.co_name in _LOOP


_ASYNCIO = str(Path(asyncio.__file__).parent)
_LOOP = frozenset({"_run", "_run_once", "run", "run_forever", "run_until_complete"})

# ----------------------------------------------------------------------------- tasks

_tasks = itertools.count(1)
_task_numbers: WeakKeyDictionary[Any, int] = WeakKeyDictionary()
_cancels: WeakKeyDictionary[Any, _Calls] = WeakKeyDictionary()
"""Who has asked first for a cancellation of a task that has not come up yet."""


def _current_task() -> asyncio.Task[Any] | None:
    with suppress(RuntimeError):  # a thread has no running loop
        return asyncio.current_task()
    return None


def _task() -> str | None:
    task = _current_task()
    if task is None:
        return None
    if task not in _task_numbers:
        _task_numbers[task] = next(_tasks)
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", type(coroutine).__name__)
    return f"{name}#{_task_numbers[task]}"


def _outermost(frame: FrameType) -> bool:
    task = _current_task()
    # What closes an asynchronous generator is a task without a frame of its own.
    return task is not None and getattr(task.get_coro(), "cr_frame", frame) is frame


def asked_to_cancel(task: Any, frame: FrameType | None) -> None:
    """`task.cancel()` is being called from this frame."""
    if isinstance(task, asyncio.Task) and task not in _cancels:
        _cancels[task] = _calls(frame)


# ----------------------------------------------------------------------------- Python 3.12+


def watch_by_monitoring() -> None:
    """Follow exceptions with PEP 669's events, which cost nothing where there are none."""
    monitoring: Any = vars(sys)["monitoring"]
    events = monitoring.events
    tool = monitoring.PROFILER_ID
    monitoring.use_tool_id(tool, "hangup")

    def on_raise(code: CodeType, offset: int, error: BaseException) -> None:
        came_up(error, sys._getframe(1), _line(code, offset))

    def on_handled(code: CodeType, offset: int, error: BaseException) -> None:
        # Every `await` and every generator has handlers of the compiler's own besides.
        path = vars(error).get(_MARK)
        if path is not None and code.co_code[offset] == _PUSH_EXC_INFO:
            handled(path, sys._getframe(1), _line(code, offset))

    def on_unwind(code: CodeType, offset: int, error: BaseException) -> None:
        path = vars(error).get(_MARK)
        if path is not None:
            left(path, sys._getframe(1), _line(code, offset))

    def on_call(code: CodeType, offset: int, function: Any, argument: Any) -> Any:
        if getattr(function, "__name__", None) != "cancel":
            return monitoring.DISABLE
        asked_to_cancel(argument, sys._getframe(1))
        return None

    callbacks = {
        events.PY_THROW: on_raise,
        events.RAISE: on_raise,
        events.EXCEPTION_HANDLED: on_handled,
        events.PY_UNWIND: on_unwind,
        events.CALL: on_call,
    }
    for event, callback in callbacks.items():
        monitoring.register_callback(tool, event, callback)
    monitoring.set_events(
        tool,
        events.PY_THROW | events.RAISE | events.EXCEPTION_HANDLED | events.PY_UNWIND | events.CALL,
    )


_lines: dict[CodeType, list[tuple[int, int | None]]] = {}


def _line(code: CodeType, offset: int) -> int:
    """The line of an instruction, or of the next one that has any."""
    if code not in _lines:
        _lines[code] = [(end, line) for _, end, line in code.co_lines()]
    return next(
        (line for end, line in _lines[code] if end > offset and line is not None),
        code.co_firstlineno,
    )


# ----------------------------------------------------------------------------- Python 3.11


class _Local:
    """The trace function of one frame; it holds the path of an exception, never that."""

    def __init__(self) -> None:
        self.path: _Path | None = None
        self.lines = 0
        self.line = 0

    def __call__(self, frame: FrameType, event: str, argument: Any) -> Any:
        if event == "exception":
            path = came_up(argument[1], frame, frame.f_lineno)
            if path is not None:
                self.path, self.lines, self.line = path, 0, frame.f_lineno
                frame.f_trace_lines = True
        elif self.path is not None and event == "line":
            self.lines += 1
            self.line = frame.f_lineno
            if _enters_a_handler(frame):
                handled(self.path, frame, self.line)
        elif self.path is not None and event == "return" and not self._by_itself(frame):
            left(self.path, frame, frame.f_lineno)
            self.path = None
        return self

    def _by_itself(self, frame: FrameType) -> bool:
        """Whether the frame returns or yields, rather than being left by the exception.

        A frame that went nowhere after the exception can only be left by it. Neither does
        one yield that stands at a `yield` it has not come to: at the end of a handler the
        place of the exception is put back (CPython 3.11, `Python/ceval.c`, RERAISE).
        """
        if not self.lines or frame.f_code.co_code[frame.f_lasti] not in _WAYS_OUT:
            return False
        return frame.f_lineno == self.line


_WAYS_OUT = {
    dis.opmap[name]
    for name in ("RETURN_VALUE", "RETURN_CONST", "YIELD_VALUE", "RESUME")
    if name in dis.opmap
}


def _enters_a_handler(frame: FrameType) -> bool:
    """Whether a frame stands at the first line of a handler that an exception has led to."""
    code, at = frame.f_code.co_code, frame.f_lasti
    return _PUSH_EXC_INFO in (code[at], code[max(at - 2, 0)])


def watch_by_tracing() -> None:
    """Follow exceptions with `sys.settrace`, for a Python without PEP 669.

    An exception event comes in every frame an exception comes up in. What becomes of it
    there shows in those that follow: lines on which handlers begin, and a return that is the
    exception's way out unless the frame has come to a `return` or `yield` of its own.
    """

    def on_call(frame: FrameType, event: str, argument: Any) -> Any:
        if isinstance(frame.f_trace, _Local):  # a generator that goes on
            return frame.f_trace
        frame.f_trace_lines = False
        return _Local()

    def on_c_call(frame: FrameType, event: str, argument: Any) -> None:
        if event == "c_call" and argument.__name__ == "cancel":
            asked_to_cancel(getattr(argument, "__self__", None), frame)

    threading.settrace(on_call)
    sys.settrace(on_call)
    threading.setprofile(on_c_call)
    sys.setprofile(on_c_call)


def know_trials_in(*directories: Path) -> None:
    """Name the directories of the code that knows which trial it works for.

    Its frames have it in a local variable `trial`, or work in the context of the request.
    """
    _knowing_trials[:] = [f"{directory}{os.sep}" for directory in directories]


def start() -> None:
    """Follow exceptions from here on, in this thread and those that it starts."""
    if sys.version_info >= (3, 12):
        watch_by_monitoring()
    else:
        watch_by_tracing()
