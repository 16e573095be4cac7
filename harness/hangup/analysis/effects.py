"""What changes from one stack to another, beyond what repeats explain. Pure.

Cells are compared one by one: what a surface saw in a scenario, and the same for hazards, claims
and recipes, whose trials show one or not, confirm one or not, and come to a result each. Trials
that did not take place, and those whose silence proves nothing, are left out; that they did not
take place is compared as the surface `trial`, unless they were disturbed: that is not the stack's
doing.

From traces, what is compared is the set of all that a trial saw at a surface. A table of
observations does not say what was seen together: there each is compared by itself, against the
probability divided by how many there are (Bonferroni).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from hangup.analysis.cleanup import WORKS, cleanup_result
from hangup.analysis.conditions import decide
from hangup.analysis.exact_test import can_decide, p_value, size
from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.model.claim import ClaimVerdict, Ruling, ruling
from hangup.model.effect import (
    DOUBTFUL,
    SIGNIFICANCE,
    TOOK_PLACE,
    TRIAL,
    CellId,
    Change,
    Comparison,
    Counts,
    Effect,
    Kind,
    Pair,
    Result,
)
from hangup.model.hazards import HAZARDS
from hangup.model.outcomes import ObservationCount
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack
from hangup.model.vocabulary import FAILURES, Surface, Word

FOUND, NOT_FOUND = "found", "not found"
"""What a trial says of a hazard."""
UNKNOWN = frozenset({Word.INCONCLUSIVE, Word.NOT_APPLICABLE})
"""The words of a surface that are not compared: they do not say what it saw."""
RECIPE_WORKS, RECIPE_FAILS = "works", "fails"
"""The verdict on a recipe in a situation: whether clean-up was done in every trial."""

Cells = Mapping[CellId, Counts]
_Counters = dict[CellId, Counter[tuple[str, ...]]]


class Comparable:
    """A stack's cells, ready to be compared."""

    def __init__(
        self, stack: Stack, cells: Cells, ran: Iterable[str], window_s: float | None = None
    ):
        self.stack = stack
        self.cells = cells
        self.window_s = window_s
        """The window of its trials; None if that is not known."""
        self.disturbed = frozenset(
            name for name in ran if CellId(name, "observation", TRIAL) not in cells
        )
        """Of the scenarios that ran, those of which all trials were disturbed."""


def from_outcomes(outcomes: Outcomes, verdicts: Iterable[ClaimVerdict]) -> dict[Stack, Comparable]:
    """What can be compared of stacks whose traces are at hand."""
    on: dict[Stack, list[ClaimVerdict]] = defaultdict(list)
    for verdict in verdicts:
        on[verdict.stack].append(verdict)
    return {o.stack: _from_trials(o, on[o.stack]) for o in outcomes.stacks}


def _from_trials(of_stack: StackOutcomes, found: Sequence[ClaimVerdict]) -> Comparable:
    counters: _Counters = defaultdict(Counter)
    for scenario in of_stack.scenarios:
        _count_scenario(of_stack, scenario, counters)
    cells = {cell: _counts(counter) for cell, counter in counters.items()}
    for verdict in found:
        for case in verdict.cases:
            decided: dict[tuple[str, ...], int] = {
                (str(Ruling.CONFIRMED),): case.confirmed,
                (str(Ruling.REFUTED),): case.refuted,
            }
            if case.confirmed + case.refuted:
                cells[CellId(case.scenario, "claim", verdict.claim)] = _counts(decided)
    return Comparable(of_stack.stack, cells, of_stack.scenarios, of_stack.result.window_s)


def _count_scenario(of_stack: StackOutcomes, scenario: str, counters: _Counters) -> None:
    recipe = BY_ID[scenario].kind == "recipe"
    hazards = [hazard for hazard in HAZARDS if scenario in hazard.scenarios]
    for trial in of_stack.of(scenario):
        n = trial.trial.count
        failure = trial.trial.failure
        if failure == Word.DISTURBED:
            continue
        counters[CellId(scenario, "observation", TRIAL)][failure or TOOK_PLACE,] += n
        if failure is not None:
            continue
        if recipe:  # its surfaces are what its result is made of
            result = (str(cleanup_result(trial)),)
            if result[0] != Word.INCONCLUSIVE:
                counters[recipe_cell(scenario, by_itself=trial.trial.alone)][result] += n
            continue
        for surface, saws in trial.saws.items():
            seen = tuple(sorted({str(saw) for saw in saws}))
            if seen and not UNKNOWN.intersection(seen):
                counters[CellId(scenario, "observation", surface)][seen] += n
        for hazard in hazards:
            answer = decide(hazard.condition, trial)
            if answer is not None:
                word = FOUND if answer else NOT_FOUND
                counters[CellId(scenario, "hazard", hazard.id)][word,] += n


