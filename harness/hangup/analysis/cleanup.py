"""Which clean-up to write, computed from the trials of recipes. Pure: outcomes in, advice out.

A trial of a recipe is good if its clean-up ran to its end after the source had been closed, and
nothing of that was left to the interpreter's reclaiming of objects. Disconnects, errors and
shutdowns have verdicts of their own: how many of the trials failed, and how large a share of
failures that allows.
"""

from __future__ import annotations

from collections import Counter, defaultdict
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
    SITUATIONS,
    TRIED_BY,
    Kind,
    Recipe,
    Situation,
    scenario_id,
)
from hangup.model.outcomes import Outcome
from hangup.model.trace import Stack, StackResult
from hangup.model.vocabulary import FINALIZED, IN_FINALLY, ExplainedWord, Surface, Word

KINDS: tuple[Kind, ...] = get_args(Kind)


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
    OPEN = (
        "source left open",
        "it ran, but the source was not closed within the window, or its closing was cut",
    )
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
    by_itself: tuple[tuple[CleanupResult, int], ...] = ()
    """Those of them in which no other recipe ran at the same time."""
    chosen_from: int = 1
    """Of how many recipes that were run by themselves it is one."""

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

    @property
    def after_completion(self) -> bool:
        """Whether clean-up was done only after completion in any trial."""
        return any(result == CleanupResult.AT_END for result, _ in self.counts)

    @property
    def share(self) -> float:
        """The share of the conclusive trials that failed, from 0 to 1; 0 if there were none."""
        return self.failures / self.of if self.of else 0.0

    @property
    def bound(self) -> float:
        """The share of failures that this allows, from 0 to 1 (95 %, one-sided).

        Trials in a group share the moment at which their clients leave: where there are others,
        those have to allow it too.
        """
        samples = [self, Tried(self.by_itself)] if self.by_itself else [self]
        return max(upper_bound(s.failures, s.of, self.chosen_from) for s in samples)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a recipe in all situations of one kind."""

    kind: Kind
    tried: Tried
    """The trials in all of these situations."""
    bound: float
    """The share of failures that they allow: of all disconnects together, of each error and
    shutdown."""
    fails: tuple[Situation, ...]
    """The situations in which it failed."""
    unknown: tuple[Situation, ...]
    """The situations in which it was not tried, or no trial was conclusive."""

    @property
    def never_good(self) -> bool:
        """Whether there were conclusive trials and clean-up was done in none."""
        return 0 < self.tried.of == self.tried.failures


class Recommendation(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe to write, what for, and what came of it."""

    recipe: Recipe
    kinds: tuple[Kind, ...]
    """The kinds of situations that it is recommended for."""
    verdicts: tuple[Verdict, ...]
    """Of each of these kinds."""
    by_itself: bool
    """Whether there are trials in which it was run by itself in all situations of these kinds."""
    after_completion: tuple[Situation, ...]
    """The situations of these kinds in which it may work only after completion."""
    stays: tuple[tuple[Situation, int, int], ...]
    """The shutdowns after which the process had not exited within the window: in how many trials
    it had not, and of how many."""

    @property
    def fails(self) -> tuple[Situation, ...]:
        """The situations of these kinds in which it failed."""
        return tuple(situation for verdict in self.verdicts for situation in verdict.fails)

    @property
    def unknown(self) -> tuple[Situation, ...]:
        """The situations of these kinds in which nothing conclusive is known of it."""
        return tuple(situation for verdict in self.verdicts for situation in verdict.unknown)


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to write for an app, on the servers for which that is the same."""

    app: str
    stacks: tuple[Stack, ...]
    recommended: tuple[Recommendation, ...]
    """One for disconnects and errors, one for shutdowns too; one alone if it is the same. Where
    nothing is good in all situations, what fails in the fewest. Each figure is the worst that any
    of the servers has."""
    better_servers: tuple[str, ...] = ()
    """Other servers on which this app has a recipe that fails in fewer situations."""
    better_apps: tuple[str, ...] = ()
    """Other apps that have one on all of these servers, those named alike first."""

    @property
    def servers(self) -> tuple[str, ...]:
        """The servers it is for."""
        return tuple(stack.server for stack in self.stacks)


def cleanup_result(classified: Outcome) -> CleanupResult:
    """What came of the clean-up in one trial of a recipe."""
    trial = classified.trial
    scenario = scenarios.BY_ID[trial.scenario]
    if trial.failure is not None:
        return CleanupResult.UNKNOWN
    if Word.NO_ANSWER in classified.saws.get(Surface.LIVENESS, ()):
        # Where many streams share a server, it need not be this one that keeps it busy.
        by_itself = trial.alone or not scenario.group
        return CleanupResult.LOST if by_itself else CleanupResult.UNKNOWN
    (saw,) = classified.saws[Surface.CLEANUP]
    if saw in FINALIZED:
        return CleanupResult.LATE
    if saw == Word.DID_NOT_RUN:
        return CleanupResult.NEVER
    begun_ns = _first_ns(classified, Surface.CLEANUP, "begin")
    finalised = not FINALIZED.isdisjoint(classified.saws[Surface.SOURCE])
    cut = any(e.surface == Surface.SOURCE and e.at == IN_FINALLY for e in trial.events)
    closed_ns = None if finalised or cut else _first_ns(classified, Surface.SOURCE, "end")
    if begun_ns is not None and begun_ns < (closed_ns or trial.left_ns or 0):
        return CleanupResult.EARLY
    if saw not in (Word.FINISHED, Word.FINISHED_AFTER_APP):
        return CleanupResult.CUT
    if closed_ns is None:
        return CleanupResult.OPEN
    awaited = TRIED_BY[trial.scenario][0].awaited_at_shutdown
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


def recipes_in(result: StackResult) -> list[str]:
    """Of a stack's result: the scenarios in which recipes were tried in a group."""
    ran = dict.fromkeys(trial.scenario for trial in result.trials)
    return [
        name
        for name in ran
        if scenarios.BY_ID[name].kind == "recipe" and scenarios.BY_ID[name].group
    ]


