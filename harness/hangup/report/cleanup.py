"""The guide to clean-up, as the templates need it: rows, and the code of recipes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import msgspec

from hangup.analysis.cleanup import (
    KINDS,
    Advice,
    CleanupGuide,
    CleanupResult,
    Recommendation,
    Tried,
    failure_rank,
)
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.proportions import upper_bound
from hangup.model import cleanup
from hangup.model.cleanup import (
    FLOOD,
    RECIPES,
    SITUATIONS,
    Kind,
    Recipe,
    Situation,
    scenario_id,
)
from hangup.model.code_excerpts import CodeExcerpt
from hangup.model.outcomes import Cell, ObservationCount, distribution
from hangup.model.trace import Stack
from hangup.model.vocabulary import Surface


class Excerpts(Protocol):
    """Where code is quoted from (`hangup.environment.code_excerpts`)."""

    def recipe(self, function: str) -> CodeExcerpt | None:
        """The code of a recipe."""

    def call_in_app(self, app: str, function: str) -> CodeExcerpt | None:
        """The function of an app that calls `service.FUNCTION`."""


class RecipeIn(msgspec.Struct, frozen=True):
    """What came of a recipe in a situation on a stack."""

    stack: Stack
    recipe: Recipe
    situation: Situation
    tried: Tried

    @property
    def scenario(self) -> str:
        """The scenario that tries it."""
        return scenario_id(self.recipe, self.situation)


class Written(msgspec.Struct, frozen=True):
    """A recipe to write, with the trials that show where it fails."""

    recommendation: Recommendation
    fails: tuple[RecipeIn, ...]
    unknown: tuple[RecipeIn, ...]
    """Where it was not tried, or no trial was conclusive."""
    after_completion: tuple[RecipeIn, ...]
    tried: tuple[RecipeIn, ...]
    """All that it is recommended for, on the first of these stacks."""
    stays: tuple[tuple[RecipeIn, int, int], ...]
    """Where the process had not exited within the window, in how many trials and of how many."""

    @property
    def recipe(self) -> Recipe:
        """What to write."""
        return self.recommendation.recipe

    def first_of(self, kind: Kind) -> RecipeIn:
        """What came of it in the first situation of a kind."""
        return next(found for found in self.tried if found.situation.kind == kind)


class AdviceRow(msgspec.Struct, frozen=True):
    """What to write for an app on some servers."""

    app: str
    advice: Advice
    written: tuple[Written, ...]

    @property
    def shutdowns_only(self) -> bool:
        """Whether nothing but shutdowns was tried on these servers."""
        return all(written.recommendation.kinds == ("shutdown",) for written in self.written)


class FloodRow(msgspec.Struct, frozen=True):
    """What came of a flood without and with a checkpoint in it, on some stacks."""

    without: tuple[ObservationCount, ...]
    with_it: tuple[ObservationCount, ...]
    example: RecipeIn
    stacks: tuple[Stack, ...]
    ran: tuple[Stack, ...]
    """All stacks on which it was tried."""


class CleanupView:
    """What the template asks for; false if no stack can be advised."""

    situations = SITUATIONS
    kinds = KINDS
    results = tuple(CleanupResult)
    recipes = RECIPES

    def __init__(
        self, guide: CleanupGuide, stacks: Sequence[Stack], outcomes: Outcomes, excerpts: Excerpts
    ) -> None:
        self.guide = guide
        self.stacks = guide.ran(stacks)
        self._outcomes = outcomes
        self._excerpts = excerpts

    def __bool__(self) -> bool:
        return bool(self.stacks)

    @property
    def fewest_trials(self) -> int:
        """How many trials there are of each recipe in each situation, at the least."""
        return self.guide.fewest_trials()

    @property
    def largest_bound(self) -> float:
        """The share of failures that no failure in so many trials allows."""
        return upper_bound(0, self.fewest_trials)

    def ran(self, stacks: Sequence[Stack]) -> Sequence[Stack]:
        """Those of the stacks on which recipes were tried."""
        return self.guide.ran(stacks)

    def advice(self, stacks: Sequence[Stack]) -> list[AdviceRow]:
        """A row for an app and the servers of which the same is to be said."""
        ran = self.ran(stacks)
        return [
            self._advice_row(advice)
            for app in dict.fromkeys(stack.app for stack in ran)
            for advice in self.guide.advice(app, ran)
        ]

    def _advice_row(self, advice: Advice) -> AdviceRow:
        written = tuple(self._written(advice.stacks, found) for found in advice.recommended)
        return AdviceRow(advice.app, advice, written)

    def _written(self, stacks: Sequence[Stack], recommended: Recommendation) -> Written:
        def most(situation: Situation, key: Callable[[RecipeIn], Any]) -> RecipeIn:
            found = (self._in(stack, recommended.recipe, situation) for stack in stacks)
            return max(found, key=key)

        return Written(
            recommended,
            fails=tuple(most(s, lambda in_: failure_rank(in_.tried)) for s in recommended.fails),
            unknown=tuple(most(s, lambda in_: not in_.tried.of) for s in recommended.unknown),
            after_completion=tuple(
                most(s, lambda in_: in_.tried.after_completion)
                for s in recommended.after_completion
            ),
            tried=tuple(
                self._in(stacks[0], recommended.recipe, s)
                for s in SITUATIONS
                if s.kind in recommended.kinds
            ),
            stays=tuple((most(s, self._stays), n, of) for s, n, of in recommended.stays),
        )

    def _stays(self, in_: RecipeIn) -> int:
        return self.guide.stays(in_.stack, in_.recipe, in_.situation)

    def _in(self, stack: Stack, recipe: Recipe, situation: Situation) -> RecipeIn:
        return RecipeIn(stack, recipe, situation, self.guide.tried(stack, recipe, situation))

    def floods(self, stacks: Sequence[Stack]) -> list[FloodRow]:
        """What came of a flood, and of one with a checkpoint in it."""
        ran = [s for s in self.ran(stacks) if self.guide.in_flood(s).counts]
        recipe = cleanup.BY_ID["checkpoint"]
        found: dict[object, list[Stack]] = defaultdict(list)
        rows: dict[object, FloodRow] = {}
        for stack in ran:
            without = self._outcomes[Cell(stack, FLOOD.id, Surface.LIVENESS)]
            with_it = self._outcomes[Cell(stack, scenario_id(recipe, FLOOD), Surface.LIVENESS)]
            example = self._in(stack, recipe, FLOOD)
            key = (distribution(without), distribution(with_it), example.tried)
            found[key].append(stack)
            rows.setdefault(key, FloodRow(without, with_it, example, (), tuple(ran)))
        # Those that most stacks have first, then by the words.
        ordered = sorted(
            found.items(), key=lambda item: (-len(item[1]), _flood_words(rows[item[0]]))
        )
        return [msgspec.structs.replace(rows[key], stacks=tuple(on)) for key, on in ordered]

    def works_on(self, recipe: Recipe, kind: Kind) -> tuple[list[Stack], list[Stack]]:
        """The stacks on which a recipe never failed in a kind of situations, and all it ran on."""
        ran = [
            stack
            for stack in self.stacks
            if self.guide.applies(stack, recipe) and kind in self.guide.kinds(stack)
        ]
        return [stack for stack in ran if not self.guide.not_good(stack, recipe, (kind,))], ran

    def works_anywhere(self, recipe: Recipe) -> bool:
        """Whether there is a stack on which a recipe never failed in some kind of situations."""
        return any(self.works_on(recipe, kind)[0] for kind in KINDS if kind != "error")

    def expression(self, recipe: Recipe) -> str:
        """How a stream is made of a recipe's functions; empty where it is none."""
        text = "source"
        for function in recipe.functions:
            excerpt = self._excerpts.recipe(function)
            # One that is not given a stream stands elsewhere.
            if excerpt is not None and excerpt.parameters[0] in ("source", "stream"):
                text = f"{function}({', '.join([text, *excerpt.parameters[1:]])})"
        return "" if text == "source" else text

    def excerpt(self, recipe: Recipe, app: str) -> CodeExcerpt | None:
        """The code that stands for a recipe in an app."""
        return self._excerpt(recipe.functions[-1], app)

    def excerpts(self, recipe: Recipe) -> list[CodeExcerpt]:
        """The code of a recipe, wherever it stands."""
        found: dict[str, CodeExcerpt] = {}
        for function in recipe.functions:
            for app in dict.fromkeys(stack.app for stack in self.stacks):
                excerpt = self._excerpt(function, app)
                if excerpt is not None:
                    found[f"{excerpt.path}:{excerpt.first_line}"] = excerpt
        return list(found.values())

    def code(self, recipes: Sequence[Recipe]) -> list[tuple[Recipe, list[CodeExcerpt]]]:
        """The code of recipes, each piece with the first that is made of it."""
        shown: set[str] = set()
        found = []
        for recipe in recipes:
            new = [function for function in recipe.functions if function not in shown]
            shown.update(new)
            pieces = [excerpt for function in new if (excerpt := self._first_excerpt(function))]
            found.append((recipe, pieces))
        return found

    def _first_excerpt(self, function: str) -> CodeExcerpt | None:
        apps = dict.fromkeys(stack.app for stack in self.stacks)
        excerpts = (self._excerpt(function, app) for app in apps)
        return next((excerpt for excerpt in excerpts if excerpt is not None), None)

    def _excerpt(self, function: str, app: str) -> CodeExcerpt | None:
        return self._excerpts.recipe(function) or self._excerpts.call_in_app(app, function)


def in_words(tried: Tried) -> str:
    """What came of a recipe: a result, or several with their shares."""
    of = sum(n for _, n in tried.counts)
    if len(tried.counts) < 2:
        return str(tried.worst)
    return ", ".join(f"{result} {n}/{of}" for result, n in tried.counts)


def _flood_words(row: FloodRow) -> tuple[object, ...]:
    return (distribution(row.without), distribution(row.with_it), in_words(row.example.tried))
