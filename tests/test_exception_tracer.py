"""The tracer, on each Python: code with known exception paths, and the paths that come out.

The code is in `tests/exception_tracer_cases.py`. `sys.monitoring` and `sys.settrace` must
lead to the same paths.
"""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from hangup.analysis.exception_path import exception_paths
from hangup.environment.exception_path import with_handlers
from hangup.model.exception_path import Disposition, ExceptionPath, Step, coroutine
from hangup.runner.trace_tail import TraceTail

CASES = Path(__file__).with_name("exception_tracer_cases.py")
Tracer = Callable[[str], list[Step]]
Visit = tuple[str, str, Disposition, str | None]
"""An exception in a frame: its name, the function, what became of it there, what handled it."""

SLEEP = ("CancelledError", "sleep", Disposition.PASSED, "finally")
SOURCE = ("CancelledError", "source", Disposition.PASSED, None)
STREAM = ("CancelledError", "stream", Disposition.PASSED, None)
CONSUME = ("CancelledError", "consume", Disposition.PASSED, None)
WAITER = ("CancelledError", "cancelled", Disposition.HANDLED, "with contextlib.suppress()")

PATHS: dict[str, list[list[Visit]]] = {
    "nested_generators": [[SLEEP, SOURCE, STREAM, CONSUME, WAITER]],
    "except_reraises": [
        [
            *(SLEEP, SOURCE, STREAM, CONSUME),
            ("CancelledError", "reraising", Disposition.PASSED, "except asyncio.CancelledError"),
            WAITER,
        ]
    ],
    "except_handles": [
        [
            *(SLEEP, SOURCE, STREAM, CONSUME),
            ("CancelledError", "swallowing", Disposition.HANDLED, "except asyncio.CancelledError"),
        ]
    ],
    "finally_replaces": [
        [
            *(SLEEP, SOURCE, STREAM, CONSUME),
            ("CancelledError", "replacing", Disposition.REPLACED, "finally"),
            ("KeyError", "replacing", Disposition.PASSED, None),
            ("KeyError", "cancelled", Disposition.HANDLED, "with contextlib.suppress()"),
        ]
    ],
    "group": [
        [
            ("ValueError", "failing", Disposition.GROUPED, None),
            ("ExceptionGroup[ValueError]", "TaskGroup.__aexit__", Disposition.PASSED, "finally"),
            ("ExceptionGroup[ValueError]", "group", Disposition.HANDLED, "except ValueError"),
        ]
    ],
    "raised_after_its_handler": [
        [
            ("ValueError", "keeping", Disposition.PASSED, "except ValueError"),
            (
                "ValueError",
                "raised_after_its_handler",
                Disposition.HANDLED,
                "with contextlib.suppress()",
            ),
        ]
    ],
    "cancelled_again": [
        [
            SLEEP,
            ("CancelledError", "stubborn", Disposition.REPLACED, "except asyncio.CancelledError"),
            SLEEP,
            ("CancelledError", "stubborn", Disposition.PASSED, None),
            ("CancelledError", "around_the_stubborn", Disposition.PASSED, None),
            (
                "CancelledError",
                "cancelled_again",
                Disposition.HANDLED,
                "with contextlib.suppress()",
            ),
        ]
    ],
    "cancelled_thrice": [
        [
            SLEEP,
            (
                "CancelledError",
                "more_stubborn",
                Disposition.REPLACED,
                "except asyncio.CancelledError",
            ),
            SLEEP,
            (
                "CancelledError",
                "more_stubborn",
                Disposition.REPLACED,
                "except asyncio.CancelledError",
            ),
            SLEEP,
            ("CancelledError", "more_stubborn", Disposition.PASSED, None),
            ("CancelledError", "around_the_more_stubborn", Disposition.PASSED, None),
            (
                "CancelledError",
                "cancelled_thrice",
                Disposition.HANDLED,
                "with contextlib.suppress()",
            ),
        ]
    ],
    "noise_in_the_handler": [
        [("ValueError", "noisy", Disposition.HANDLED, "except ValueError")],
        # Its `__context__` is the other one, but it did not replace that.
        [("KeyError", "noisy", Disposition.HANDLED, "with contextlib.suppress()")],
    ],
    "shield": [
        [
            ("CancelledError", "shielding", Disposition.PASSED, None),
            ("CancelledError", "waiting_outside", Disposition.PASSED, None),
            WAITER,
        ],
        # What was shielded went on, until the loop was closed.
        [SLEEP, ("CancelledError", "shielded_work", Disposition.ENDED_TASK, None)],
    ],
    "closed_at_a_yield": [
        [("GeneratorExit", "stream", Disposition.ENDED_CLOSE, None)],
        # The source was left to the event loop, which was closed meanwhile.
        [("CancelledError", "source", Disposition.ENDED_TASK, None)],
    ],
    "sync_generator_in_a_thread": [
        [("GeneratorExit", "numbers", Disposition.ENDED_CLOSE, "finally")],
    ],
    "thrown_through_a_with": [
        [
            ("KeyError", "managed", Disposition.PASSED, "with contextlib.nullcontext()"),
            (
                "KeyError",
                "thrown_through_a_with",
                Disposition.HANDLED,
                "with contextlib.suppress()",
            ),
        ],
    ],
    "cancellation_outside_of_tasks": [
        [
            ("CancelledError", "raising_a_cancellation", Disposition.PASSED, None),
            (
                "CancelledError",
                "cancelled_in_thread",
                Disposition.HANDLED,
                "with contextlib.suppress()",
            ),
        ],
    ],
    "error_from_a_thread": [
        [
            ("LookupError", "raising_in_thread", Disposition.PASSED, None),
            ("LookupError", "_WorkItem.run", Disposition.RERAISED, "except BaseException"),
            ("LookupError", "to_thread", Disposition.PASSED, None),
            (
                "LookupError",
                "error_from_a_thread",
                Disposition.HANDLED,
                "with contextlib.suppress()",
            ),
        ]
    ],
}


