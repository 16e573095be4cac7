"""Itineraries as people read them, made from steps written by hand."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hangup.analysis.exception_path import exception_paths
from hangup.model.exception_path import ExceptionPath, Location, Step
from hangup.model.trace import Distribution, StackResult
from hangup.report import exception_path as why
from hangup.report.diagram import flowchart
from hangup.report.source_links import link
from tests.traces import stack_result

RESPONSES = "site-packages/starlette/responses.py"
ANYIO = "site-packages/anyio/_backends/_asyncio.py"
SERVICE = "apps/common/service.py"
STARLETTE = Distribution(
    name="starlette", version="1.10.0", repository="https://github.com/Kludex/starlette"
)
ORIGINS = {
    RESPONSES: STARLETTE,
    ANYIO: Distribution(
        name="anyio", version="4.16.0", repository="https://github.com/agronholm/anyio"
    ),
}


def a_part() -> StackResult:
    return msgspec.structs.replace(stack_result(), distributions=ORIGINS)


def step(event: str, frame: int, function: str, file: str, line: int, **more: object) -> Step:
    fields = {"n": 1, "saw": "CancelledError", "task": "stream_response#2"} | more
    return Step(event=event, frame=frame, function=function, file=file, line=line, **fields)  # type: ignore[arg-type]


def disconnect() -> ExceptionPath:
    """A cancellation asked for through AnyIO, absorbed by AnyIO outside of the task."""
    cancelled_by: dict[str, Any] = {"frame": 0, "task": "run_asgi#1"}
    taken: dict[str, Any] = {"handler": "except CancelledError", "handler_line": 915, "task": None}
    (found,) = exception_paths(
        [
            step(
                "cancelled-by", function="CancelScope.cancel", file=ANYIO, line=705, **cancelled_by
            ),
            step(
                "cancelled-by",
                function="__call__.<locals>.wrap",
                file=RESPONSES,
                line=282,
                **cancelled_by,
            ),
            step("raised", 1, "_stream", SERVICE, 109),
            step("left", 1, "_stream", SERVICE, 109),
            step("raised", 2, "stream_response", RESPONSES, 255),
            step("left", 2, "stream_response", RESPONSES, 255, at="task"),
            step("raised", 3, "task_done", ANYIO, 914, task=None),
            step("handled", 3, "task_done", ANYIO, 915, **taken),
        ]
    )
    return found


def test_sentence_names_who_asked_where_it_came_and_who_took_it() -> None:
    said = why.sentence(disconnect(), a_part())
    assert said.startswith("`CancelledError`, asked for by `__call__.wrap` ([starlette 1.10.0, ")
    assert "comes up in `_stream` (apps/common/service.py:109)" in said
    assert "absorbed by `except CancelledError` in `task_done`" in said
    assert (
        "https://github.com/agronholm/anyio/blob/4.16.0/src/anyio/_backends/_asyncio.py#L915"
        in said
    )


def test_text_has_a_line_of_source_at_each_stop_where_it_is_at_hand() -> None:
    def quote(location: Location) -> str | None:
        return "yield encode(data)" if location.file == SERVICE else None

    lines = why.text(disconnect(), a_part(), quote).splitlines()
    at = lines.index("    _stream (apps/common/service.py:109)")
    assert lines[at + 1] == "        yield encode(data)"
    assert lines[-1].startswith("and was absorbed by except CancelledError in line 915")


def test_one_that_follows_another_of_its_kind_is_told_from_it() -> None:
    first = disconnect()
    second = msgspec.structs.replace(first.frames[1], exception=2)
    renewed = msgspec.structs.replace(first, frames=(first.frames[0], second, *first.frames[2:]))
    said = why.text(renewed, a_part(), lambda location: None)
    assert said.count("went on as another CancelledError in") == 2
    assert "went on as" not in why.text(first, a_part(), lambda location: None)
    assert any(
        step.startswith("**another `CancelledError`** in") for step in why.steps(renewed, a_part())
    )


def test_sentence_says_what_it_became_and_became_again() -> None:
    frames = disconnect().frames
    names = ["ValueError", "ExceptionGroup[ValueError]", "ValueError"]
    became = tuple(msgspec.structs.replace(s, saw=n) for s, n in zip(frames, names, strict=False))
    said = why.sentence(msgspec.structs.replace(disconnect(), frames=became), a_part())
    assert "becomes `ExceptionGroup[ValueError]`, then `ValueError`" in said


def test_chart_has_each_task_and_what_saw_nothing_beside_the_path() -> None:
    chart = flowchart(disconnect(), a_part(), told=True, unreached=["handler", "server-log"])
    lines = [line.strip() for line in chart.splitlines()]
    assert 'server -->|"http.disconnect"| box0' in lines
    assert 'box0 -->|"cancel()"| box1' in lines
    assert 'stays(["absorbed by except CancelledError"])' in lines
    tasks = [line for line in lines if line.startswith("subgraph")]
    assert tasks == [
        'subgraph box0-task["task run#95;asgi"]',
        'subgraph box1-task["task stream#95;response"]',
    ]
    assert lines.count("end") == len(tasks)
    assert any(line.startswith("stays ~~~ beside") and "server-log" in line for line in lines)


def test_an_exception_is_named_in_the_chart_only_where_it_is_a_new_one() -> None:
    chart = flowchart(disconnect(), a_part(), told=False, unreached=[])
    assert chart.count('|"CancelledError"|') == 1
    assert "companion" not in chart


@pytest.mark.parametrize(
    ("file", "origin", "expected"),
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
        ("site-packages/x/y.py", Distribution(name="x", version="1", repository="https://x"), None),
        (RESPONSES, Distribution(name="starlette", version="1.10.0"), None),
        (SERVICE, None, None),
    ],
)
def test_a_line_has_a_link_only_where_its_place_is_known(
    file: str, origin: Distribution | None, expected: str | None
) -> None:
    assert link(file, 7, origin, "CPython 3.13.0") == expected
