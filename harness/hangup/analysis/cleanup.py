"""Which clean-up to write, computed from the trials of recipes. Pure: outcomes in, advice out.

A trial of a recipe is good if its clean-up ran to its end after the source had been closed, and
nothing of that was left to the interpreter's reclaiming of objects. Disconnects, errors and
shutdowns have verdicts of their own: how many of the trials failed, and how large a share of
failures that allows.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile
from typing import get_args

import msgspec

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.proportions import upper_bound
from hangup.model import cleanup, scenarios
from hangup.model.cleanup import (
    FLOOD,
    RECIPES,
    RECIPES_BY_SITUATION,
    SITUATIONS,
    Kind,
    Recipe,
    Situation,
    scenario_id,
)
from hangup.model.outcomes import Outcome
from hangup.model.trace import Stack, StackResult
from hangup.model.vocabulary import FINALIZED, ExplainedWord, Surface, Word

KINDS: tuple[Kind, ...] = get_args(Kind)
_RECIPE_OF = {scenario_id(recipe, s): recipe for recipe, s in RECIPES_BY_SITUATION}


class CleanupResult(ExplainedWord):
    """What came of a clean-up in a trial, from the best to the worst."""

    GOOD = "good", "the source was closed, and the clean-up ran to its end"
    AT_END = "after completion", "it did, but only when the stream had run to completion"
    UNKNOWN = "inconclusive", "the trial is inconclusive"
    UNWAITED = (
        "not waited for",
        "it ran to its end after the signal, but the app had returned: nothing kept the process",
    )
    LATE = (
        "late",
        "it was begun only when the stream was finalised: its last reference had gone, or a "
        "garbage collection had found it",
    )
    EARLY = "too early", "it was begun before the stream was over and its source had ended"
    OPEN = "source left open", "it ran, but the source was not closed within the window"
    CUT = "unfinished", "it was begun, and was cancelled or had not ended when the window closed"
    NEVER = "did not run", "it was not begun within the window"
    LOST = "server blocked", "the server no longer answered other requests"


WORKS = frozenset({CleanupResult.GOOD, CleanupResult.AT_END})
"""The results in which clean-up has been done."""

_WORST = list(CleanupResult)


class Tried(msgspec.Struct, frozen=True):
    """What came of a recipe in one situation on one stack."""

    counts: tuple[tuple[CleanupResult, int], ...]
    """How many trials came out how, the worst first."""

    @property
    def of(self) -> int:
        """How many trials were conclusive."""
        return sum(n for result, n in self.counts if result != CleanupResult.UNKNOWN)

    @property
    def failures(self) -> int:
        """In how many of them clean-up was not done."""
        return self.of - sum(n for result, n in self.counts if result in WORKS)

    @property
    def good(self) -> bool:
        """Whether there were conclusive trials and clean-up was done in each."""
        return self.of > 0 and not self.failures

    @property
    def worst(self) -> CleanupResult:
        """The worst there was; `inconclusive` if nothing was tried."""
        return self.counts[0][0] if self.counts else CleanupResult.UNKNOWN


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """In how many trials a recipe failed, pooled over the situations of one kind."""

    kind: Kind
    failures: int
    of: int
    fails: tuple[Situation, ...]
    """The situations in which it failed, or nothing conclusive is known of it."""

    @property
    def bound(self) -> float:
        """The share of failures that this allows, from 0 to 1 (95 %, one-sided)."""
        return upper_bound(self.failures, self.of)


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe to write, what for, and what came of it."""

    recipe: Recipe
    kinds: tuple[Kind, ...]
    """The kinds of situations that it is recommended for."""
    verdicts: tuple[Verdict, ...]
    """Of each of these kinds."""
    after_completion: tuple[Situation, ...]
    """The situations of these kinds in which it may work only after completion."""
    stays: tuple[tuple[Situation, int, int], ...]
    """The shutdowns after which the process had not exited within the window: in how many trials
    it had not, and of how many."""

    @property
    def fails(self) -> tuple[Situation, ...]:
        """The situations of these kinds in which it is not good."""
        return tuple(situation for verdict in self.verdicts for situation in verdict.fails)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to write for an app, on the servers for which that is the same."""

    app: str
    servers: tuple[str, ...]
    recommended: tuple[Recommendation, ...]
    """One for disconnects and errors, one for shutdowns too; one alone if it is the same. Where
    nothing is good in all situations, what fails in the fewest."""
    better_servers: tuple[str, ...] = ()
    """Other servers on which this app has a recipe that fails in fewer situations."""
    better_apps: tuple[str, ...] = ()
    """Other apps that have one on all of these servers, those named alike first."""


def cleanup_result(classified: Outcome) -> CleanupResult:
    """What came of the clean-up in one trial of a recipe."""
    trial = classified.trial
    scenario = scenarios.BY_ID[trial.scenario]
    if trial.failure is not None:
        return CleanupResult.UNKNOWN
    if Word.NO_ANSWER in classified.saws.get(Surface.LIVENESS, ()):
        # Where many streams share a server, it need not be this one that keeps it busy.
        return CleanupResult.UNKNOWN if scenario.group else CleanupResult.LOST
    (saw,) = classified.saws[Surface.CLEANUP]
    if saw in FINALIZED:
        return CleanupResult.LATE
    if saw == Word.DID_NOT_RUN:
        return CleanupResult.NEVER
    begun_ns = _first_ns(classified, Surface.CLEANUP, "begin")
    finalised = not FINALIZED.isdisjoint(classified.saws[Surface.SOURCE])
    closed_ns = None if finalised else _first_ns(classified, Surface.SOURCE, "end")
    if begun_ns is not None and begun_ns < (closed_ns or trial.left_ns or 0):
        return CleanupResult.EARLY
    if saw not in (Word.FINISHED, Word.FINISHED_AFTER_APP):
        return CleanupResult.CUT
    if closed_ns is None:
        return CleanupResult.OPEN
    awaited = _RECIPE_OF[trial.scenario].awaited_at_shutdown
    if saw == Word.FINISHED_AFTER_APP and scenario.signal and not awaited:
        return CleanupResult.UNWAITED
    completed = trial.left_ns is not None and classified.saws[Surface.SOURCE] == (Word.FINISHED,)
    return CleanupResult.AT_END if completed else CleanupResult.GOOD


def _first_ns(classified: Outcome, surface: str, event: str) -> int | None:
    times = (e.t_ns for e in classified.trial.events if (e.surface, e.event) == (surface, event))
    return next(times, None)


def scenarios_to_sample(result: StackResult) -> list[str]:
    """Of a stack's result so far: the scenarios of the recipes that are recommended."""
    guide = CleanupGuide(Outcomes([result]))
    return [
        scenario_id(recommended.recipe, situation)
        for stack in guide.ran([result.stack])
        for recommended in guide.recommended(stack, hopeful=True)
        for situation in SITUATIONS
        if situation.kind in recommended.kinds
    ]