def recipe_cell(scenario: str, *, by_itself: bool) -> CellId:
    """The cell of a recipe's results.

    Without others beside it, a recipe is tried under another condition.
    """
    return CellId(scenario, "recipe", f"{scenario} by itself" if by_itself else scenario)


def from_observations(observations: Iterable[ObservationCount]) -> dict[Stack, Comparable]:
    """What can be compared of stacks of which only a table of observations is at hand."""
    rows: dict[Stack, dict[tuple[str, str], list[ObservationCount]]] = defaultdict(
        lambda: defaultdict(list)
    )
    for row in observations:
        rows[row.stack][row.scenario, row.surface].append(row)
    return {
        stack: Comparable(
            stack,
            _cells_of_rows(of_stack),
            [scenario for (scenario, _), found in of_stack.items() if any(row.of for row in found)],
        )
        for stack, of_stack in rows.items()
    }


def _cells_of_rows(rows: Mapping[tuple[str, str], Sequence[ObservationCount]]) -> Cells:
    cells: dict[CellId, Counts] = {}
    for (scenario, surface), found in rows.items():
        known = scenario in BY_ID
        recipe = known and BY_ID[scenario].kind == "recipe"
        failed: dict[tuple[str, ...], int] = {
            (str(row.saw),): row.n for row in found if row.saw in FAILURES
        }
        took_place = max(row.of for row in found) - sum(failed.values())
        failed.pop((str(Word.DISTURBED),), None)
        trials = failed | {(TOOK_PLACE,): took_place}
        if any(trials.values()):
            cells[CellId(scenario, "observation", TRIAL)] = _counts(trials)
        unknown = sum(row.n for row in found if row.saw in UNKNOWN)
        seen: dict[tuple[str, ...], int] = {
            (str(row.saw),): row.n for row in found if row.saw not in UNKNOWN | FAILURES
        }
        if seen and took_place > unknown and (not recipe or surface == Surface.CLEANUP):
            cell = CellId(scenario, "observation", surface)
            cells[cell] = _counts(seen, took_place - unknown)
    return cells


def _counts(counter: Mapping[tuple[str, ...], int], of: int | None = None) -> Counts:
    ordered = sorted(counter.items(), key=lambda item: (-item[1], item[0]))
    seen = tuple((saws, n) for saws, n in ordered if n)
    return Counts(seen, sum(counter.values()) if of is None else of)


# ---------------------------------------------------------------------------- comparing


def effect(a: Comparable, b: Comparable, scenarios: Sequence[str] = ()) -> Effect:
    """What changes from one stack to another, in some scenarios or in all."""
    disturbed = {s for s in a.disturbed | b.disturbed if not scenarios or s in scenarios}

    def asked(cell: CellId) -> bool:
        wanted = not scenarios or cell.scenario in scenarios
        return wanted and cell.scenario not in disturbed

    compared = tuple(
        compare(cell, a.cells[cell], b.cells[cell])
        for cell in sorted(filter(asked, a.cells.keys() & b.cells.keys()))
    )
    return Effect(
        pair=Pair(a.stack, b.stack),
        comparisons=compared,
        changes=tuple(_changes(compared)),
        only_a=tuple(sorted(filter(asked, a.cells.keys() - b.cells.keys()))),
        only_b=tuple(sorted(filter(asked, b.cells.keys() - a.cells.keys()))),
        disturbed=tuple(sorted(disturbed)),
    )


def compare(cell: CellId, a: Counts, b: Counts) -> Comparison:
    """Two distributions, compared."""
    if a == b or (a.unanimous and b.unanimous and a.seen[0][0] == b.seen[0][0]):
        return Comparison(cell=cell, a=a, b=b, result=Result.SAME, p=1.0)
    p = min(1.0, _adjusted(p_value, a, b))
    if p <= SIGNIFICANCE:
        result = Result.DIFFERENT
    elif dict(_shares(a)) == dict(_shares(b)):
        result = Result.SAME
    elif not can_decide(a.of, b.of) or (a.unanimous and b.unanimous):
        result = Result.UNDECIDED
    else:
        result = Result.RACE
    return Comparison(cell=cell, a=a, b=b, result=result, p=p)


def by_chance(comparison: Comparison) -> float:
    """How probable it was that this cell would be called different though nothing differs."""
    if comparison.a.whole and comparison.b.whole:
        return size(*_aligned(comparison.a, comparison.b))
    alone = {saws for counts in (comparison.a, comparison.b) for saws, _ in counts.seen}
    return 0.0 if comparison.result == Result.SAME and len(alone) < 2 else SIGNIFICANCE


