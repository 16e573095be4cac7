"""Paths of exceptions through code that is known (`tests/paths.py`), compared exactly."""

import os
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from hangup.analysis.exception_path import exception_paths
from hangup.environment.exception_path import located
from hangup.model.exception_path import ExceptionPath, Step, coroutine
from hangup.runner.trace_tail import read_steps

CODE = Path(__file__).with_name("paths.py")
ROOT = CODE.parent.parent
WAYS = ["tracing"] if sys.version_info < (3, 12) else ["monitoring"]

SLEEP = ("CancelledError", "sleep", "passed", "finally")
SOURCE = ("CancelledError", "source", "passed", None)
STREAM = ("CancelledError", "stream", "passed", None)
CONSUME = ("CancelledError", "consume", "passed", None)
WAITER = ("CancelledError", "cancelled", "absorbed", "with contextlib.suppress()")

PATHS = {
    "nested_generators": [[SLEEP, SOURCE, STREAM, CONSUME, WAITER]],
    "except_reraises": [
        [
            *(SLEEP, SOURCE, STREAM, CONSUME),
            ("CancelledError", "reraising", "passed", "except asyncio.CancelledError"),
            WAITER,
        ]
    ],
    "except_absorbs": [
        [
            *(SLEEP, SOURCE, STREAM, CONSUME),
            ("CancelledError", "swallowing", "absorbed", "except asyncio.CancelledError"),
        ]
    ],
    "finally_replaces": [
        [
            *(SLEEP, SOURCE, STREAM, CONSUME),
            ("CancelledError", "replacing", "replaced", "finally"),
            ("KeyError", "replacing", "passed", None),
            ("KeyError", "cancelled", "absorbed", "with contextlib.suppress()"),
        ]
    ],
    "group": [
        [
            ("ValueError", "failing", "put into a group", None),
            ("ExceptionGroup[ValueError]", "TaskGroup.__aexit__", "passed", "finally"),
            ("ExceptionGroup[ValueError]", "group", "absorbed", "except ValueError"),
        ]
    ],
    "except_keeps_it_within_a_with": [
        [
            ("ValueError", "keeping", "passed", "except ValueError"),
            (
                "ValueError",
                "except_keeps_it_within_a_with",
                "absorbed",
                "with contextlib.suppress()",
            ),
        ]
    ],
    "cancelled_again": [
        [
            SLEEP,
            ("CancelledError", "stubborn", "replaced", "except asyncio.CancelledError"),
            SLEEP,
            ("CancelledError", "stubborn", "passed", None),
            ("CancelledError", "around_the_stubborn", "passed", None),
            ("CancelledError", "cancelled_again", "absorbed", "with contextlib.suppress()"),
        ]
    ],
    "cancelled_thrice": [
        [
            SLEEP,
            ("CancelledError", "more_stubborn", "replaced", "except asyncio.CancelledError"),
            SLEEP,
            ("CancelledError", "more_stubborn", "replaced", "except asyncio.CancelledError"),
            SLEEP,
            ("CancelledError", "more_stubborn", "passed", None),
            ("CancelledError", "around_the_more_stubborn", "passed", None),
            ("CancelledError", "cancelled_thrice", "absorbed", "with contextlib.suppress()"),
        ]
    ],
    "noise_in_the_handler": [
        [("ValueError", "noisy", "absorbed", "except ValueError")],
        # Its `__context__` is the other one, but it has not taken its place.
        [("KeyError", "noisy", "absorbed", "with contextlib.suppress()")],
    ],
    "shield": [
        [
            ("CancelledError", "shielding", "passed", None),
            ("CancelledError", "waiting_outside", "passed", None),
            WAITER,
        ],
        # What was shielded went on, until the loop was closed.
        [SLEEP, ("CancelledError", "shielded_work", "ended its task", None)],
    ],
    "closed_at_a_yield": [
        [("GeneratorExit", "stream", "ended the close()", None)],
        # The source was left to the event loop, which was closed meanwhile.
        [("CancelledError", "source", "ended its task", None)],
    ],
    "sync_generator_in_a_thread": [
        [("GeneratorExit", "numbers", "ended the close()", "finally")],
    ],
    "error_from_a_thread": [
        [
            ("LookupError", "raising_in_thread", "passed", None),
            ("LookupError", "_WorkItem.run", "handed on", "except BaseException"),
            ("LookupError", "to_thread", "passed", None),
            ("LookupError", "error_from_a_thread", "absorbed", "with contextlib.suppress()"),
        ]
    ],
}


