"""The outcomes of all stacks: every trial classified once, to be looked up by cell. Pure."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

from hangup.analysis.classification import classify, classify_trials, surfaces_of
from hangup.analysis.exception_path import exception_paths, through_the_stream
from hangup.model.exception_path import ExceptionPath
from hangup.model.outcomes import Cell, ObservationCount, Outcome
from hangup.model.scenarios import BY_ID, fits
from hangup.model.trace import NOT_KEPT, Stack, StackResult
from hangup.model.vocabulary import FAILURES, Surface, Word

_INCONCLUSIVE = frozenset({*FAILURES, Word.NOT_APPLICABLE, Word.INCONCLUSIVE})
_ORDER = [str(surface) for surface in Surface]
_HOOKS = _ORDER.index(Surface.MIDDLEWARE) + 0.5


class StackOutcomes:
    """One stack's trials, classified once, by scenario."""

    def __init__(self, result: StackResult) -> None:
        self.result = result
        self.trials: Sequence[Outcome] = classify(result)
        self._by_scenario: dict[str, list[Outcome]] = defaultdict(list)
        for trial in self.trials:
            self._by_scenario[trial.trial.scenario].append(trial)

    @property
    def stack(self) -> Stack:
        """Which stack it is."""
        return self.result.stack

    @property
    def scenarios(self) -> Sequence[str]:
        """The scenarios there are trials of."""
        return list(self._by_scenario)

    def of(self, scenario: str) -> Sequence[Outcome]:
        """The trials of a scenario; each stands for `trial.count` that came out alike."""
        return self._by_scenario.get(scenario, ())

    @cached_property
    def traced(self) -> Mapping[str, Outcome]:
        """By scenario, the trial in which exceptions were traced.

        One whose events were not kept came out like the trial that it names, and is left out
        if that one is not there any more.
        """
        kept = {(t.trial.scenario, t.trial.repeat): t for t in self.trials}
        own = [trial for trial in self.result.traced if trial.same_as is None]
        found = {t.trial.scenario: t for t in classify_trials(self.result, own, self.trials)}
        for trial in self.result.traced:
            same = kept.get((trial.scenario, trial.same_as or NOT_KEPT))
            if same is not None:
                found[trial.scenario] = Outcome(trial=trial, saws=same.saws)
        return found

    @cached_property
    def exception_paths(self) -> Mapping[str, tuple[ExceptionPath, ...]]:
        """By scenario, the paths that lead through the stream, its source or the endpoint."""
        return {
            trial.scenario: through_the_stream(exception_paths(trial.steps))
            for trial in self.result.traced
            if trial.failure is None
        }

    @cached_property
    def observations(self) -> tuple[ObservationCount, ...]:
        """The rows of `outcomes.csv` that are this stack's, sorted."""
        counts: Counter[tuple[str, str, str]] = Counter()
        trials: Counter[str] = Counter()
        for classified in self.trials:
            scenario, count = classified.trial.scenario, classified.trial.count
            trials[scenario] += count
            for surface, saws in classified.saws.items():
                for saw in set(saws):
                    counts[scenario, surface, saw] += count
        # What only thorough runs have was not even asked of others.
        thorough = any(BY_ID[scenario].thorough for scenario in trials)
        recipes = any(BY_ID[scenario].kind == "recipe" for scenario in trials)
        surfaces = frozenset(self.result.surfaces)
        for scenario_ in BY_ID.values():
            if scenario_.thorough and not thorough:
                continue
            if scenario_.kind == "recipe" and not recipes:
                continue
            if not fits(scenario_, surfaces, self.result.unsupported):
                for surface in surfaces_of(scenario_.id, surfaces):
                    counts[scenario_.id, surface, Word.NOT_APPLICABLE] = 0
        return tuple(
            ObservationCount(
                stack=self.stack,
                scenario=scenario,
                surface=surface,
                saw=str(saw),
                n=n,
                of=trials[scenario],
            )
            for (scenario, surface, saw), n in sorted(counts.items())
        )


class Outcomes:
    """The outcomes of several stacks, in the order given, to be looked up by cell."""

    def __init__(self, results: Iterable[StackResult]) -> None:
        self.stacks = [StackOutcomes(result) for result in results]
        self._by_stack = {outcomes.stack: outcomes for outcomes in self.stacks}
        cells: dict[Cell, list[ObservationCount]] = defaultdict(list)
        self._surfaces: dict[tuple[str, Stack], list[str]] = defaultdict(list)
        for outcomes in self.stacks:
            for observation in outcomes.observations:
                cell = Cell(outcomes.stack, observation.scenario, observation.surface)
                if cell not in cells:
                    self._surfaces[observation.scenario, outcomes.stack].append(cell.surface)
                cells[cell].append(observation)
        self._cells = {
            cell: tuple(sorted(found, key=lambda o: (-o.n, o.saw))) for cell, found in cells.items()
        }

    def of(self, stack: Stack) -> StackOutcomes:
        """The outcomes of a stack; raises KeyError if it is none of these."""
        return self._by_stack[stack]

    @property
    def observations(self) -> list[ObservationCount]:
        """The rows of `outcomes.csv`, sorted."""
        return sorted(o for outcomes in self.stacks for o in outcomes.observations)

    def __getitem__(self, cell: Cell) -> tuple[ObservationCount, ...]:
        """What was observed there, most frequent first; empty if it was not looked at."""
        return self._cells.get(cell, ())

    def saws(self, stack: Stack, scenario: str, surface: str) -> tuple[str, ...]:
        """What was seen there in at least one trial."""
        return tuple(observation.saw for observation in self[Cell(stack, scenario, surface)])

    def conclusive(self, stack: Stack, scenario: str, surface: str) -> tuple[str, ...]:
        """What was seen there, without the words that say that it is not known."""
        return tuple(s for s in self.saws(stack, scenario, surface) if s not in _INCONCLUSIVE)

    def surfaces(self, scenario: str, stacks: Iterable[Stack]) -> list[str]:
        """The surfaces that a scenario was looked at on, in the vocabulary's order."""
        found = {s for stack in stacks for s in self._surfaces.get((scenario, stack), ())}
        return sorted(found, key=lambda s: (_ORDER.index(s) if s in _ORDER else _HOOKS, s))

    def ran(self, scenario: str, stacks: Iterable[Stack]) -> bool:
        """Whether a scenario was run, or asked, on any of these stacks."""
        return any((scenario, stack) in self._surfaces for stack in stacks)
