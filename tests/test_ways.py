"""What the ways of exceptions decide."""

from __future__ import annotations

import msgspec
import pytest

from hangup.analysis.ways import asked_by_another_task, passes_no_handler
from hangup.model.exception_path import Disposition, ExceptionPath, Frame, Location

FRAMEWORK = "site-packages/starlette/errors.py"
SERVER = "site-packages/uvicorn/h11_impl.py"
ANYIO = "site-packages/anyio/_asyncio.py"


def frame(
    file: str, function: str = "f", handler: str | None = None, saw: str = "ValueError"
) -> Frame:
    location = Location(function=function, file=file, line=1)
    return Frame(
        exception=1,
        saw=saw,
        location=location,
        task="a#1",
        disposition=Disposition.PASSED,
        handler=handler,
    )


def way(*frames: Frame, cancelled_in: str | None = None) -> tuple[ExceptionPath, ...]:
    cancelled_by = (Location(function="cancel", file=ANYIO, line=1),) if cancelled_in else ()
    return (ExceptionPath(cancelled_by=cancelled_by, cancelled_in=cancelled_in, frames=frames),)


def test_what_the_event_loop_calls_does_not_tell_who_asked() -> None:
    cancelled = way(frame("apps/common/service.py", saw="CancelledError"), cancelled_in="b#2")[0]
    by_the_loop = msgspec.structs.replace(cancelled, cancelled_in=None)
    assert asked_by_another_task({"idle": (by_the_loop,)}, "idle") is None


@pytest.mark.parametrize(
    ("asked_in", "expected"), [("b#2", True), ("a#1", False), (None, None), ("a#2", True)]
)
def test_who_asked_is_told_by_task(cancelled_in: str | None, expected: bool | None) -> None:
    ways = {
        "idle": way(
            frame("apps/common/service.py", saw="CancelledError"), cancelled_in=cancelled_in
        )
    }
    assert asked_by_another_task(ways, "idle") is expected


def test_an_error_is_no_cancellation() -> None:
    assert (
        asked_by_another_task({"idle": way(frame(FRAMEWORK), cancelled_in="b#2")}, "idle") is None
    )


def test_an_error_that_comes_through_a_handling_frame_does_not_pass_it_by() -> None:
    ways = {
        "plain-error": way(frame(FRAMEWORK, "handle", handler="except Exception")),
        "error-mid-stream": way(frame(FRAMEWORK, "stream"), frame(FRAMEWORK, "handle")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is False


@pytest.mark.parametrize("by", [None, "finally", "async with create_task_group()"])
def test_only_an_except_handles(handler: str | None) -> None:
    ways = {
        "plain-error": way(
            frame(FRAMEWORK, "other", handler=handler),
            frame(FRAMEWORK, "handle", handler="except Exception"),
        ),
        "error-mid-stream": way(frame(FRAMEWORK, "other")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is True


@pytest.mark.parametrize("file", [SERVER, ANYIO, "python3.13/asyncio/tasks.py"])
def test_what_is_not_the_framework_does_not_count_as_its_handling(file: str) -> None:
    ways = {
        "plain-error": way(frame(file, "run", handler="except BaseException")),
        "error-mid-stream": way(frame(file, "run", handler="except BaseException")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is None


def test_a_framework_of_ones_own_is_the_app_file() -> None:
    ways = {
        "plain-error": way(frame("apps/bare.py", "app", handler="except Exception")),
        "error-mid-stream": way(frame("apps/bare.py", "app")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is False


def test_nothing_is_said_without_both_ways() -> None:
    handled = way(frame(FRAMEWORK, handler="except Exception"))
    assert passes_no_handler({"plain-error": handled}, "error-mid-stream") is None
    assert passes_no_handler({"error-mid-stream": handled}, "error-mid-stream") is None