class CleanupGuide:
    """How every recipe came out, and what to write because of it."""

    def __init__(self, outcomes: Outcomes) -> None:
        counts: dict[tuple[Stack, str], Counter[CleanupResult]] = {}
        self._kinds: dict[Stack, tuple[Kind, ...]] = {}
        self._stays: Counter[tuple[Stack, str]] = Counter()
        self._surfaces: Mapping[Stack, tuple[str, ...]] = {
            of_stack.stack: of_stack.result.surfaces for of_stack in outcomes.stacks
        }
        for of_stack in outcomes.stacks:
            for trial in of_stack.trials:
                scenario = trial.trial.scenario
                if scenarios.BY_ID[scenario].kind == "recipe":
                    found = counts.setdefault((of_stack.stack, scenario), Counter())
                    found[cleanup_result(trial)] += trial.trial.count
                    if Word.STILL_RUNNING in trial.saws.get(Surface.EXIT, ()):
                        self._stays[of_stack.stack, scenario] += trial.trial.count
        self._tried = {
            key: Tried(tuple(sorted(found.items(), key=lambda item: -_WORST.index(item[0]))))
            for key, found in counts.items()
        }

    def tried(self, stack: Stack, recipe: Recipe, situation: Situation) -> Tried:
        """What came of a recipe in a situation; nothing if it was not tried."""
        return self._tried.get((stack, scenario_id(recipe, situation)), Tried(()))

    def stays(self, stack: Stack, recipe: Recipe, situation: Situation) -> int:
        """After how many trials the process was still running when the window closed."""
        return self._stays[stack, scenario_id(recipe, situation)]

    def ran(self, stacks: Iterable[Stack]) -> list[Stack]:
        """Those of the stacks on which every recipe was tried in every situation of some kind.

        For others there is no advice.
        """
        return [stack for stack in stacks if stack in self._surfaces and self.kinds(stack)]

    def kinds(self, stack: Stack) -> tuple[Kind, ...]:
        """The kinds of situations that were tried on a stack; none if one is incomplete.

        Where a server differs from another at shutdown only, that is all that is run.
        """
        if stack in self._kinds:
            return self._kinds[stack]
        tried = {
            kind: [
                bool(self.tried(stack, recipe, situation).counts)
                for recipe in self.general(stack)
                for situation in SITUATIONS
                if situation.kind == kind and not situation.only_recommended
            ]
            for kind in KINDS
        }
        begun = tuple(kind for kind in KINDS if any(tried[kind]))
        self._kinds[stack] = begun if all(all(tried[kind]) for kind in begun) else ()
        return self._kinds[stack]

    def fewest_trials(self) -> int:
        """How many trials there are at least of what was tried."""
        return min(sum(n for _, n in tried.counts) for tried in self._tried.values())

    def applies(self, stack: Stack, recipe: Recipe) -> bool:
        """Whether the app has what the recipe takes."""
        return recipe.surface is None or recipe.surface in self._surfaces[stack]

    def situations(self, stack: Stack, recipe: Recipe) -> list[Situation]:
        """The situations that a recipe is judged by on a stack."""
        kinds = self.kinds(stack) or KINDS
        return list(recipe.situations) or [
            situation
            for situation in SITUATIONS
            if situation.kind in kinds
            and (not situation.only_recommended or self.tried(stack, recipe, situation).counts)
        ]

    def fails(
        self, stack: Stack, recipe: Recipe, kinds: Iterable[Kind] = KINDS
    ) -> tuple[Situation, ...]:
        """The situations in which a recipe is not good, one that was not tried included."""
        return tuple(
            situation
            for situation in self.situations(stack, recipe)
            if situation.kind in kinds and not self.tried(stack, recipe, situation).good
        )

    def verdict(self, stack: Stack, recipe: Recipe, kind: Kind) -> Verdict:
        """What came of a recipe in all situations of one kind."""
        situations = [s for s in self.situations(stack, recipe) if s.kind == kind]
        tried = [self.tried(stack, recipe, situation) for situation in situations]
        return Verdict(
            kind=kind,
            failures=sum(found.failures for found in tried),
            of=sum(found.of for found in tried),
            fails=self.fails(stack, recipe, (kind,)),
        )

    def worst(self, stack: Stack, recipe: Recipe) -> tuple[Situation, Tried]:
        """The situation that a recipe comes out of worst, and how."""
        found = [(s, self.tried(stack, recipe, s)) for s in self.situations(stack, recipe)]
        return max(found, key=lambda found: _WORST.index(found[1].worst))

    def recommended(self, stack: Stack, *, hopeful: bool = False) -> tuple[Recommendation, ...]:
        """What to write on a stack: for disconnects and errors, and for shutdowns too.

        The simplest of those that fail in the fewest situations; what fails when a client leaves
        is not made good by what holds at a shutdown. A situation that is for recommended recipes
        counts as failed where it was not tried, or as good if this is `hopeful`.
        """
        kinds = self.kinds(stack)
        before = tuple(kind for kind in kinds if kind != "shutdown")
        recipes_here = self.general(stack)
        without = min(recipes_here, key=lambda recipe: len(self.fails(stack, recipe, before)))
        with_shutdowns = min(
            recipes_here,
            key=lambda recipe: (
                len(self.fails(stack, recipe, before)),
                self._shutdowns_failed(stack, recipe, hopeful=hopeful),
            ),
        )
        found = [self._recommendation(stack, with_shutdowns, kinds)] if "shutdown" in kinds else []
        if before and (not found or without != with_shutdowns):
            found.insert(0, self._recommendation(stack, without, before))
        return tuple(found)

    def _shutdowns_failed(
        self, stack: Stack, recipe: Recipe, *, hopeful: bool
    ) -> tuple[int, int, int]:
        """In how many shutdowns that all recipes are tried in, and in how many others, it fails.

        The last number tells those that were not tried in all from others, which come first.
        """
        failed = self.fails(stack, recipe, ("shutdown",))
        untried = sum(
            not self.tried(stack, recipe, s).counts for s in SITUATIONS if s.only_recommended
        )
        others = sum(s.only_recommended for s in failed)
        return len(failed) - others, others if hopeful else others + untried, untried

    def _recommendation(
        self, stack: Stack, recipe: Recipe, kinds: tuple[Kind, ...]
    ) -> Recommendation:
        return Recommendation(
            recipe=recipe,
            kinds=kinds,
            verdicts=tuple(self.verdict(stack, recipe, kind) for kind in kinds),
            after_completion=tuple(
                s
                for s in self.situations(stack, recipe)
                if s.kind in kinds and self.tried(stack, recipe, s).worst == CleanupResult.AT_END
            ),
            stays=tuple(
                (s, stays, self.tried(stack, recipe, s).of)
                for s in self.situations(stack, recipe)
                if s.kind in kinds and (stays := self.stays(stack, recipe, s))
            ),
        )

    def advice(self, app: str, stacks: Sequence[Stack]) -> list[Advice]:
        """What to write for an app, once for all servers for which it is the same.

        `stacks` are all that it may be compared with. Servers on which the same recipes differ by
        no more than one trial in each situation are not told apart.
        """
        rows: list[tuple[Stack, Advice, list[str]]] = []
        for stack in (stack for stack in stacks if stack.app == app):
            for example, _, servers in rows:
                if self._alike(example, stack):
                    servers.append(stack.server)
                    break
            else:
                rows.append((stack, self._advice(stack, stacks), [stack.server]))
        return [
            msgspec.structs.replace(
                advice,
                servers=tuple(servers),
                better_servers=tuple(s for s in advice.better_servers if s not in servers),
            )
            for _, advice, servers in rows
        ]

    def _alike(self, one: Stack, other: Stack) -> bool:
        """Whether what is recommended is the same and came out the same, but for a trial."""
        recommended = [found.recipe for found in self.recommended(one)]
        if recommended != [found.recipe for found in self.recommended(other)]:
            return False
        return all(
            differ_by_one(self.tried(one, recipe, s), self.tried(other, recipe, s))
            for recipe in recommended
            for s in SITUATIONS
        )

    def _advice(self, stack: Stack, stacks: Sequence[Stack]) -> Advice:
        fewest = self._fewest(stack)
        others = [
            other
            for other in stacks
            if self.kinds(other) == self.kinds(stack) and self._fewest(other) < fewest
        ]
        apps = [other.app for other in others if other.server == stack.server]
        return Advice(
            app=stack.app,
            servers=(),
            recommended=self.recommended(stack),
            better_servers=tuple(other.server for other in others if other.app == stack.app),
            better_apps=tuple(sorted(apps, key=lambda app: (-_alike(app, stack.app), app))),
        )

    def general(self, stack: Stack) -> list[Recipe]:
        """The recipes for all situations that an app has what it takes for."""
        return [r for r in RECIPES if not r.situations and self.applies(stack, r)]

    def _fewest(self, stack: Stack) -> int:
        """In how many situations the best recipe of a stack fails."""
        return len(self.recommended(stack)[-1].fails)

    def in_flood(self, stack: Stack) -> Tried:
        """What came of the recipe for streams that never suspend."""
        return self.tried(stack, cleanup.BY_ID["checkpoint"], FLOOD)


def differ_by_one(one: Tried, other: Tried) -> bool:
    """Whether two that were tried equally often differ by one trial at the most.

    Where one was tried more often, they differ if only one of them failed.
    """
    if sum(n for _, n in one.counts) != sum(n for _, n in other.counts):
        return one.worst == other.worst and one.good == other.good
    return (Counter(dict(one.counts)) - Counter(dict(other.counts))).total() <= 1


def _alike(app: str, other: str) -> int:
    """How much of their names two apps have in common: twins are named alike."""
    pairs = zip(app.split("-"), other.split("-"), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
