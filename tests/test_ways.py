"""What the ways of exceptions decide."""

from __future__ import annotations

import msgspec
import pytest

from harness.itinerary import Fate, Itinerary, Place, Stop
from harness.ways import asked_by_another_task, passes_no_handler

FRAMEWORK = "site-packages/starlette/errors.py"
SERVER = "site-packages/uvicorn/h11_impl.py"
ANYIO = "site-packages/anyio/_asyncio.py"


def stop(file: str, function: str = "f", by: str | None = None, saw: str = "ValueError") -> Stop:
    place = Place(function=function, file=file, line=1)
    return Stop(exception=1, saw=saw, place=place, task="a#1", fate=Fate.PASSED, by=by)


def way(*stops: Stop, asked_in: str | None = None) -> tuple[Itinerary, ...]:
    asked = (Place(function="cancel", file=ANYIO, line=1),) if asked_in else ()
    return (Itinerary(asked=asked, asked_in=asked_in, stops=stops),)


def test_what_the_event_loop_calls_does_not_tell_who_asked() -> None:
    cancelled = way(stop("apps/subject/service.py", saw="CancelledError"), asked_in="b#2")[0]
    by_the_loop = msgspec.structs.replace(cancelled, asked_in=None)
    assert asked_by_another_task({"idle": (by_the_loop,)}, "idle") is None


@pytest.mark.parametrize(
    ("asked_in", "expected"), [("b#2", True), ("a#1", False), (None, None), ("a#2", True)]
)
def test_who_asked_is_told_by_task(asked_in: str | None, expected: bool | None) -> None:
    ways = {"idle": way(stop("apps/subject/service.py", saw="CancelledError"), asked_in=asked_in)}
    assert asked_by_another_task(ways, "idle") is expected


def test_an_error_is_no_cancellation() -> None:
    assert asked_by_another_task({"idle": way(stop(FRAMEWORK), asked_in="b#2")}, "idle") is None


def test_an_error_that_comes_through_a_handling_frame_does_not_pass_it_by() -> None:
    ways = {
        "plain-error": way(stop(FRAMEWORK, "handle", by="except Exception")),
        "error-mid-stream": way(stop(FRAMEWORK, "stream"), stop(FRAMEWORK, "handle")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is False


@pytest.mark.parametrize("by", [None, "finally", "async with create_task_group()"])
def test_only_an_except_handles(by: str | None) -> None:
    ways = {
        "plain-error": way(
            stop(FRAMEWORK, "other", by=by), stop(FRAMEWORK, "handle", by="except Exception")
        ),
        "error-mid-stream": way(stop(FRAMEWORK, "other")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is True


@pytest.mark.parametrize("file", [SERVER, ANYIO, "python3.13/asyncio/tasks.py"])
def test_what_is_not_the_framework_does_not_count_as_its_handling(file: str) -> None:
    ways = {
        "plain-error": way(stop(file, "run", by="except BaseException")),
        "error-mid-stream": way(stop(file, "run", by="except BaseException")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is None


def test_a_framework_of_ones_own_is_the_app_file() -> None:
    ways = {
        "plain-error": way(stop("apps/bare.py", "app", by="except Exception")),
        "error-mid-stream": way(stop("apps/bare.py", "app")),
    }
    assert passes_no_handler(ways, "error-mid-stream") is False


def test_nothing_is_said_without_both_ways() -> None:
    handled = way(stop(FRAMEWORK, by="except Exception"))
    assert passes_no_handler({"plain-error": handled}, "error-mid-stream") is None
    assert passes_no_handler({"error-mid-stream": handled}, "error-mid-stream") is None
