"""The outcomes of stacks: how trials are counted, and how they are looked up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

import pytest

from hangup.analysis import classification
from hangup.analysis.claims import verdicts
from hangup.analysis.classification import surfaces_of
from hangup.analysis.cleanup import CleanupGuide
from hangup.analysis.compaction import compacted
from hangup.analysis.coverage import tracing_effect
from hangup.analysis.hazards import found_hazards
from hangup.analysis.headlines import headlines
from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.analysis.upstream import cost_rows
from hangup.model.exception_path import Step
from hangup.model.outcomes import Cell, ObservationCount, Saws
from hangup.model.scenario import Scenario
from hangup.model.trace import TRACED, Trial
from hangup.model.vocabulary import FAILURES, OPTIONAL, Surface, Word
from tests.traces import LEAVES, stack, stack_result, trial

ORDINARY_ERROR = trial("plain-error", "endpoint begin", "endpoint end ValueError")
AT_AWAIT = ("stream begin", LEAVES, "stream end CancelledError at an await")
AT_YIELD = ("stream begin", LEAVES, "stream end CancelledError at a yield")
TWICE = (
    "stream begin",
    LEAVES,
    "stream saw CancelledError at an await",
    "stream end GeneratorExit at a yield",
)

# --- Counting.


def _counts(trials: list[Trial], scenario: str, surface: str) -> dict[str, tuple[int, int]]:
    return {
        row.saw: (row.n, row.of)
        for row in StackOutcomes(stack_result(*trials)).observations
        if (row.scenario, row.surface) == (scenario, surface)
    }


def test_repeats_that_disagree_are_counted_apart() -> None:
    ends = [AT_AWAIT, AT_YIELD, AT_AWAIT, AT_AWAIT, AT_YIELD]
    repeats = [trial("ticking", *lines, repeat=n) for n, lines in enumerate(ends, 1)]
    assert _counts(repeats, "ticking", "stream-end") == {
        Word.CANCELLED_AT_AWAIT: (3, 5),
        Word.CANCELLED_AT_YIELD: (2, 5),
    }


def test_a_surface_that_saw_two_things_in_one_trial_counts_for_both() -> None:
    repeats = [trial("ticking", *TWICE), trial("ticking", *AT_AWAIT, repeat=2)]
    assert _counts(repeats, "ticking", "stream") == {
        "CancelledError": (2, 2),
        "GeneratorExit": (1, 2),
    }


def test_trials_of_other_scenarios_are_not_among_those_counted() -> None:
    trials = [trial("ticking", *AT_AWAIT), trial("idle", *AT_AWAIT), ORDINARY_ERROR]
    assert _counts(trials, "ticking", "stream") == {"CancelledError": (1, 1)}


def test_failed_repeats_are_counted_beside_the_others() -> None:
    trials = [
        trial("ticking", *AT_AWAIT),
        trial("ticking", repeat=2, failure=Word.SERVER_EXITED),
    ]
    assert _counts(trials, "ticking", "stream") == {
        "CancelledError": (1, 2),
        Word.SERVER_EXITED: (1, 2),
    }


def test_a_trial_counts_for_all_that_it_stands_for() -> None:
    trials = [
        trial("ticking", *AT_AWAIT, alike=(3, 4, 5)),
        trial("ticking", *AT_YIELD, repeat=2, alike=(6,)),
    ]
    assert [known.count for known in trials] == [4, 2]
    assert _counts(trials, "ticking", "stream-end") == {
        Word.CANCELLED_AT_AWAIT: (4, 6),
        Word.CANCELLED_AT_YIELD: (2, 6),
    }


def test_a_scenario_that_an_app_does_not_support_is_not_applicable_0_of_0() -> None:
    known = stack_result(unsupported=["sync"])
    rows = [row for row in StackOutcomes(known).observations if row.scenario == "sync"]
    assert {row.surface for row in rows} == set(surfaces_of("sync", frozenset()))
    assert {(row.saw, row.n, row.of) for row in rows} == {(Word.NOT_APPLICABLE, 0, 0)}


def test_what_only_thorough_runs_have_is_not_said_to_be_unsupported_by_others() -> None:
    def scenarios(*trials: Trial) -> set[str]:
        known = stack_result(*trials, unsupported=["is-disconnected"])
        return {row.scenario for row in StackOutcomes(known).observations}

    assert "polling" not in scenarios(trial("idle", LEAVES))
    assert "polling" in scenarios(trial("idle", LEAVES), trial("relay", LEAVES))


def test_trials_of_a_scenario_that_no_longer_exists_are_not_counted() -> None:
    assert StackOutcomes(stack_result(trial("of-yesterday", LEAVES))).observations == ()


def test_without_recipes_there_are_no_observations_of_them() -> None:
    rows = StackOutcomes(stack_result(trial("idle", *AT_AWAIT))).observations
    assert not [row for row in rows if "-in-" in row.scenario]


def test_observations_come_sorted() -> None:
    known = stack_result(trial("ticking", *AT_AWAIT), trial("idle", *AT_AWAIT), ORDINARY_ERROR)
    rows = StackOutcomes(known).observations
    assert [row.scenario for row in rows] == sorted(row.scenario for row in rows)
    assert list(rows) == sorted(rows)


def test_observations_of_several_stacks_come_sorted_however_these_come() -> None:
    results = [stack_result(trial("idle", *AT_AWAIT), of=stack(app)) for app in ("b", "c", "a")]
    rows = Outcomes(results).observations
    assert rows == sorted(rows)
    assert rows == Outcomes(results[::-1]).observations
    assert {row.stack.app for row in rows} == {"a", "b", "c"}


# --- Every trial is classified once.


def test_every_trial_is_classified_once_however_often_it_is_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    classified: Counter[Trial] = Counter()
    classify_trial = classification.classify_trial

    def counting(trial: Trial, scenario: Scenario, declared: Collection[str]) -> Saws:
        classified[trial] += 1
        return classify_trial(trial, scenario, declared)

    monkeypatch.setattr(classification, "classify_trial", counting)
    trials = [
        trial("idle", *AT_AWAIT),
        trial("idle", *AT_YIELD, repeat=2),
        trial("relay", "upstream accepts", LEAVES),
        trial("try-finally-in-idle", LEAVES, "cleanup begin"),
        trial("firehose", LEAVES, "liveness saw no answer"),
        trial("error-mid-stream", "stream begin", "stream end ValueError", got="200, ended"),
    ]
    traced = [trial("idle", *AT_AWAIT, repeat=TRACED), trial("post", *TWICE, repeat=TRACED)]
    outcomes = Outcomes([stack_result(*trials, traced=traced)])
    (of_stack,) = outcomes.stacks
    for _ in range(2):
        assert [t.trial for t in of_stack.trials] == trials
        assert set(of_stack.traced) == {"idle", "post"}
        assert outcomes.observations
        assert outcomes.saws(stack(), "idle", "stream")
        assert of_stack.of("idle")
        assert verdicts(outcomes)
        assert found_hazards(outcomes)
        assert CleanupGuide(outcomes).fewest_trials() == 1
        assert cost_rows(outcomes)
        assert tracing_effect(outcomes).cells
        assert headlines(outcomes, [stack()])
    assert classified == Counter([*trials, *traced])


# --- Looking up.


def test_a_stack_has_its_trials_by_scenario() -> None:
    known = [trial("idle", *AT_AWAIT), ORDINARY_ERROR, trial("idle", *AT_YIELD, repeat=2)]
    of_stack = StackOutcomes(stack_result(*known))
    assert list(of_stack.scenarios) == ["idle", "plain-error"]
    assert [t.trial for t in of_stack.of("idle")] == [known[0], known[2]]
    assert of_stack.of("post") == ()


def test_a_stack_is_found_among_others_and_none_is_made_up() -> None:
    outcomes = Outcomes([stack_result(of=stack("a")), stack_result(of=stack("b"))])
    assert outcomes.of(stack("b")).stack == stack("b")
    with pytest.raises(KeyError):
        outcomes.of(stack("c"))


def test_a_cell_has_what_was_observed_most_frequent_first() -> None:
    ends = [AT_YIELD, AT_AWAIT, AT_AWAIT]
    repeats = [trial("ticking", *lines, repeat=n) for n, lines in enumerate(ends, 1)]
    outcomes = Outcomes([stack_result(*repeats)])
    cell = Cell(stack(), "ticking", "stream-end")

    def observation(saw: Word, n: int) -> ObservationCount:
        return ObservationCount(
            stack=stack(), scenario="ticking", surface="stream-end", saw=saw, n=n, of=3
        )

    assert outcomes[cell] == (
        observation(Word.CANCELLED_AT_AWAIT, 2),
        observation(Word.CANCELLED_AT_YIELD, 1),
    )
    assert outcomes.saws(stack(), "ticking", "stream-end") == (
        Word.CANCELLED_AT_AWAIT,
        Word.CANCELLED_AT_YIELD,
    )
    assert outcomes[Cell(stack("other"), "ticking", "stream-end")] == ()


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_what_says_that_it_is_not_known_is_not_conclusive(failure: Word) -> None:
    known = stack_result(
        trial("idle", *AT_AWAIT),
        trial("idle", repeat=2, failure=failure),
        surfaces=["handler"],
    )
    outcomes = Outcomes([known])
    assert set(outcomes.saws(stack(), "idle", "stream")) == {"CancelledError", failure}
    assert outcomes.conclusive(stack(), "idle", "stream") == ("CancelledError",)
    assert set(outcomes.saws(stack(), "idle", "handler")) == {Word.INCONCLUSIVE, failure}
    assert outcomes.conclusive(stack(), "idle", "handler") == ()
    assert outcomes.saws(stack(), "idle", "middleware") == (Word.NOT_APPLICABLE,)
    assert outcomes.conclusive(stack(), "idle", "middleware") == ()


def test_surfaces_of_several_stacks_are_in_the_order_of_the_vocabulary() -> None:
    results = [
        stack_result(trial("idle", *AT_AWAIT), surfaces=["hook:b"], of=stack("b")),
        stack_result(trial("idle", *AT_AWAIT), surfaces=["hook:a"], of=stack("a")),
        stack_result(trial("post", *AT_AWAIT), surfaces=["hook:c"], of=stack("c")),
    ]
    stacks = [result.stack for result in results]
    found = Outcomes(results).surfaces("idle", stacks)
    after = found.index(Surface.MIDDLEWARE) + 1
    assert found[after : after + 2] == ["hook:a", "hook:b"]
    others = found[:after] + found[after + 2 :]
    assert others == [surface for surface in Surface if surface in others]
    assert set(OPTIONAL) <= set(others)


def test_a_scenario_was_run_where_there_are_trials_of_it() -> None:
    outcomes = Outcomes(
        [
            stack_result(trial("idle", *AT_AWAIT), of=stack("a")),
            stack_result(trial("post", *AT_AWAIT), unsupported=["sync"], of=stack("b")),
        ]
    )
    assert outcomes.ran("idle", [stack("a"), stack("b")])
    assert not outcomes.ran("idle", [stack("b")])
    # That it is not applicable is an answer too.
    assert outcomes.ran("sync", [stack("b")])
    assert not outcomes.ran("sync", [stack("a")])


# --- Trials in which exceptions were traced.

STEPS = (
    Step(event="raised", n=1, saw="ValueError", frame=1, function="f", file="apps/recipes/x.py"),
    Step(event="raised", n=2, saw="OSError", frame=2, function="g", file="apps/bare.py"),
)


def test_a_traced_trial_is_no_observation() -> None:
    traced = trial("idle", *AT_YIELD, repeat=TRACED)
    plain = stack_result(trial("idle", *AT_AWAIT))
    with_traced = stack_result(trial("idle", *AT_AWAIT), traced=[traced])
    assert StackOutcomes(with_traced).observations == StackOutcomes(plain).observations
    assert [t.trial.repeat for t in StackOutcomes(with_traced).of("idle")] == [1]


def test_a_silence_of_a_traced_trial_is_earned_by_the_others() -> None:
    traced = trial("idle", LEAVES, repeat=TRACED)
    proof = trial("plain-error", "handler saw ValueError")
    alone = StackOutcomes(stack_result(surfaces=["handler"], traced=[traced]))
    assert alone.traced["idle"].saws["handler"] == (Word.INCONCLUSIVE,)
    proven = StackOutcomes(stack_result(proof, surfaces=["handler"], traced=[traced]))
    assert proven.traced["idle"].saws["handler"] == (Word.NOTHING,)


def test_a_traced_trial_whose_events_were_not_kept_saw_what_the_trial_it_names_did() -> None:
    repeats = [trial("idle", *AT_YIELD), trial("idle", *AT_AWAIT, repeat=2)]
    traced = trial("idle", *AT_AWAIT, repeat=TRACED, steps=STEPS)
    result = compacted(stack_result(*repeats, traced=[traced]))
    (kept,) = result.traced
    assert (kept.events, kept.same_as, kept.steps) == ((), 2, STEPS)
    found = StackOutcomes(result).traced["idle"]
    assert found.trial == kept
    assert found.saws == StackOutcomes(stack_result(repeats[1])).of("idle")[0].saws


def test_exception_paths_are_those_that_lead_through_the_stream() -> None:
    traced = trial("idle", *AT_AWAIT, repeat=TRACED, steps=STEPS)
    of_stack = StackOutcomes(stack_result(trial("idle", *AT_AWAIT), traced=[traced]))
    (path,) = of_stack.exception_paths["idle"]
    assert path.names == ("ValueError",)
    assert "post" not in of_stack.exception_paths
