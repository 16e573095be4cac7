"""What results do not hold, and whether tracing exceptions changed what was seen."""

from __future__ import annotations

from typing import get_args

import pytest

from hangup.analysis.coverage import NotRun, Part, not_run, tracing_effect
from hangup.analysis.outcomes import Outcomes
from hangup.model.outcomes import Cell
from hangup.model.trace import TRACED, StackResult
from hangup.model.vocabulary import Word
from tests.traces import CLOSES, LEAVES, Line, stack, stack_result, trial

CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
TRACED_IDLE = trial("idle", *CANCELLED, repeat=TRACED)
EVERYTHING = [
    trial(name, LEAVES) for name in ("relay", "polling", "shutdown-twice", "try-finally-in-idle")
]
RELAYS, POLLS, SHUTDOWNS, RECIPES, PATHS = get_args(Part)


def missing(*results: StackResult) -> dict[str, tuple[str, ...]]:
    return {found.what: tuple(s.app for s in found.stacks) for found in not_run(results)}


def test_a_run_that_is_not_thorough_lacks_what_only_thorough_ones_have() -> None:
    usual = [trial("idle", *CANCELLED), trial("shutdown", LEAVES)]
    found = missing(stack_result(*usual, of=stack("a")))
    assert found == dict.fromkeys((RELAYS, POLLS, SHUTDOWNS, RECIPES, PATHS), ("a",))


def test_a_thorough_run_lacks_nothing() -> None:
    assert not_run([stack_result(*EVERYTHING, traced=[TRACED_IDLE])]) == []


def test_what_is_missing_names_the_stacks_it_is_missing_on() -> None:
    thorough = stack_result(*EVERYTHING, traced=[TRACED_IDLE], of=stack("a"))
    without_paths = stack_result(*EVERYTHING, of=stack("b"))
    without_relays = stack_result(*EVERYTHING[1:], of=stack("c"))
    assert not_run([thorough, without_paths, without_relays]) == [
        NotRun(PATHS, (stack("b"), stack("c"))),
        NotRun(RELAYS, (stack("c"),)),
    ]


def test_what_an_app_does_not_support_is_not_missing() -> None:
    result = stack_result(EVERYTHING[0], *EVERYTHING[2:], unsupported=["is-disconnected"])
    assert POLLS not in missing(result)


# --- The trial in which exceptions were traced, beside the others.


def effect(usual: list[tuple[Line, ...]], traced: tuple[Line, ...]) -> list[tuple[str, str]]:
    """The surfaces on which the traced trial saw something new, and what."""
    trials = [trial("idle", *lines, repeat=n) for n, lines in enumerate(usual, 1)]
    result = stack_result(*trials, traced=[trial("idle", *traced, repeat=TRACED)])
    found = tracing_effect(Outcomes([result]))
    assert found.cells
    assert {(cell.stack, cell.scenario) for cell, _ in found.differing} <= {(stack(), "idle")}
    return [(cell.surface, saw) for cell, saw in found.differing]


def test_a_traced_trial_that_saw_what_others_saw_was_not_changed() -> None:
    suspended = ("stream begin", LEAVES, CLOSES)
    assert effect([CANCELLED, suspended], CANCELLED) == []
    assert effect([CANCELLED, suspended], suspended) == []


def test_what_only_the_traced_trial_saw_is_named() -> None:
    completed = ("stream begin", LEAVES, "stream end")
    assert effect([CANCELLED], completed) == [
        ("stream", Word.NOTHING),
        ("stream-end", Word.COMPLETED),
    ]


def test_a_traced_trial_without_others_of_its_scenario_is_not_compared() -> None:
    result = stack_result(trial("post", *CANCELLED), traced=[TRACED_IDLE])
    found = tracing_effect(Outcomes([result]))
    assert (found.cells, found.differing) == (0, ())


@pytest.mark.parametrize("end", ["", " OSError"])
def test_the_cell_that_differs_is_that_of_the_stack(end: str) -> None:
    traced = trial("idle", "asgi begin", LEAVES, f"asgi end{end}", repeat=TRACED)
    usual = trial("idle", "asgi begin", LEAVES, "asgi end")
    results = [
        stack_result(usual, of=stack("a")),
        stack_result(usual, traced=[traced], of=stack("b")),
    ]
    assert tracing_effect(Outcomes(results), [stack("a")]).differing == ()
    found = tracing_effect(Outcomes(results))
    expected = ((Cell(stack("b"), "idle", "asgi"), "OSError"),) if end else ()
    assert found.differing == expected


def test_a_traced_trial_that_failed_is_not_compared() -> None:
    usual = trial("idle", "asgi begin", LEAVES, "asgi end")
    failed = trial("idle", LEAVES, repeat=TRACED, failure=Word.DISTURBED)
    found = tracing_effect(Outcomes([stack_result(usual, traced=[failed])]))
    assert (found.cells, found.differing) == (0, ())
