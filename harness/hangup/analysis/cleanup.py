"""Which clean-up to write, computed from the trials of recipes. Pure: outcomes in, advice out.

A recipe works on a stack if, in every trial of every situation it was tried in, its clean-up
ran to its end and it was not begun only because the stream was finalised.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

import msgspec

from hangup.analysis.outcomes import Outcomes
from hangup.model import cleanup, scenarios
from hangup.model.cleanup import FLOOD, RECIPES, SITUATIONS, Recipe, Situation, scenario_id
from hangup.model.outcomes import Outcome
from hangup.model.trace import Stack
from hangup.model.vocabulary import FINALIZED, ExplainedWord, Surface, Word


class CleanupResult(ExplainedWord):
    """What came of a clean-up in a trial, from the best to the worst."""

    GOOD = "good", "the clean-up ran to its end"
    AT_END = "after completion", "it did, but only when the stream had run to completion"
    UNKNOWN = "inconclusive", "the trial is inconclusive"
    UNWAITED = (
        "not waited for",
        "it ran to its end after SIGTERM, but the app had returned: nothing kept the process",
    )
    LATE = (
        "late",
        "it was begun only when the stream was finalised: its last reference had gone, or a "
        "garbage collection had found it",
    )
    EARLY = "too early", "it was begun before the stream was over"
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
    def good(self) -> bool:
        """Whether clean-up was done in every trial."""
        return bool(self.counts) and all(result in WORKS for result, _ in self.counts)

    @property
    def worst(self) -> CleanupResult:
        """The worst there was; `inconclusive` if nothing was tried."""
        return self.counts[0][0] if self.counts else CleanupResult.UNKNOWN


class Nearest(msgspec.Struct, frozen=True):
    """A recipe that does not work everywhere, and where it fails."""

    recipe: Recipe
    fails: tuple[Situation, ...]


class Advice(msgspec.Struct, frozen=True, kw_only=True):
    """What to write for an app, on the servers for which that is the same."""

    app: str
    servers: tuple[str, ...]
    working: tuple[Recipe, ...]
    """The recipes that work there, the simplest first."""
    nearest: tuple[Nearest, ...] = ()
    """Where none works, those that fail in the fewest situations."""
    without_recipe: tuple[Situation, ...] = ()
    """The situations in which no recipe at all is good there."""
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
    over_ns = trial.left_ns
    if over_ns is None:
        over_ns = _first_ns(classified, Surface.SOURCE, "end")
    if begun_ns is not None and over_ns is not None and begun_ns < over_ns:
        return CleanupResult.EARLY
    if saw not in (Word.FINISHED, Word.FINISHED_AFTER_APP):
        return CleanupResult.CUT
    if saw == Word.FINISHED_AFTER_APP and scenario.signal:
        return CleanupResult.UNWAITED
    completed = trial.left_ns is not None and classified.saws[Surface.SOURCE] == (Word.FINISHED,)
    return CleanupResult.AT_END if completed else CleanupResult.GOOD


def _first_ns(classified: Outcome, surface: str, event: str) -> int | None:
    times = (e.t_ns for e in classified.trial.events if (e.surface, e.event) == (surface, event))
    return next(times, None)


class CleanupGuide:
    """How every recipe came out, and what to write because of it."""

    def __init__(self, outcomes: Outcomes) -> None:
        counts: dict[tuple[Stack, str], Counter[CleanupResult]] = {}
        self._surfaces: Mapping[Stack, tuple[str, ...]] = {
            of_stack.stack: of_stack.result.surfaces for of_stack in outcomes.stacks
        }
        for of_stack in outcomes.stacks:
            for trial in of_stack.trials:
                scenario = trial.trial.scenario
                if scenarios.BY_ID[scenario].kind == "recipe":
                    found = counts.setdefault((of_stack.stack, scenario), Counter())
                    found[cleanup_result(trial)] += trial.trial.count
        self._tried = {
            key: Tried(tuple(sorted(found.items(), key=lambda item: -_WORST.index(item[0]))))
            for key, found in counts.items()
        }

    def tried(self, stack: Stack, recipe: Recipe, situation: Situation) -> Tried:
        """What came of a recipe in a situation; nothing if it was not tried."""
        return self._tried.get((stack, scenario_id(recipe, situation)), Tried(()))

    def ran(self, stacks: Iterable[Stack]) -> list[Stack]:
        """Those of the stacks on which every recipe was tried in every situation.

        For others there is no advice.
        """
        return [
            stack for stack in stacks if stack in self._surfaces and self._tried_everywhere(stack)
        ]

    def _tried_everywhere(self, stack: Stack) -> bool:
        return all(
            self.tried(stack, recipe, situation).counts
            for recipe in self.general(stack)
            for situation in SITUATIONS
        )

    def fewest_trials(self) -> int:
        """How many trials there are at least of what was tried."""
        return min(sum(n for _, n in tried.counts) for tried in self._tried.values())

    def applies(self, stack: Stack, recipe: Recipe) -> bool:
        """Whether the app has what the recipe takes."""
        return recipe.surface is None or recipe.surface in self._surfaces[stack]

    def fails(self, stack: Stack, recipe: Recipe) -> tuple[Situation, ...]:
        """The situations in which a recipe is not good, one that was not tried included."""
        situations = recipe.situations or SITUATIONS
        return tuple(s for s in situations if not self.tried(stack, recipe, s).good)

    def worst(self, stack: Stack, recipe: Recipe) -> tuple[Situation, Tried]:
        """The situation that a recipe comes out of worst, and how."""
        found = [(s, self.tried(stack, recipe, s)) for s in recipe.situations or SITUATIONS]
        return max(found, key=lambda found: _WORST.index(found[1].worst))

    def advice(self, app: str, stacks: Sequence[Stack]) -> list[Advice]:
        """What to write for an app, once for all servers for which it is the same.

        `stacks` are all that it may be compared with.
        """
        of_app = [stack for stack in stacks if stack.app == app]
        distinct: list[tuple[Advice, list[Tried]]] = []
        servers: list[list[str]] = []
        for stack in of_app:
            advice = self._advice(stack, stacks)
            named = (*advice.working, *(near.recipe for near in advice.nearest))
            outcomes = [self.tried(stack, r, s) for r in named for s in SITUATIONS]
            if (advice, outcomes) not in distinct:
                distinct.append((advice, outcomes))
                servers.append([])
            servers[distinct.index((advice, outcomes))].append(stack.server)
        return [
            msgspec.structs.replace(advice, servers=tuple(on))
            for (advice, _), on in zip(distinct, servers, strict=True)
        ]

    def _advice(self, stack: Stack, stacks: Sequence[Stack]) -> Advice:
        recipes_here = self.general(stack)
        working = tuple(recipe for recipe in recipes_here if not self.fails(stack, recipe))
        if working:
            return Advice(app=stack.app, servers=(), working=working)
        fewest = self._fewest(stack)
        others = [other for other in stacks if self._fewest(other) < fewest]
        apps = [other.app for other in others if other.server == stack.server]
        return Advice(
            app=stack.app,
            servers=(),
            working=(),
            nearest=tuple(
                Nearest(recipe, self.fails(stack, recipe))
                for recipe in sorted(recipes_here, key=lambda r: self._rank(stack, r))
                if len(self.fails(stack, recipe)) == fewest
            ),
            without_recipe=tuple(s for s in SITUATIONS if self._none_works(stack, s)),
            better_servers=tuple(other.server for other in others if other.app == stack.app),
            better_apps=tuple(sorted(apps, key=lambda app: (-_alike(app, stack.app), app))),
        )

    def general(self, stack: Stack) -> list[Recipe]:
        """The recipes for all five situations that an app has what it takes for."""
        return [r for r in RECIPES if not r.situations and self.applies(stack, r)]

    def _fewest(self, stack: Stack) -> int:
        """In how many situations the best recipe of a stack fails."""
        return min(len(self.fails(stack, recipe)) for recipe in self.general(stack))

    def _none_works(self, stack: Stack, situation: Situation) -> bool:
        """Whether no recipe is good in a situation; False if nothing conclusive is known."""
        all_tried = [self.tried(stack, recipe, situation) for recipe in self.general(stack)]
        conclusive = [tried for tried in all_tried if tried.worst != CleanupResult.UNKNOWN]
        return bool(conclusive) and not any(tried.good for tried in conclusive)

    def _rank(self, stack: Stack, recipe: Recipe) -> int:
        """How bad the worst is that came of a recipe on a stack."""
        return _WORST.index(self.worst(stack, recipe)[1].worst)

    def in_flood(self, stack: Stack) -> Tried:
        """What came of the recipe for streams that never suspend."""
        return self.tried(stack, cleanup.BY_ID["checkpoint"], FLOOD)


def _alike(app: str, other: str) -> int:
    """How much of their names two apps have in common: twins are named alike."""
    pairs = zip(app.split("-"), other.split("-"), strict=False)
    return len(list(takewhile(lambda pair: pair[0] == pair[1], pairs)))
