"""Effects: what of two stacks is compared, and what a comparison comes to."""

from __future__ import annotations

from collections.abc import Sequence
from math import comb

import pytest

from hangup.analysis.claims import verdicts
from hangup.analysis.effects import (
    FOUND,
    NOT_FOUND,
    Comparable,
    by_chance,
    compare,
    confirmed,
    effect,
    from_observations,
    from_outcomes,
    to_confirm,
)
from hangup.analysis.outcomes import Outcomes
from hangup.model.effect import (
    TOOK_PLACE,
    TRIAL,
    CellId,
    Change,
    Comparison,
    Counts,
    Effect,
    Result,
)
from hangup.model.outcomes import ObservationCount
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Surface, Word
from tests.traces import LEAVES, Line, stack, stack_result, trial

CELL = CellId("idle", "observation", "stream")
AWAIT = ("stream begin", LEAVES, "stream end CancelledError at an await")
YIELD = ("stream begin", LEAVES, "stream end GeneratorExit at a yield")
STREAM_END = CellId("idle", "observation", Surface.STREAM_END)


def counts(*seen: tuple[str, int], of: int | None = None) -> Counts:
    """In how many trials each was seen; `of` where they do not add up to the trials."""
    return Counts(
        tuple(((saw,), n) for saw, n in seen), sum(n for _, n in seen) if of is None else of
    )


def result(a: Counts, b: Counts) -> Result:
    return compare(CELL, a, b).result


# --- Two distributions.


def test_five_unanimous_trials_against_five_others_differ() -> None:
    found = compare(CELL, counts(("a", 5)), counts(("b", 5)))
    assert found.result == Result.DIFFERENT
    assert found.p == pytest.approx(2 / 252)


@pytest.mark.parametrize("b", [counts(("b", 3)), counts(("a", 2), ("b", 1))])
def test_three_trials_against_three_are_too_few_to_differ_or_to_be_the_same(b: Counts) -> None:
    assert result(counts(("a", 3)), b) == result(b, counts(("a", 3))) == Result.UNDECIDED


def test_what_a_side_shows_by_itself_is_a_race_and_no_difference() -> None:
    assert result(counts(("a", 20)), counts(("a", 17), ("b", 3))) == Result.RACE
    assert result(counts(("a", 3), ("b", 2)), counts(("a", 2), ("b", 3))) == Result.RACE


def test_shares_that_lie_too_far_apart_for_a_race_differ() -> None:
    assert result(counts(("a", 20)), counts(("a", 10), ("b", 10))) == Result.DIFFERENT


def test_what_all_trials_saw_is_the_same_however_many_they_were() -> None:
    assert result(counts(("a", 20)), counts(("a", 1))) == Result.SAME
    assert result(counts(("a", 4), ("b", 2)), counts(("a", 2), ("b", 1))) == Result.SAME


def test_observations_that_overlap_are_tested_one_by_one_for_the_price_of_all() -> None:
    both, one = counts(("a", 5), ("b", 5), of=5), counts(("a", 5), of=5)
    found = compare(CELL, both, one)
    assert found.p == pytest.approx(2 * 2 / 252)
    assert found.result != Result.DIFFERENT
    seven = compare(CELL, counts(("a", 7), ("b", 7), of=7), counts(("a", 7), of=7))
    assert seven.result == Result.DIFFERENT
    assert seven.p == pytest.approx(2 * 2 / 3432)


def test_only_cells_with_several_outcomes_can_differ_by_chance() -> None:
    same = compare(CELL, counts(("a", 5)), counts(("a", 5)))
    too_rare = compare(CELL, counts(("a", 20)), counts(("a", 17), ("b", 3)))
    race = compare(CELL, counts(("a", 15), ("b", 5)), counts(("a", 12), ("b", 8)))
    two_at_most = 2 * sum(comb(13, k) * comb(27, 20 - k) for k in range(3)) / comb(40, 20)
    differing = compare(CELL, counts(("a", 5)), counts(("b", 5)))
    assert by_chance(same) == 0.0
    assert by_chance(too_rare) == 0.0, "3 of 40 may all be of one side by chance"
    assert race.result == Result.RACE
    assert by_chance(race) == pytest.approx(two_at_most), "13 of 40 have so few on one side"
    assert by_chance(differing) == pytest.approx(2 / 252)


