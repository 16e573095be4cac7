"""Exception paths, made of steps written by hand, and the questions that they decide."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from hangup.analysis.claims import cancelled_by_another_task, passes_no_handler
from hangup.analysis.exception_path import (
    exception_paths,
    steps_through_apps,
    through_the_stream,
)
from hangup.model.exception_path import (
    FINAL,
    Disposition,
    ExceptionPath,
    Frame,
    Location,
    Step,
    coroutine,
)

FRAMEWORK = "site-packages/starlette/errors.py"
SERVER = "site-packages/uvicorn/h11_impl.py"
ANYIO = "site-packages/anyio/_asyncio.py"
SERVICE = "apps/common/service.py"
AGENT = "hangup/agent/boundary.py"


def step(event: str, n: int = 1, frame: int = 1, **fields: Any) -> Step:
    defaults: dict[str, Any] = {
        "saw": "ValueError",
        "function": f"f{frame}",
        "file": SERVICE,
        "line": 10 * frame,
    }
    return Step(event=event, n=n, frame=frame, **defaults | {"task": "run#1"} | fields)


def dispositions(*steps: Step) -> list[list[str]]:
    return [
        [str(frame.disposition) for frame in path.frames] for path in exception_paths(list(steps))
    ]


# --- What became of an exception in each frame.


def test_an_exception_passes_the_frames_it_leaves_and_is_handled_in_the_last() -> None:
    (path,) = exception_paths(
        [
            step("raised", frame=1),
            step("left", frame=1),
            step("raised", frame=2),
            step("handled", frame=2, handler="except ValueError", handler_line=7),
        ]
    )
    assert [frame.disposition for frame in path.frames] == ["passed", "handled"]
    assert path.raised_in.location == Location(function="f1", file=SERVICE, line=10)
    assert (path.end.handler, path.end.handler_line) == ("except ValueError", 7)
    assert path.cancelled_by == ()
    assert path.names == ("ValueError",)


def test_the_line_of_a_handler_is_where_it_was_handled_if_nothing_else_is_known() -> None:
    (path,) = exception_paths([step("raised"), step("handled", line=42, handler="finally")])
    assert path.end.handler_line == 42


@pytest.mark.parametrize(
    ("saw", "at", "disposition"),
    [
        ("ValueError", None, Disposition.LEFT_PYTHON),
        ("ValueError", "task", Disposition.ENDED_TASK),
        ("GeneratorExit", None, Disposition.ENDED_CLOSE),
        ("GeneratorExit", "task", Disposition.ENDED_TASK),
    ],
)
def test_an_exception_that_leaves_the_last_frame_ends_something(
    saw: str, at: str | None, disposition: Disposition
) -> None:
    assert dispositions(step("raised", saw=saw), step("left", saw=saw, at=at)) == [[disposition]]


def test_an_exception_that_was_caught_and_raised_elsewhere_is_reraised() -> None:
    steps = [
        step("raised", frame=1),
        step("handled", frame=1, handler="except BaseException"),
        step("raised", frame=2),
        step("handled", frame=2, handler="except ValueError"),
    ]
    assert dispositions(*steps) == [["re-raised elsewhere", "handled"]]


def replaced(*, then: list[Step]) -> list[Step]:
    """An error that a frame caught, and another one raised while it was handled."""
    return [
        step("raised", n=1, frame=1),
        step("handled", n=1, frame=1, handler="finally"),
        step("replaces", n=2, frame=1, of=1, at="context", saw="KeyError"),
        step("raised", n=2, frame=1, saw="KeyError"),
        *then,
    ]


def test_an_exception_raised_on_account_of_another_continues_its_path() -> None:
    (path,) = exception_paths(replaced(then=[step("left", n=2, frame=1, saw="KeyError")]))
    assert [frame.disposition for frame in path.frames] == ["replaced", "left Python code"]
    assert path.names == ("ValueError", "KeyError")


def test_an_exception_that_was_handled_where_another_one_was_has_a_path_of_its_own() -> None:
    steps = replaced(then=[step("handled", n=2, frame=1, saw="KeyError", handler="with")])
    first, second = exception_paths(steps)
    assert (first.names, second.names) == (("ValueError",), ("KeyError",))


def test_a_group_continues_the_paths_of_its_members() -> None:
    steps = [
        step("raised", n=1, frame=1, task="child#2"),
        step("left", n=1, frame=1, at="task", task="child#2"),
        step("replaces", n=2, frame=2, of=1, at="member", saw="ExceptionGroup[ValueError]"),
        step("raised", n=2, frame=2, saw="ExceptionGroup[ValueError]"),
        step("handled", n=2, frame=2, saw="ExceptionGroup[ValueError]", handler="except"),
    ]
    assert dispositions(*steps) == [["put into a group", "handled"]]


def test_an_older_exception_that_is_raised_anew_has_a_path_of_its_own() -> None:
    steps = [
        step("raised", n=1, frame=1),
        step("raised", n=2, frame=2),
        step("handled", n=2, frame=2),
        step("replaces", n=1, frame=2, of=2, at="context"),
        step("raised", n=1, frame=2),
        step("left", n=1, frame=2),
    ]
    assert [frame.exception for frame in exception_paths(steps)[0].frames] == [1, 1]


def test_who_cancelled_is_told_innermost_frame_first_and_in_which_task() -> None:
    (path,) = exception_paths(
        [
            step("cancelled-by", frame=0, function="cancel", file=ANYIO, task="server#9"),
            step("cancelled-by", frame=0, function="wrap", file=FRAMEWORK, task="server#9"),
            step("raised", saw="CancelledError"),
            step("handled", saw="CancelledError", handler="except"),
        ]
    )
    assert [location.function for location in path.cancelled_by] == ["cancel", "wrap"]
    assert path.cancelled_in == "server#9"
    assert coroutine(path.cancelled_in or "") == "server"
    assert path.raised_in.task == "run#1"


def test_paths_come_in_the_order_in_which_they_began() -> None:
    steps = [
        step("raised", n=2, frame=1, saw="KeyError"),
        step("raised", n=1, frame=2),
        step("left", n=2, frame=1, saw="KeyError"),
        step("left", n=1, frame=2),
    ]
    assert [path.raised_in.exception for path in exception_paths(steps)] == [1, 2]


def test_steps_of_frames_that_an_exception_was_not_raised_in_are_passed_over() -> None:
    assert exception_paths([step("left", frame=3), step("handled", frame=4)]) == ()
    assert exception_paths([]) == ()


def test_a_path_ends_with_a_disposition_that_is_final() -> None:
    steps = [step("raised", frame=1), step("left", frame=1), step("raised", frame=2)]
    for last in (step("left", frame=2), step("handled", frame=2), step("left", frame=2, at="task")):
        (path,) = exception_paths([*steps, last])
        assert path.end.disposition in FINAL
        assert path.frames[0].disposition not in FINAL


# --- Which paths are of the stream.


@pytest.mark.parametrize(
    ("file", "of_the_stream"),
    [
        (SERVICE, True),
        ("apps/recipes/try_finally.py", True),
        ("apps/subject/service.py", True),
        ("apps/subject/boundary.py", False),
        (AGENT, False),
        ("apps/bare.py", False),
        (FRAMEWORK, False),
    ],
)
def test_a_path_leads_through_the_stream_if_any_of_its_frames_does(
    file: str, of_the_stream: bool
) -> None:
    found = path(frame("apps/bare.py"), frame(file), frame(SERVER))
    assert bool(through_the_stream(found)) is of_the_stream


# --- What paths decide.


def frame(
    file: str, function: str = "f", handler: str | None = None, saw: str = "ValueError"
) -> Frame:
    return Frame(
        exception=1,
        saw=saw,
        location=Location(function=function, file=file, line=1),
        task="a#1",
        disposition=Disposition.PASSED,
        handler=handler,
    )


def path(*frames: Frame, cancelled_in: str | None = None) -> tuple[ExceptionPath, ...]:
    cancelled_by = (Location(function="cancel", file=ANYIO, line=1),) if cancelled_in else ()
    return (ExceptionPath(cancelled_by=cancelled_by, cancelled_in=cancelled_in, frames=frames),)


CANCELLED = frame(SERVICE, saw="CancelledError")


@pytest.mark.parametrize(
    ("cancelled_in", "expected"), [("b#2", True), ("a#1", False), (None, None), ("a#2", True)]
)
def test_who_cancelled_is_told_by_task(cancelled_in: str | None, expected: bool | None) -> None:
    paths = {"idle": path(CANCELLED, cancelled_in=cancelled_in)}
    assert cancelled_by_another_task(paths, "idle") is expected


def test_what_the_event_loop_calls_does_not_tell_who_cancelled() -> None:
    (cancelled,) = path(CANCELLED, cancelled_in="b#2")
    by_the_loop = msgspec.structs.replace(cancelled, cancelled_in=None)
    assert cancelled_by_another_task({"idle": (by_the_loop,)}, "idle") is None


def test_an_error_is_no_cancellation() -> None:
    paths = {"idle": path(frame(FRAMEWORK), cancelled_in="b#2")}
    assert cancelled_by_another_task(paths, "idle") is None


def test_without_a_path_nothing_is_said_of_who_cancelled() -> None:
    assert cancelled_by_another_task({}, "idle") is None
    assert cancelled_by_another_task({"idle": ()}, "idle") is None


def test_an_error_that_comes_through_a_handling_frame_passes_a_handler() -> None:
    paths = {
        "plain-error": path(frame(FRAMEWORK, "handle", handler="except Exception")),
        "error-mid-stream": path(frame(FRAMEWORK, "stream"), frame(FRAMEWORK, "handle")),
    }
    assert passes_no_handler(paths, "error-mid-stream") is False


@pytest.mark.parametrize("handler", [None, "finally", "async with create_task_group()"])
def test_only_an_except_handles(handler: str | None) -> None:
    paths = {
        "plain-error": path(
            frame(FRAMEWORK, "other", handler=handler),
            frame(FRAMEWORK, "handle", handler="except Exception"),
        ),
        "error-mid-stream": path(frame(FRAMEWORK, "other")),
    }
    assert passes_no_handler(paths, "error-mid-stream") is True


@pytest.mark.parametrize("file", [SERVER, ANYIO, "python3.13/asyncio/tasks.py", SERVICE])
def test_what_is_not_the_framework_does_not_count_as_its_handling(file: str) -> None:
    paths = {
        "plain-error": path(frame(file, "run", handler="except BaseException")),
        "error-mid-stream": path(frame(file, "run", handler="except BaseException")),
    }
    assert passes_no_handler(paths, "error-mid-stream") is None


def test_of_an_app_without_a_framework_the_app_file_is_what_handles() -> None:
    paths = {
        "plain-error": path(frame("apps/bare.py", "app", handler="except Exception")),
        "error-mid-stream": path(frame("apps/bare.py", "app")),
    }
    assert passes_no_handler(paths, "error-mid-stream") is False


def test_nothing_is_said_of_handlers_without_both_paths() -> None:
    handled = path(frame(FRAMEWORK, handler="except Exception"))
    assert passes_no_handler({"plain-error": handled}, "error-mid-stream") is None
    assert passes_no_handler({"error-mid-stream": handled}, "error-mid-stream") is None


# --- Which steps are kept.


@pytest.mark.parametrize(
    ("file", "kept"),
    [
        ("apps/bare.py", True),
        (SERVICE, True),
        (AGENT, True),
        (FRAMEWORK, False),
        ("python3.13/asyncio/tasks.py", False),
    ],
)
def test_steps_are_kept_of_exceptions_that_came_through_an_app_or_the_agent(
    file: str, kept: bool
) -> None:
    others = [step("raised", n=7, frame=9, file=FRAMEWORK), step("left", n=7, frame=9)]
    steps = [
        step("cancelled-by", frame=0, file=ANYIO),
        step("raised", frame=1, file=FRAMEWORK),
        step("left", frame=1, file=FRAMEWORK),
        step("raised", frame=2, file=file),
        step("handled", frame=2, file=file, handler="except"),
    ]
    assert steps_through_apps([*steps, *others]) == (tuple(steps) if kept else ())


def test_steps_are_kept_of_all_exceptions_of_a_path_through_an_app() -> None:
    steps = replaced(then=[step("left", n=2, frame=1, saw="KeyError", file=FRAMEWORK)])
    elsewhere = [msgspec.structs.replace(s, file=FRAMEWORK) for s in steps[2:]]
    assert steps_through_apps([*steps[:2], *elsewhere]) == (*steps[:2], *elsewhere)