class CleanupGuide:
    """How every recipe came out, and what to write because of it."""

    def __init__(self, outcomes: Outcomes) -> None:
        counts: dict[tuple[Stack, str], Counter[CleanupResult]] = {}
        by_itself: dict[tuple[Stack, str], Counter[CleanupResult]] = {}
        chosen_from: dict[Stack, set[str]] = defaultdict(set)
        self._kinds: dict[Stack, tuple[Kind, ...]] = {}
        self._recommended: dict[Stack, tuple[Recommendation, ...]] = {}
        self._stays: Counter[tuple[Stack, str]] = Counter()
        self._surfaces: Mapping[Stack, tuple[str, ...]] = {
            of_stack.stack: of_stack.result.surfaces for of_stack in outcomes.stacks
        }
        for of_stack in outcomes.stacks:
            for scenario in of_stack.scenarios:
                if scenarios.BY_ID[scenario].kind != "recipe":
                    continue
                key = of_stack.stack, scenario
                trials = of_stack.of(scenario)
                found = counts[key] = Counter()
                own = by_itself[key] = Counter()
                for trial in trials:
                    result = cleanup_result(trial)
                    found[result] += trial.trial.count
                    if trial.trial.alone and not trial.trial.failure:
                        own[result] += trial.trial.count
                    if Word.STILL_RUNNING in trial.saws.get(Surface.EXIT, ()):
                        self._stays[key] += trial.trial.count
                recipe = TRIED_BY[scenario][0]
                if own and not recipe.situations:
                    chosen_from[of_stack.stack].add(recipe.id)
        self._tried = {
            key: _tried(found, by_itself[key], len(chosen_from[key[0]]) or 1)
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
        """How many conclusive trials there are at least, where there are any."""
        return min((tried.of for tried in self._tried.values() if tried.of), default=0)

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
        """The situations in which a recipe failed."""
        return tuple(s for s, tried in self._found(stack, recipe, kinds) if tried.failures)

    def unknown(
        self, stack: Stack, recipe: Recipe, kinds: Iterable[Kind] = KINDS
    ) -> tuple[Situation, ...]:
        """The situations in which a recipe was not tried, or no trial was conclusive."""
        return tuple(s for s, tried in self._found(stack, recipe, kinds) if not tried.of)

    def not_good(
        self, stack: Stack, recipe: Recipe, kinds: Iterable[Kind] = KINDS
    ) -> tuple[Situation, ...]:
        """The situations in which a recipe failed, or nothing conclusive is known of it."""
        return tuple(s for s, tried in self._found(stack, recipe, kinds) if not tried.good)

    def _found(
        self, stack: Stack, recipe: Recipe, kinds: Iterable[Kind] = KINDS
    ) -> list[tuple[Situation, Tried]]:
        return [
            (situation, self.tried(stack, recipe, situation))
            for situation in self.situations(stack, recipe)
            if situation.kind in kinds
        ]

    def pooled(self, stack: Stack, recipe: Recipe, kinds: Iterable[Kind]) -> Tried:
        """What came of a recipe in all situations of some kinds."""
        return combined(tried for _, tried in self._found(stack, recipe, kinds))

    def worst(self, stack: Stack, recipe: Recipe) -> tuple[Situation, Tried]:
        """The situation that a recipe comes out of worst, and how."""

        def badness(found: tuple[Situation, Tried]) -> tuple[int, bool]:
            # Where one trial is inconclusive, others may be good.
            return _WORST.index(found[1].worst), not found[1].of

        return max(self._found(stack, recipe), key=badness)

    def recommended(self, stack: Stack, *, hopeful: bool = False) -> tuple[Recommendation, ...]:
        """What to write on a stack: for disconnects and errors, and for shutdowns too.

        Of those that fail in the fewest situations the one with the smallest share of failures
        (the mean over situations), and of these the simplest; what fails when a client leaves is
        not made good by what holds at a shutdown. A situation in which nothing conclusive is known
        counts as failed; one that is for recommended recipes and was not tried as good if this is
        `hopeful`.
        """
        if hopeful:
            return self._recommend(stack, hopeful=True)
        if stack not in self._recommended:
            self._recommended[stack] = self._recommend(stack, hopeful=False)
        return self._recommended[stack]

    def _recommend(self, stack: Stack, *, hopeful: bool) -> tuple[Recommendation, ...]:
        kinds = self.kinds(stack)
        before = tuple(kind for kind in kinds if kind != "shutdown")

        def failed_before(recipe: Recipe) -> tuple[int, float]:
            failed = self.not_good(stack, recipe, before)
            return len(failed), self._mean_share(stack, recipe, before)

        def failed(recipe: Recipe) -> tuple[object, ...]:
            situations, share = failed_before(recipe)
            shutdowns = self._shutdowns_failed(stack, recipe, hopeful=hopeful)
            return situations, shutdowns, share, self._mean_share(stack, recipe, ("shutdown",))

        recipes_here = self.general(stack)
        without = min(recipes_here, key=failed_before)
        with_shutdowns = min(recipes_here, key=failed)
        found = (
            [self._recommendation([stack], with_shutdowns, kinds)] if "shutdown" in kinds else []
        )
        if before and (not found or without != with_shutdowns):
            found.insert(0, self._recommendation([stack], without, before))
        return tuple(found)

    def _mean_share(self, stack: Stack, recipe: Recipe, kinds: Iterable[Kind]) -> float:
        """The share of failures, the mean over situations: in some there are more trials."""
        shares = [tried.share for _, tried in self._found(stack, recipe, kinds) if tried.of]
        return sum(shares) / len(shares) if shares else 0.0

    def _shutdowns_failed(
        self, stack: Stack, recipe: Recipe, *, hopeful: bool
    ) -> tuple[int, int, int]:
        """In how many shutdowns that all recipes are tried in, and in how many others, it fails.

        The last number tells those that were not tried in all from others, which come first.
        """
        failed = self.not_good(stack, recipe, ("shutdown",))
        untried = sum(
            not self.tried(stack, recipe, s).counts for s in SITUATIONS if s.only_recommended
        )
        others = sum(s.only_recommended for s in failed)
        return len(failed) - others, others if hopeful else others + untried, untried

    def _recommendation(
        self, stacks: Sequence[Stack], recipe: Recipe, kinds: tuple[Kind, ...]
    ) -> Recommendation:
        """What is said of a recipe for stacks; each figure is the worst that any of them has."""
        situations = [s for s in SITUATIONS if s.kind in kinds]

        def tried(situation: Situation) -> list[Tried]:
            return [self.tried(stack, recipe, situation) for stack in stacks]

        return Recommendation(
            recipe=recipe,
            kinds=kinds,
            verdicts=tuple(self._verdict(stacks, recipe, kind) for kind in kinds),
            by_itself=all(
                bool(self.tried(stack, recipe, situation).by_itself)
                for situation in situations
                for stack in stacks
            ),
            after_completion=tuple(
                s for s in situations if any(found.after_completion for found in tried(s))
            ),
            stays=tuple(
                (
                    s,
                    *max(
                        (self.stays(on, recipe, s), self.tried(on, recipe, s).of) for on in stacks
                    ),
                )
                for s in situations
                if any(self.stays(stack, recipe, s) for stack in stacks)
            ),
        )

    def verdict(self, stack: Stack, recipe: Recipe, kind: Kind) -> Verdict:
        """What came of a recipe in all situations of one kind."""
        return self._verdict([stack], recipe, kind)

    def _verdict(self, stacks: Sequence[Stack], recipe: Recipe, kind: Kind) -> Verdict:
        pooled = {stack: self.pooled(stack, recipe, (kind,)) for stack in stacks}
        fails = {s for stack in stacks for s in self.fails(stack, recipe, (kind,))}
        unknown = {s for stack in stacks for s in self.unknown(stack, recipe, (kind,))}
        if kind == "disconnect":
            bounds = [tried.bound for tried in pooled.values()]
        else:  # they are not one question: each allows what its own trials do
            bounds = [t.bound for stack in stacks for _, t in self._found(stack, recipe, (kind,))]
        return Verdict(
            kind=kind,
            tried=max(pooled.values(), key=failure_rank),
            bound=max(bounds, default=1.0),
            fails=tuple(s for s in SITUATIONS if s in fails),
            unknown=tuple(s for s in SITUATIONS if s in unknown),
        )

    def advice(self, app: str, stacks: Sequence[Stack]) -> list[Advice]:
        """What to write for an app, once for all servers for which it is the same.

        `stacks` are all that it may be compared with. Servers on which the same recipes differ by
        no more than one trial, in each situation and in all of a kind, are not told apart.
        """
        rows: list[list[Stack]] = []
        for stack in (stack for stack in stacks if stack.app == app):
            row = next((row for row in rows if all(self._alike(s, stack) for s in row)), None)
            if row is None:
                rows.append([stack])
            else:
                row.append(stack)
        return [self._advice(row, stacks) for row in rows]

    def _alike(self, one: Stack, other: Stack) -> bool:
        """Whether what is recommended is the same and came out the same, but for a trial."""
        recommended = [(found.recipe, found.kinds) for found in self.recommended(one)]
        if recommended != [(found.recipe, found.kinds) for found in self.recommended(other)]:
            return False
        return all(
            differ_by_one(self.tried(one, recipe, s), self.tried(other, recipe, s))
            and abs(self.stays(one, recipe, s) - self.stays(other, recipe, s)) <= 1
            for recipe, _ in recommended
            for s in SITUATIONS
        ) and all(
            differ_by_one(self.pooled(one, recipe, (kind,)), self.pooled(other, recipe, (kind,)))
            for recipe, kinds in recommended
            for kind in kinds
        )

    def _advice(self, row: Sequence[Stack], stacks: Sequence[Stack]) -> Advice:
        """For stacks that are alike: what is better than each of them."""
        better = [{other for other in stacks if self._better(other, stack)} for stack in row]
        apps = [
            {other.app for other in found if other.server == stack.server}
            for stack, found in zip(row, better, strict=True)
        ]
        app = row[0].app
        on_all = set.intersection(*better)
        return Advice(
            app=app,
            stacks=tuple(row),
            recommended=tuple(
                self._recommendation(row, found.recipe, found.kinds)
                for found in self.recommended(row[0])
            ),
            better_servers=tuple(s.server for s in stacks if s.app == app and s in on_all),
            better_apps=tuple(
                sorted(set.intersection(*apps), key=lambda other: (-_alike(other, app), other))
            ),
        )

    def _better(self, other: Stack, stack: Stack) -> bool:
        """Whether a recipe fails in fewer situations on another stack, for certain."""
        if self.kinds(other) != self.kinds(stack):
            return False
        best, here = self.recommended(other)[-1], self.recommended(stack)[-1]
        return len(best.fails) + len(best.unknown) < len(here.fails)

    def general(self, stack: Stack) -> list[Recipe]:
        """The recipes for all situations that an app has what it takes for."""
        return [r for r in RECIPES if not r.situations and self.applies(stack, r)]

    def in_flood(self, stack: Stack) -> Tried:
        """What came of the recipe for streams that never suspend."""
        return self.tried(stack, cleanup.BY_ID["checkpoint"], FLOOD)


class Exits(msgspec.Struct, frozen=True, kw_only=True):
    """Whether the server's process exited in the trials of a recipe at a shutdown."""

    still_running: int
    """In how many trials it was still running when the window closed."""
    of: int
    """In how many it is known: not in those that shared their server with other recipes."""


def exits(outcomes: Outcomes, stack: Stack, recipe: Recipe, situation: Situation) -> Exits:
    """What became of the process in the trials of a recipe in a situation on a stack."""
    still_running = of = 0
    for trial in outcomes.of(stack).of(scenario_id(recipe, situation)):
        saws = trial.saws.get(Surface.EXIT, ())
        if saws and trial.trial.failure is None:
            of += trial.trial.count
            still_running += trial.trial.count * (Word.STILL_RUNNING in saws)
    return Exits(still_running=still_running, of=of)


def longest_clean_up_ns(outcomes: Outcomes, stack: Stack, recipe: Recipe) -> int | None:
    """How long the longest clean-up took that a recipe finished on a stack; None if it did none.

    Of trials that came out alike, only those are asked whose events were kept.
    """
    took = [
        end_ns - begin_ns
        for scenario, (tried, _) in TRIED_BY.items()
        if tried == recipe
        for trial in outcomes.of(stack).of(scenario)
        if cleanup_result(trial) in WORKS
        and (begin_ns := _first_ns(trial, Surface.CLEANUP, "begin")) is not None
        and (end_ns := _first_ns(trial, Surface.CLEANUP, "end")) is not None
    ]
    return max(took, default=None)


def differ_by_one(one: Tried, other: Tried) -> bool:
    """Whether two differ by one trial at the most.

    Where one was tried more often, their shares of each result differ by no more than one trial
    of the other is, and they differ if only one of them failed.
    """
    results, others = Counter(dict(one.counts)), Counter(dict(other.counts))
    of, of_other = results.total(), others.total()
    if of == of_other:
        return (results - others).total() <= 1
    return (one.worst, one.good) == (other.worst, other.good) and all(
        abs(results[result] * of_other - others[result] * of) <= max(of, of_other)
        for result in results | others
    )


def failure_rank(tried: Tried) -> tuple[float, float]:
    """What orders trials by how large a share of them failed, then by what that allows."""
    return tried.share, tried.bound


def combined(found: Iterable[Tried]) -> Tried:
    """What came of several that are told of as one."""
    counts: Counter[CleanupResult] = Counter()
    by_itself: Counter[CleanupResult] = Counter()
    chosen_from = 1
    for tried in found:
        counts.update(dict(tried.counts))
        by_itself.update(dict(tried.by_itself))
        chosen_from = max(chosen_from, tried.chosen_from)
    return _tried(counts, by_itself, chosen_from)


def _tried(
    found: Counter[CleanupResult], by_itself: Counter[CleanupResult], chosen_from: int
) -> Tried:
    return Tried(_worst_first(found), _worst_first(by_itself), chosen_from)


def _worst_first(found: Counter[CleanupResult]) -> tuple[tuple[CleanupResult, int], ...]:
    return tuple(sorted(found.items(), key=lambda item: -_WORST.index(item[0])))


def _alike(app: str, other: str) -> int:
    """How much of their names two apps have in common: twins are named alike."""
    pairs = zip(app.split("-"), other.split("-"), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