def _adjusted(test: Callable[[Sequence[int], Sequence[int]], float], a: Counts, b: Counts) -> float:
    """The test of two distributions, or of each thing that was seen, times how many there are."""
    if a.whole and b.whole:
        return test(*_aligned(a, b))
    one, other = _apart(a), _apart(b)
    seen = one.keys() | other.keys()
    return len(seen) * min(
        test((one[saw], a.of - one[saw]), (other[saw], b.of - other[saw])) for saw in seen
    )


def _aligned(a: Counts, b: Counts) -> tuple[Sequence[int], Sequence[int]]:
    one, other = dict(a.seen), dict(b.seen)
    outcomes = sorted(one.keys() | other.keys())
    return [one.get(saws, 0) for saws in outcomes], [other.get(saws, 0) for saws in outcomes]


def _apart(counts: Counts) -> Counter[str]:
    """In how many trials each thing was seen, whatever was seen beside it."""
    found: Counter[str] = Counter()
    for saws, n in counts.seen:
        for saw in saws:
            found[saw] += n
    return found


def _shares(counts: Counts) -> list[tuple[str, float]]:
    return [(saw, n / counts.of) for saw, n in _apart(counts).items()]


def _changes(compared: Iterable[Comparison]) -> Iterator[Change]:
    """The verdicts that are not the same, over the scenarios in which both were compared."""
    asked: dict[tuple[Kind, str], list[Comparison]] = defaultdict(list)
    for found in compared:
        if found.cell.kind in _VERDICTS:
            asked[found.cell.kind, found.cell.name].append(found)
    for (kind, name), cells in sorted(asked.items()):
        a, b = (
            _VERDICTS[kind](sum((Counter(dict(counts.seen)) for counts in side), Counter()))
            for side in ([found.a for found in cells], [found.b for found in cells])
        )
        if a != b:
            differing = [f.cell.scenario for f in cells if f.result == Result.DIFFERENT]
            yield Change(kind=kind, name=name, a=a, b=b, scenarios=tuple(differing))


def _of_claim(seen: Mapping[tuple[str, ...], int]) -> str:
    return str(ruling(*(seen.get((str(r),), 0) for r in (Ruling.CONFIRMED, Ruling.REFUTED))))


def _of_recipe(seen: Mapping[tuple[str, ...], int]) -> str:
    return RECIPE_WORKS if all(result in WORKS for (result,) in seen) else RECIPE_FAILS


_VERDICTS: Mapping[Kind, Callable[[Mapping[tuple[str, ...], int]], str]] = {
    "claim": _of_claim,
    "recipe": _of_recipe,
}
"""The verdict that the trials of a claim or a recipe come to."""


# ---------------------------------------------------------------------------- confirming


def to_confirm(effects: Iterable[Effect]) -> dict[Pair, tuple[str, ...]]:
    """The scenarios that are to be run once more.

    Cells differ in them, could not be decided, or are a race that may well be a difference.
    """
    found = {
        one.pair: tuple(sorted({c.cell.scenario for c in one.comparisons if _to_be_confirmed(c)}))
        for one in effects
    }
    return {pair: scenarios for pair, scenarios in found.items() if scenarios}


def _to_be_confirmed(found: Comparison) -> bool:
    if found.result == Result.RACE:
        return found.p <= DOUBTFUL
    return found.result in (Result.DIFFERENT, Result.UNDECIDED)


def confirmed(first: Effect, fresh: Effect) -> Effect:
    """What a fresh sample says of the cells that were to be confirmed, and nothing but that.

    Only these are decided by it: cells that agreed before are left as they were, so that the
    fresh sample is not searched for new differences.
    """
    again = {found.cell: found for found in fresh.comparisons}
    compared = sorted(
        (
            (again.get(found.cell) or _unconfirmed(found)) if _to_be_confirmed(found) else found
            for found in first.comparisons
        ),
        key=lambda found: found.cell,
    )
    return Effect(
        pair=first.pair,
        comparisons=tuple(compared),
        changes=tuple(_changes(compared)),
        only_a=first.only_a,
        only_b=first.only_b,
        disturbed=first.disturbed,
    )


def _unconfirmed(found: Comparison) -> Comparison:
    """A difference, or what may be one, that no fresh sample was taken of: it is not decided."""
    return Comparison(cell=found.cell, a=found.a, b=found.b, result=Result.UNDECIDED, p=found.p)