def trace_exceptions(way: str, case: str, trace: Path) -> tuple[ExceptionPath, ...]:
    trace.touch()
    subprocess.run(
        [sys.executable, CODE, way, case],
        env=os.environ | {"PYTHONPATH": str(ROOT), "HANGUP_TRACE": str(trace)},
        check=True,
    )
    return exception_paths(located(read_steps(trace.read_bytes())))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("case", PATHS)
def test_path_is_exactly_the_known_one(way: str, case: str, tmp_path: Path) -> None:
    found = trace_exceptions(way, case, tmp_path / "trace.jsonl")
    assert [
        [
            (frame.saw, frame.location.function, str(frame.disposition), frame.handler)
            for frame in exception_path.frames
        ]
        for exception_path in found
    ] == PATHS[case]


@pytest.mark.parametrize("way", WAYS)
def test_lines_are_those_of_the_code(way: str, tmp_path: Path) -> None:
    (exception_path,) = trace_exceptions(way, "nested_generators", tmp_path / "trace.jsonl")
    lines = CODE.read_text().splitlines()
    ours = [frame.location for frame in exception_path.frames if frame.location.file == str(CODE)]
    assert [lines[location.line - 1].strip() for location in ours] == [
        "await asyncio.sleep(60)",
        "async for item in source():",
        "async for _ in agen:",
        "await task",
    ]


@pytest.mark.parametrize("way", WAYS)
def test_who_asked_for_it_is_told(way: str, tmp_path: Path) -> None:
    (exception_path,) = trace_exceptions(way, "nested_generators", tmp_path / "trace.jsonl")
    assert [location.function for location in exception_path.cancelled_by] == [
        "cancelled",
        "nested_generators",
        "main",
    ]
    assert coroutine(exception_path.cancelled_in or "") == "main"
    assert coroutine(exception_path.raised_in.task or "") == "consume"


@pytest.mark.parametrize("case", ["asked_twice", "cancelled_again", "cancelled_thrice"])
@pytest.mark.parametrize("way", WAYS)
def test_the_first_who_asked_is_told(way: str, case: str, tmp_path: Path) -> None:
    (exception_path,) = trace_exceptions(way, case, tmp_path / "trace.jsonl")
    assert [location.function for location in exception_path.cancelled_by] == [case, "main"]


@pytest.mark.parametrize("way", WAYS)
def test_tasks_of_one_coroutine_are_told_apart(way: str, tmp_path: Path) -> None:
    found = trace_exceptions(way, "two_tasks_alike", tmp_path / "trace.jsonl")
    tasks = [exception_path.raised_in.task or "" for exception_path in found]
    assert [coroutine(task) for task in tasks] == ["consume", "consume"]
    assert len(set(tasks)) == 2


def test_an_older_exception_that_is_raised_anew_goes_its_own_way() -> None:
    def step(event: str, n: int, frame: int) -> Step:
        return Step(
            event=event, n=n, saw="ValueError", frame=frame, function="f", file="f.py", line=1
        )

    steps = [
        step("raised", 1, frame=1),
        step("raised", 2, frame=2),
        step("handled", 2, frame=2),
        msgspec.structs.replace(step("replaces", 1, frame=2), of=2, at="context"),
        step("raised", 1, frame=2),
        step("left", 1, frame=2),
    ]
    assert [frame.exception for frame in exception_paths(steps)[0].frames] == [1, 1]
