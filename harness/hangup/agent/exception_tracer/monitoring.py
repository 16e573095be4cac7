"""Watch exceptions through `sys.monitoring` (PEP 669), for Python 3.12 and later.

Each event calls a function below with the code and the offset of the instruction; the frame
is the caller's. While no exception is raised, this costs next to nothing.
"""

from __future__ import annotations

import dis
import sys
from collections.abc import Callable
from functools import reduce
from operator import or_
from types import CodeType
from typing import Any

from hangup.agent.exception_tracer import cancellations, paths

_monitoring: Any = vars(sys)["monitoring"]
_events = _monitoring.events
_TOOL = _monitoring.PROFILER_ID
_PUSH_EXC_INFO = dis.opmap["PUSH_EXC_INFO"]
"""The first instruction of every `except`, `finally` and `with` that catches an exception."""


def _on_raise(code: CodeType, offset: int, error: BaseException) -> None:
    paths.raised(error, sys._getframe(1), _line(code, offset))


def _on_handled(code: CodeType, offset: int, error: BaseException) -> None:
    exception = paths.traced(error)
    # Each `await` and each generator also has handlers that the compiler put there.
    if exception is not None and code.co_code[offset] == _PUSH_EXC_INFO:
        paths.handled(exception, sys._getframe(1), _line(code, offset))


def _on_unwind(code: CodeType, offset: int, error: BaseException) -> None:
    exception = paths.traced(error)
    if exception is not None:
        paths.left(exception, sys._getframe(1), _line(code, offset))


def _on_call(code: CodeType, offset: int, function: object, argument: object) -> Any:
    if getattr(function, "__name__", None) != "cancel":
        return _monitoring.DISABLE  # at this instruction, from here on
    cancellations.requested(argument, sys._getframe(1))
    return None


_CALLBACKS: dict[int, Callable[..., Any]] = {
    _events.PY_THROW: _on_raise,
    _events.RAISE: _on_raise,
    _events.EXCEPTION_HANDLED: _on_handled,
    _events.PY_UNWIND: _on_unwind,
    _events.CALL: _on_call,
}


def start() -> None:
    """Watch exceptions in all threads."""
    _monitoring.use_tool_id(_TOOL, "hangup")
    for event, callback in _CALLBACKS.items():
        _monitoring.register_callback(_TOOL, event, callback)
    _monitoring.set_events(_TOOL, reduce(or_, _CALLBACKS))


_lines: dict[CodeType, list[tuple[int, int | None]]] = {}
"""For each code object, the offsets where its lines end."""


def _line(code: CodeType, offset: int) -> int:
    """The line of an instruction, or of the next one that has a line."""
    if code not in _lines:
        _lines[code] = [(end, line) for _, end, line in code.co_lines()]
    return next(
        (line for end, line in _lines[code] if end > offset and line is not None),
        code.co_firstlineno,
    )
