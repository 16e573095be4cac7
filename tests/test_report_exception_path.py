"""Exception paths as people read them, made from steps written by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hangup.analysis.exception_path import exception_paths
from hangup.model.exception_path import Disposition, ExceptionPath, Frame, Location, Step
from hangup.model.trace import Distribution, StackResult
from hangup.report import exception_path
from hangup.report.source_links import source_link
from tests.traces import stack_result

RESPONSES = "site-packages/starlette/responses.py"
ANYIO = "site-packages/anyio/_backends/_asyncio.py"
SERVICE = "apps/common/service.py"
STARLETTE = Distribution(
    name="starlette", version="1.10.0", repository="https://github.com/Kludex/starlette"
)
DISTRIBUTIONS = {
    RESPONSES: STARLETTE,
    ANYIO: Distribution(
        name="anyio", version="4.16.0", repository="https://github.com/agronholm/anyio"
    ),
}


def a_result() -> StackResult:
    return msgspec.structs.replace(stack_result(), distributions=DISTRIBUTIONS)


def step(event: str, frame: int, function: str, file: str, line: int, **more: Any) -> Step:
    fields: dict[str, Any] = {"n": 1, "saw": "CancelledError", "task": "stream_response#2"}
    return Step(
        event=event, frame=frame, function=function, file=file, line=line, **(fields | more)
    )


def disconnect() -> ExceptionPath:
    """A cancellation requested through AnyIO, handled by AnyIO outside of the task."""
    cancel: dict[str, Any] = {"task": "run_asgi#1"}
    caught: dict[str, Any] = {
        "handler": "except CancelledError",
        "handler_line": 915,
        "task": None,
    }
    (found,) = exception_paths(
        [
            step("cancelled-by", 0, "CancelScope.cancel", ANYIO, 705, **cancel),
            step("cancelled-by", 0, "__call__.<locals>.wrap", RESPONSES, 282, **cancel),
            step("raised", 1, "_stream", SERVICE, 109),
            step("left", 1, "_stream", SERVICE, 109),
            step("raised", 2, "stream_response", RESPONSES, 255),
            step("left", 2, "stream_response", RESPONSES, 255, at="task"),
            step("raised", 3, "task_done", ANYIO, 914, task=None),
            step("handled", 3, "task_done", ANYIO, 915, **caught),
        ]
    )
    return found


def no_source(location: Location) -> str | None:
    return None


def test_a_sentence_says_who_cancelled_where_it_was_raised_and_what_handled_it() -> None:
    said = exception_path.sentence(disconnect(), a_result())
    assert said.startswith("`CancelledError`, from a `cancel()` in `__call__.wrap` ([starlette ")
    assert "is raised in `_stream` (apps/common/service.py:109)" in said
    assert "is handled by `except CancelledError` in `task_done`" in said
    address = "https://github.com/agronholm/anyio/blob/4.16.0/src/anyio/_backends/_asyncio.py#L915"
    assert address in said


def test_text_has_a_line_of_source_at_each_frame_where_it_is_at_hand() -> None:
    def source_line(location: Location) -> str | None:
        return "yield encode(data)" if location.file == SERVICE else None

    lines = exception_path.text(disconnect(), a_result(), source_line).splitlines()
    at = lines.index("    _stream (apps/common/service.py:109)")
    assert lines[at + 1] == "        yield encode(data)"
    assert lines[-1].startswith("handled by except CancelledError in line 915")


def test_an_exception_that_follows_another_of_its_type_is_told_from_it() -> None:
    first = disconnect()
    second = msgspec.structs.replace(first.frames[1], exception=2)
    renewed = msgspec.structs.replace(first, frames=(first.frames[0], second, *first.frames[2:]))
    said = exception_path.text(renewed, a_result(), no_source)
    assert said.count("then another CancelledError in") == 2
    assert "then " not in exception_path.text(first, a_result(), no_source)
    steps = exception_path.steps(renewed, a_result())
    assert any(item.startswith("**another `CancelledError`** in") for item in steps)


def test_a_sentence_says_what_an_exception_became() -> None:
    names = ["ValueError", "ExceptionGroup[ValueError]", "ValueError"]
    became = tuple(
        msgspec.structs.replace(frame, saw=name)
        for frame, name in zip(disconnect().frames, names, strict=True)
    )
    path = msgspec.structs.replace(disconnect(), frames=became)
    said = exception_path.sentence(path, a_result())
    assert "becomes `ExceptionGroup[ValueError]`, then `ValueError`" in said


@pytest.mark.parametrize(
    ("disposition", "handler", "said"),
    [
        (Disposition.PASSED, None, ""),
        (Disposition.PASSED, "finally", "left, after finally in line 3"),
        (Disposition.HANDLED, "except ValueError", "handled by except ValueError in line 3"),
        (
            Disposition.REPLACED,
            "except ValueError",
            "caught by except ValueError in line 3, replaced",
        ),
        (Disposition.ENDED_TASK, None, "ended its task"),
    ],
)
def test_what_became_of_an_exception_in_a_frame(
    disposition: Disposition, handler: str | None, said: str
) -> None:
    frame = Frame(
        exception=1,
        saw="ValueError",
        location=Location(function="f", file=SERVICE, line=1),
        task=None,
        disposition=disposition,
        handler=handler,
        handler_line=3 if handler else None,
    )
    assert exception_path.disposition(frame) == said


@pytest.mark.parametrize(
    ("file", "distribution", "expected"),
    [
        (
            RESPONSES,
            STARLETTE,
            "https://github.com/Kludex/starlette/blob/1.10.0/starlette/responses.py#L7",
        ),
        (
            "python3.13/asyncio/tasks.py",
            None,
            "https://github.com/python/cpython/blob/v3.13.0/Lib/asyncio/tasks.py#L7",
        ),
        (
            "site-packages/x/y.py",
            Distribution(name="x", version="1", repository="https://x"),
            None,
        ),
        (RESPONSES, Distribution(name="starlette", version="1.10.0"), None),
        (SERVICE, None, None),
    ],
)
def test_a_line_has_a_link_only_where_its_place_is_known(
    file: str, distribution: Distribution | None, expected: str | None
) -> None:
    assert source_link(file, 7, distribution, "CPython 3.13.0") == expected