@pytest.fixture
def steps_of(python: Path, staged: Path, tmp_path: Path) -> Tracer:
    """Run a case under one of the Pythons and return the steps of its exceptions."""

    def run(case: str) -> list[Step]:
        trace = tmp_path / "trace.jsonl"
        trace.touch()
        done = subprocess.run(
            [python, "-S", CASES, case],
            env=os.environ | {"PYTHONPATH": str(staged), "HANGUP_TRACE": str(trace)},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        assert "Traceback" not in done.stderr
        with trace.open("rb") as file:
            tail = TraceTail(file)
            tail.read()
        return tail.steps_of("t")

    return run


def paths_of(steps: list[Step]) -> tuple[ExceptionPath, ...]:
    return exception_paths(with_handlers(steps))


@pytest.mark.parametrize("case", PATHS)
def test_the_exception_path_is_exactly_the_known_one(steps_of: Tracer, case: str) -> None:
    found = paths_of(steps_of(case))
    assert [
        [
            (frame.saw, frame.location.function, frame.disposition, frame.handler)
            for frame in path.frames
        ]
        for path in found
    ] == PATHS[case]


def test_the_lines_are_those_at_which_the_frames_were(steps_of: Tracer) -> None:
    (path,) = paths_of(steps_of("nested_generators"))
    lines = CASES.read_text().splitlines()
    locations = [frame.location for frame in path.frames if frame.location.file == str(CASES)]
    assert [lines[location.line - 1].strip() for location in locations] == [
        "await asyncio.sleep(60)",
        "async for item in source():",
        "async for _ in agen:",
        "await task",
    ]


def test_a_cancellation_has_the_frames_and_the_task_that_requested_it(steps_of: Tracer) -> None:
    (path,) = paths_of(steps_of("nested_generators"))
    assert [location.function for location in path.cancelled_by] == [
        "cancelled",
        "nested_generators",
        "main",
    ]
    assert coroutine(path.cancelled_in or "") == "main"
    assert coroutine(path.raised_in.task or "") == "consume"


@pytest.mark.parametrize("case", ["cancelled_twice_at_once", "cancelled_again", "cancelled_thrice"])
def test_of_several_requests_for_a_cancellation_the_first_is_recorded(
    steps_of: Tracer, case: str
) -> None:
    (path,) = paths_of(steps_of(case))
    assert [location.function for location in path.cancelled_by] == [case, "main"]


def test_closing_a_generator_has_the_frames_that_called_close(steps_of: Tracer) -> None:
    path = paths_of(steps_of("sync_generator_in_a_thread"))[0]
    functions = [location.function for location in path.cancelled_by]
    assert functions[:2] == ["closing.__exit__", "in_thread"]
    assert path.cancelled_in is None


def test_tasks_of_the_same_coroutine_have_different_names(steps_of: Tracer) -> None:
    found = paths_of(steps_of("two_tasks_alike"))
    tasks = [path.raised_in.task or "" for path in found]
    assert [coroutine(task) for task in tasks] == ["consume", "consume"]
    assert len(set(tasks)) == 2


def test_an_exception_names_what_it_replaces_before_its_other_steps(steps_of: Tracer) -> None:
    steps = steps_of("finally_replaces")
    events = [step.event for step in steps if step.saw == "KeyError"]
    assert events[:2] == ["replaces", "raised"]


def test_a_thrown_cancellation_names_what_it_replaces_where_that_is_handled(
    steps_of: Tracer,
) -> None:
    steps = steps_of("cancelled_again")
    second = next(step.n for step in steps if step.event == "replaces")
    own = [step for step in steps if step.n == second]
    replaces = next(index for index, step in enumerate(own) if step.event == "replaces")
    assert {step.function for step in own[:replaces] if step.event == "raised"} == {"sleep"}
    assert (own[replaces + 1].event, own[replaces + 1].function) == ("raised", "stubborn")


@pytest.mark.parametrize("case", PATHS)
def test_the_steps_of_a_frame_are_in_order_and_have_a_location(steps_of: Tracer, case: str) -> None:
    inside: set[tuple[int, int]] = set()
    for step in steps_of(case):
        visit = (step.n, step.frame)
        match step.event:
            case "raised":
                assert visit not in inside
                assert step.kinds[0] in step.saw
                assert step.kinds[-1] == "object"
                inside.add(visit)
            case "handled":
                assert visit in inside
            case "left":
                assert visit in inside
                inside.remove(visit)
            case "cancelled-by":
                assert step.frame == 0
            case "replaces":
                assert step.of is not None
                continue
            case other:
                pytest.fail(f"there is no event {other}")
        assert step.function
        assert Path(step.file).exists()
        assert step.line > 0