# --- What of a stack is compared.


def repeated(scenario: str, n: int, *lines: Line, failure: Word | None = None) -> list[Trial]:
    return [trial(scenario, *lines, repeat=k + 1, failure=failure) for k in range(n)]


def comparable(trials: Sequence[Trial], surfaces: Sequence[str] = ()) -> Comparable:
    return of_result(stack_result(*trials, surfaces=surfaces))


def of_result(result: StackResult) -> Comparable:
    outcomes = Outcomes([result])
    (found,) = from_outcomes(outcomes, verdicts(outcomes)).values()
    return found


def compared(a: Comparable, b: Comparable) -> dict[CellId, Comparison]:
    return {found.cell: found for found in effect(a, b).comparisons}


def test_how_streams_end_is_compared_and_so_are_the_claims_about_it() -> None:
    found = effect(comparable(repeated("idle", 5, *AWAIT)), comparable(repeated("idle", 5, *YIELD)))
    differing = {c.cell for c in found.of(Result.DIFFERENT)}
    assert {STREAM_END, CellId("idle", "claim", "cancelled-at-an-await")} <= differing
    change = next(c for c in found.changes if c.name == "cancelled-at-an-await")
    assert (change.a, change.b, change.scenarios) == ("confirmed", "refuted", ("idle",))


def test_a_verdict_that_changes_within_what_repeats_explain_names_no_scenario() -> None:
    mixed = comparable([*repeated("idle", 2, *AWAIT), trial("idle", *YIELD, repeat=3)])
    found = effect(comparable(repeated("idle", 3, *AWAIT)), mixed)
    change = next(c for c in found.changes if c.name == "cancelled-at-an-await")
    assert (change.b, change.scenarios) == ("mixed", ())


def test_verdicts_are_of_the_scenarios_in_which_both_were_compared() -> None:
    both = repeated("idle", 5, *AWAIT)
    found = effect(comparable(both), comparable([*both, *repeated("ticking", 5, *YIELD)]))
    assert CellId("ticking", "claim", "cancelled-at-an-await") in found.only_b
    assert found.changes == ()


def test_a_hazard_is_compared_by_the_trials_that_show_it() -> None:
    open_ = repeated("idle", 5, "stream begin", LEAVES)
    found = compared(comparable(repeated("idle", 5, *AWAIT)), comparable(open_))
    hazard = found[CellId("idle", "hazard", "stream-not-notified")]
    assert hazard.a == counts((NOT_FOUND, 5))
    assert hazard.b == counts((FOUND, 5))
    assert hazard.result == Result.DIFFERENT


def _of_recipes(found: Effect) -> list[Change]:
    return [change for change in found.changes if change.kind == "recipe"]


def test_a_recipe_is_compared_by_what_came_of_it_and_by_nothing_else() -> None:
    begun = ("source begin", LEAVES, "source end CancelledError at an await", "cleanup begin")
    good = repeated("waited-task-in-idle", 5, *begun, "cleanup end")
    lost = "cleanup end CancelledError"
    cut = repeated("waited-task-in-idle", 5, *begun, lost)
    found = effect(comparable(good), comparable(cut))
    recipe = CellId("waited-task-in-idle", "recipe", "waited-task-in-idle")
    trials = CellId("waited-task-in-idle", "observation", TRIAL)
    observed = {c.cell: c.result for c in found.comparisons if c.cell.kind != "claim"}
    assert observed == {recipe: Result.DIFFERENT, trials: Result.SAME}
    (change,) = _of_recipes(found)
    assert (change.kind, change.a, change.b) == ("recipe", "works", "fails")
    once = [*good[1:], trial("waited-task-in-idle", *begun, lost)]
    (change,) = _of_recipes(effect(comparable(good), comparable(once)))
    assert (change.b, change.scenarios) == ("fails", ())


