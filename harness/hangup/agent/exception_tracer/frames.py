"""What steps say of a frame: its number, its location, its task and who called it.

Frames are identified by address and code, so that nothing is kept alive.
"""

from __future__ import annotations

import asyncio
import itertools
from contextlib import suppress
from pathlib import Path
from types import CodeType, FrameType
from typing import Any, NamedTuple
from weakref import WeakKeyDictionary

MAX_CALLS = 12
"""How many frames of a call are recorded at most."""
_ASYNCIO = str(Path(asyncio.__file__).parent)
_EVENT_LOOP = frozenset({"_run", "_run_once", "run", "run_forever", "run_until_complete"})
"""The functions of asyncio that run callbacks; frames outside of them called nothing."""

_frame_numbers = itertools.count(1)
_numbers: dict[tuple[int, CodeType], int] = {}
_task_numbers = itertools.count(1)
_numbers_of_tasks: WeakKeyDictionary[asyncio.Task[Any], int] = WeakKeyDictionary()


class Call(NamedTuple):
    """One frame of a call; the fields are those of a step."""

    function: str
    file: str
    line: int
    task: str | None


def number(frame: FrameType) -> int:
    """The number of a frame."""
    key = (id(frame), frame.f_code)
    if key not in _numbers:
        _numbers[key] = next(_frame_numbers)
    return _numbers[key]


def forget(frame: FrameType) -> None:
    """A frame ends; another one may get its address."""
    _numbers.pop((id(frame), frame.f_code), None)


def location(frame: FrameType, line: int) -> dict[str, Any]:
    """The fields of a step that say where it happened."""
    return {
        "frame": number(frame),
        "function": frame.f_code.co_qualname,
        "file": frame.f_code.co_filename,
        "line": line,
    }


def calls(frame: FrameType | None) -> tuple[Call, ...]:
    """The frames that are being executed from `frame` outwards, as far as the event loop."""
    task = task_name()
    found: list[Call] = []
    while frame is not None and len(found) < MAX_CALLS and not _runs_event_loop(frame.f_code):
        code = frame.f_code
        found.append(Call(code.co_qualname, code.co_filename, frame.f_lineno, task))
        frame = frame.f_back
    return tuple(found)


def current_task() -> asyncio.Task[Any] | None:
    """The running task; None in a thread without one."""
    with suppress(RuntimeError):  # there is no running event loop
        return asyncio.current_task()
    return None


def task_name() -> str | None:
    """The running task as steps name it: by its coroutine's name and a number."""
    task = current_task()
    if task is None:
        return None
    if task not in _numbers_of_tasks:
        _numbers_of_tasks[task] = next(_task_numbers)
    coroutine = task.get_coro()
    name = getattr(coroutine, "__qualname__", type(coroutine).__name__)
    return f"{name}#{_numbers_of_tasks[task]}"


def is_outermost(frame: FrameType) -> bool:
    """Whether this is the outermost frame of the running task."""
    task = current_task()
    # The event loop closes asynchronous generators in tasks without a frame of their own.
    return task is not None and getattr(task.get_coro(), "cr_frame", frame) is frame


def _runs_event_loop(code: CodeType) -> bool:
    return code.co_filename.startswith(_ASYNCIO) and code.co_name in _EVENT_LOOP
