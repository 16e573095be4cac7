"""Hazards: that their data are consistent, and which trials show them."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hangup.analysis.classification import surfaces_of
from hangup.analysis.hazards import found_hazards
from hangup.analysis.outcomes import Outcomes
from hangup.model.hazards import HAZARDS, Hazard
from hangup.model.outcomes import Cell
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import FAILURES, OPTIONAL, Surface, Word
from tests.condition_parts import check_words
from tests.traces import CLOSES, COLLECTS, LEAVES, stack, stack_result, trial

HAZARD = {hazard.id: hazard for hazard in HAZARDS}
DECLARED = (*OPTIONAL, "hook:a")
ANSWERED, NO_ANSWER = "liveness saw answered", "liveness saw no answer"
CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
FAILED = ("stream begin", "stream end ValueError at an await")
UPSTREAM = ("upstream accepts", LEAVES)
PROOF = trial(
    "complete", *(f"{surface} saw ValueError" for surface in (*DECLARED, Surface.SERVER_LOG))
)
"""A trial that proves that handlers and hooks are in place, and the log watched."""


def found(*results: StackResult) -> dict[str, tuple[Cell, ...]]:
    """The cells in which hazards were found, by hazard."""
    return {one.hazard.id: one.cells for one in found_hazards(Outcomes(results))}


def found_in(*trials: Trial) -> set[str]:
    return set(found(stack_result(*trials, PROOF, surfaces=DECLARED)))


# --- The data.


def test_no_hazard_is_there_twice() -> None:
    assert len(HAZARD) == len(HAZARDS)
    assert len({hazard.title for hazard in HAZARDS}) == len(HAZARDS)
    assert len({hazard.meaning for hazard in HAZARDS}) == len(HAZARDS)


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard.id)
def test_every_hazard_is_asked_where_there_is_an_answer(hazard: Hazard) -> None:
    assert hazard.scenarios
    assert len(set(hazard.scenarios)) == len(hazard.scenarios)
    assert hazard.surface in set(Surface)
    somewhere = False
    for name in hazard.scenarios:
        assert name in SCENARIOS
        looked_at = surfaces_of(name, frozenset(DECLARED))
        somewhere |= {hazard.surface, *hazard.condition.surfaces} <= set(looked_at)
    assert somewhere


@pytest.mark.parametrize("hazard", HAZARDS, ids=lambda hazard: hazard.id)
def test_every_word_of_a_hazard_exists(hazard: Hazard) -> None:
    check_words(hazard.condition)


# --- For every hazard a trial that shows it and one that does not.

EXAMPLES: Mapping[str, tuple[Trial, Trial]] = {
    "server-blocked": (
        trial("firehose", *CANCELLED, NO_ANSWER),
        trial("firehose", *CANCELLED, ANSWERED),
    ),
    "stream-not-notified": (
        trial("idle", "stream begin", LEAVES, CLOSES),
        trial("idle", *CANCELLED),
    ),
    "stream-completes": (
        trial("ticking", "stream begin", LEAVES, "stream end"),
        trial("ticking", "stream begin", "stream end", LEAVES),
    ),
    "finally-waits-for-collector": (
        trial("idle", "stream begin", LEAVES, CLOSES, COLLECTS,
              "stream end GeneratorExit at a yield"),
        trial("idle", "stream begin", LEAVES, "stream end GeneratorExit at a yield"),
    ),
    "source-outlives-stream": (
        trial("idle", "source begin", *CANCELLED, CLOSES),
        trial("nested", "source begin", *CANCELLED, CLOSES),
    ),
    "source-not-closed": (
        trial("nested", "source begin", *CANCELLED, CLOSES),
        trial("idle", "source begin", *CANCELLED, CLOSES),
    ),
    "upstream-open": (
        trial("relay", *UPSTREAM, CLOSES, "upstream closed"),
        trial("relay", *UPSTREAM, "upstream closed", CLOSES),
    ),
    "endpoint-not-notified": (
        trial("before-response", "endpoint begin", LEAVES, CLOSES),
        trial("before-response", "endpoint begin", LEAVES, "endpoint end CancelledError"),
    ),
    "logged-as-error": (
        trial("idle", *CANCELLED, "server-log saw error line"),
        trial("idle", *CANCELLED),
    ),
    "handled-as-error": (
        trial("idle", *CANCELLED, "handler saw CancelledError"),
        trial("idle", *CANCELLED, "handler-app-error saw CancelledError"),
    ),
    "cleanup-unfinished": (
        trial("cleanup-await", *CANCELLED, "cleanup begin", "cleanup end CancelledError"),
        trial("cleanup-await", *CANCELLED, "cleanup begin", "cleanup end"),
    ),
    "error-unreported": (
        trial("error-mid-stream", *FAILED),
        trial("error-mid-stream", *FAILED, "hook:a saw ValueError"),
    ),
    "failure-looks-complete": (
        trial("error-mid-stream", *FAILED, got="200, 3 events, ended"),
        trial("error-mid-stream", *FAILED, got="200, 3 events, not ended"),
    ),
    "request-never-ends": (
        trial("error-mid-stream", "asgi begin", *FAILED, CLOSES),
        trial("error-mid-stream", "asgi begin", *FAILED, "asgi end ValueError"),
    ),
    "slow-shutdown": (
        trial("shutdown", *CANCELLED, "exit saw still running"),
        trial("shutdown", *CANCELLED, "exit saw exited"),
    ),
}  # fmt: skip


@pytest.mark.parametrize("hazard", EXAMPLES)
def test_a_hazard_is_found_in_a_trial_that_shows_it_and_in_no_other(hazard: str) -> None:
    shows, does_not = EXAMPLES[hazard]
    assert hazard in found_in(shows)
    assert hazard not in found_in(does_not)


def test_every_hazard_has_its_examples() -> None:
    assert set(EXAMPLES) == set(HAZARD)


def test_one_trial_of_several_is_enough() -> None:
    usual = [trial("idle", *CANCELLED, repeat=n) for n in (2, 3)]
    assert "stream-not-notified" in found_in(*usual, EXAMPLES["stream-not-notified"][0])


@pytest.mark.parametrize("failure", sorted(FAILURES))
@pytest.mark.parametrize("hazard", EXAMPLES)
def test_a_trial_that_failed_shows_no_hazard(hazard: str, failure: Word) -> None:
    shows, _ = EXAMPLES[hazard]
    failed = trial(shows.scenario, failure=failure, got=shows.got)
    assert found_in(failed) == set()


@pytest.mark.parametrize(
    ("end", "source", "outlives"),
    [
        ("CancelledError at an await", [CLOSES], True),
        ("GeneratorExit at a yield", ["source end"], True),
        ("CancelledError at an await", ["source end CancelledError"], False),
        # The stream was not notified, or completed itself.
        (None, [CLOSES], False),
        ("", ["source end"], False),
    ],
)
def test_a_source_that_is_still_read_from_after_its_stream_was_notified_outlives_it(
    end: str | None, source: list[str], outlives: bool
) -> None:
    ended = [] if end is None else [f"stream end {end}".strip()]
    seen = trial("idle", "stream begin", "source begin", LEAVES, *ended, *source)
    assert ("source-outlives-stream" in found_in(seen)) == outlives


def test_a_source_that_was_read_to_its_end_before_the_client_left_does_not_outlive_it() -> None:
    seen = trial("idle", "source begin", "source end", *CANCELLED)
    assert "source-outlives-stream" not in found_in(seen)


# --- Where it was found.


def test_a_hazard_leads_to_its_cells_sorted_by_stack_and_scenario() -> None:
    suspended = [
        trial(scenario, "stream begin", LEAVES, CLOSES) for scenario in ("post", "idle", "relay")
    ]
    results = [stack_result(*suspended, of=stack(app)) for app in ("quart", "bare")]
    assert found(*results)["stream-not-notified"] == tuple(
        Cell(stack(app), scenario, "stream-end")
        for app in ("bare", "quart")
        for scenario in ("idle", "post", "relay")
    )


def test_every_cell_of_a_hazard_was_observed() -> None:
    results = [stack_result(*(shows for shows, _ in EXAMPLES.values()), PROOF, surfaces=DECLARED)]
    observed = {(o.scenario, o.surface) for o in Outcomes(results).observations}
    cells = [cell for cells in found(*results).values() for cell in cells]
    assert {(cell.scenario, cell.surface) for cell in cells} <= observed


def test_hazards_come_in_the_order_of_the_data() -> None:
    results = [stack_result(*(shows for shows, _ in EXAMPLES.values()), PROOF, surfaces=DECLARED)]
    assert list(found(*results)) == [hazard.id for hazard in HAZARDS]