def test_all_that_a_trial_saw_is_one_outcome() -> None:
    both = repeated("idle", 5, *AWAIT, "server-log saw ValueError", "server-log saw KeyError")
    cell = comparable(both).cells[CellId("idle", "observation", Surface.SERVER_LOG)]
    assert cell == Counts(((("KeyError", "ValueError"), 5),), 5)


def test_a_trial_that_did_not_take_place_says_nothing_but_that() -> None:
    failed = repeated("idle", 5, failure=Word.FAILED_TO_START)
    found = effect(comparable(repeated("idle", 5, *AWAIT)), comparable(failed))
    (only,) = found.comparisons
    assert only.cell == CellId("idle", "observation", TRIAL)
    assert only.a == counts((TOOK_PLACE, 5))
    assert only.b == counts((Word.FAILED_TO_START, 5))
    assert STREAM_END in found.only_a
    assert found.only_b == ()


def test_what_was_disturbed_is_no_effect_and_is_named_as_not_compared() -> None:
    disturbed = repeated("idle", 5, failure=Word.DISTURBED)
    good = comparable([*repeated("idle", 5, *AWAIT), *repeated("post", 5, *AWAIT)])
    found = effect(good, comparable([*disturbed, *repeated("post", 5, *AWAIT)]))
    assert {c.cell.scenario for c in found.comparisons} == {"post"}
    assert found.disturbed == ("idle",)
    assert found.only_a == (), "the other has it"
    some = [*disturbed, *repeated("idle", 5, *AWAIT)]
    found = effect(good, comparable(some))
    assert {c.result for c in found.comparisons} == {Result.SAME}
    assert found.disturbed == ()


def test_a_silence_that_nothing_proves_is_not_compared() -> None:
    silent = comparable(repeated("idle", 5, *AWAIT), surfaces=["handler"])
    cell = CellId("idle", "observation", Surface.HANDLER)
    assert cell not in silent.cells
    proven = [*repeated("idle", 5, *AWAIT), trial("plain-error", "handler saw ValueError")]
    assert comparable(proven, surfaces=["handler"]).cells[cell] == counts(("nothing", 5))


def test_scenarios_that_are_asked_for_are_the_only_ones() -> None:
    trials = comparable([*repeated("idle", 1, *AWAIT), *repeated("post", 1, *AWAIT)])
    found = effect(trials, trials, ["post"])
    assert {c.cell.scenario for c in found.comparisons} == {"post"}


# --- Of a table of observations.


def rows(surface: str, *seen: tuple[str, int], of: int) -> list[ObservationCount]:
    return [
        ObservationCount(stack=stack(), scenario="idle", surface=surface, saw=saw, n=n, of=of)
        for saw, n in seen
    ]


def test_a_table_says_of_most_cells_what_the_traces_say() -> None:
    mixed = stack_result(*repeated("idle", 3, *AWAIT), trial("idle", *YIELD, repeat=4))
    outcomes = Outcomes([mixed])
    (table,) = from_observations(outcomes.observations).values()
    traces = {c: n for c, n in of_result(mixed).cells.items() if c.kind == "observation"}
    assert table.cells == traces


def test_a_table_s_trials_that_failed_or_prove_nothing_are_left_out() -> None:
    table = [
        *rows("stream", ("CancelledError", 3), (Word.NOT_REACHED, 2), of=5),
        *rows("handler", (Word.INCONCLUSIVE, 3), (Word.NOT_REACHED, 2), of=5),
        *rows("hook:a", (Word.NOT_APPLICABLE, 0), of=0),
    ]
    (found,) = from_observations(table).values()
    assert found.cells == {
        CellId("idle", "observation", TRIAL): counts((TOOK_PLACE, 3), (Word.NOT_REACHED, 2)),
        CellId("idle", "observation", "stream"): counts(("CancelledError", 3)),
    }
    assert not found.disturbed


@pytest.mark.parametrize(("good", "disturbed"), [(0, ["idle"]), (3, [])])
def test_a_table_s_disturbed_trials_are_not_compared(good: int, disturbed: list[str]) -> None:
    seen = rows("stream", ("CancelledError", good), (Word.DISTURBED, 2), of=good + 2)
    (found,) = from_observations(row for row in seen if row.n).values()
    trials = {name: n for name, n in found.cells.items() if name.name == TRIAL}
    assert list(trials.values()) == ([counts((TOOK_PLACE, good))] if good else [])
    assert sorted(found.disturbed) == disturbed


# --- A fresh sample.


def by_hand(*found: Comparison) -> Effect:
    one = effect(comparable([]), comparable([]))
    return Effect(pair=one.pair, comparisons=found, changes=(), only_a=(), only_b=())


def test_what_differs_or_is_not_decided_is_confirmed_and_of_races_those_in_doubt() -> None:
    differing = compare(CELL, counts(("a", 5)), counts(("b", 5)))
    undecided = compare(CellId("post", "hazard", "x"), counts(("a", 3)), counts(("b", 3)))
    race = compare(CellId("sync", "observation", "x"), counts(("a", 9)), counts(("a", 8), ("b", 1)))
    one = by_hand(differing, undecided, race)
    assert to_confirm([one]) == {one.pair: ("idle", "post")}
    assert to_confirm([by_hand(race)]) == {}
    doubtful = compare(CELL, counts(("a", 20)), counts(("a", 15), ("b", 5)))
    assert (doubtful.result, round(doubtful.p, 3)) == (Result.RACE, 0.047)
    assert to_confirm([by_hand(doubtful)]) == {one.pair: ("idle",)}
    fresh = compare(CELL, counts(("a", 60)), counts(("a", 45), ("b", 15)))
    assert confirmed(by_hand(doubtful), by_hand(fresh)).comparisons == (fresh,)


def test_a_fresh_sample_alone_decides_what_is_to_be_confirmed() -> None:
    first = compare(CELL, counts(("a", 5)), counts(("b", 5)))
    agreed = compare(CellId("idle", "observation", "other"), counts(("a", 5)), counts(("a", 5)))
    fresh = compare(CELL, counts(("a", 20)), counts(("a", 20)))
    new = compare(agreed.cell, counts(("a", 20)), counts(("b", 20)))
    decided = confirmed(by_hand(first, agreed), by_hand(fresh, new)).comparisons
    assert [(c.cell, c.result) for c in decided] == [
        (agreed.cell, Result.SAME),
        (CELL, Result.SAME),
    ]


def test_a_verdict_after_a_fresh_sample_is_of_all_scenarios_that_were_compared() -> None:
    def claimed(scenario: str, a: str, b: str, n: int) -> Comparison:
        cell = CellId(scenario, "claim", "cancelled-at-an-await")
        return compare(cell, counts((a, n)), counts((b, n)))

    first = by_hand(
        claimed("idle", "confirmed", "refuted", 5), claimed("ticking", "refuted", "refuted", 5)
    )
    (change,) = confirmed(first, by_hand(claimed("idle", "confirmed", "refuted", 20))).changes
    assert (change.a, change.b, change.scenarios) == ("mixed", "refuted", ("idle",))
    assert not confirmed(first, by_hand(claimed("idle", "refuted", "refuted", 20))).changes


def test_a_difference_of_which_there_is_no_fresh_sample_is_not_decided() -> None:
    first = compare(CELL, counts(("a", 5)), counts(("b", 5)))
    (found,) = confirmed(by_hand(first), by_hand()).comparisons
    assert found.result == Result.UNDECIDED
