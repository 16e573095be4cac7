"""Which recipes the decision page shows: what to write, and what fails. No Markdown."""

from __future__ import annotations

import ast
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import msgspec

from hangup.analysis.cleanup import CleanupGuide, Recommendation
from hangup.analysis.ranking import RankedApp, Ranking
from hangup.model.cleanup import Kind, Recipe, Situation
from hangup.model.code_excerpts import CodeExcerpt
from hangup.model.trace import Stack
from hangup.report.cleanup import CleanupView

MOST_LINES = 30
"""Code of more lines is linked to, not quoted."""
MOST_WRONG = 3
"""So many rows there are of recipes that fail."""
Stacks: TypeAlias = tuple[Stack, ...]
_NO_SHUTDOWN: tuple[Kind, ...] = ("disconnect", "error")


class Written(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe, and the apps for which it is what to write, with what came of it."""

    recipe: Recipe
    hangups: tuple[tuple[str, Recommendation], ...]
    """By app, where it is what to write for hang-ups and errors."""
    shutdowns: tuple[tuple[str, Recommendation], ...]
    """By app, where it is what to write for shutdowns too."""


class Share(msgspec.Struct, frozen=True):
    """How many trials failed, of how many, and the share of failures that this allows."""

    failures: int
    of: int
    bound: float


class Wrong(msgspec.Struct, frozen=True, kw_only=True):
    """Recipes that fail after a hang-up or an error, on the same stacks and alike."""

    recipes: tuple[Recipe, ...]
    found: tuple[Stack, ...]
    ran: tuple[Stack, ...]
    result: str
    """What most often came of it where it failed, in its worst situation."""
    situation: Situation
    """Which situation that is, on the first of them."""


class RecipesView:
    """What the template asks for; `stacks` are the baselines."""

    def __init__(
        self, ranking: Ranking, stacks: Sequence[Stack], guide: CleanupGuide, cleanup: CleanupView
    ) -> None:
        self.ranking = ranking
        self.stacks = stacks
        self.guide = guide
        self.cleanup = cleanup

    @property
    def _first(self) -> RankedApp | None:
        """The first in rank of the frameworks' apps, or of those there are."""
        return self.ranking.best or next(iter(self.ranking.apps), None)

    @property
    def first(self) -> tuple[RankedApp, Sequence[Recommendation]] | None:
        """The first in rank, and what to write there; None if no recipes were tried on it."""
        first = self._first
        if first is None or not self.guide.ran([first.stack]):
            return None
        return first, self.guide.recommended(first.stack)

    def quoted(self, recipe: Recipe) -> CodeExcerpt | None:
        """The code of a recipe if it is short enough, if need be without what it says of itself."""
        first = self._first
        excerpt = self.cleanup.excerpt(recipe, first.app) if first is not None else None
        if excerpt is None:
            return None
        for text in (excerpt.text, without_docstring(excerpt.text)):
            if len(text.splitlines()) <= MOST_LINES:
                return msgspec.structs.replace(excerpt, text=text)
        return None

    @property
    def written(self) -> Sequence[Written]:
        """What to write for each app of the ranking, by recipe; not for those `without` one."""
        hangups: dict[str, list[tuple[str, Recommendation]]] = defaultdict(list)
        shutdowns: dict[str, list[tuple[str, Recommendation]]] = defaultdict(list)
        recipes: dict[str, Recipe] = {}
        for ranked in self.ranking.apps:
            if ranked.app in self.without:
                continue
            for found in self._recommended(ranked.stack):
                recipes[found.recipe.id] = found.recipe
                if "shutdown" in found.kinds:
                    shutdowns[found.recipe.id].append((ranked.app, found))
            first = next(iter(self._recommended(ranked.stack)), None)
            if first is not None and first.kinds != ("shutdown",):
                hangups[first.recipe.id].append((ranked.app, first))
        return [
            Written(
                recipe=recipe,
                hangups=tuple(hangups[name]),
                shutdowns=tuple(shutdowns[name]),
            )
            for name, recipe in recipes.items()
        ]

    def taking(self, recipe: Recipe) -> Sequence[str]:
        """The apps of the ranking for which a recipe is what to write for hang-ups."""
        return [app for found in self.written if found.recipe == recipe for app, _ in found.hangups]

    @cached_property
    def without(self) -> Sequence[str]:
        """The apps of the ranking for which what fails least had clean-up done after no hang-up."""
        return [
            ranked.app
            for ranked in self.ranking.apps
            for found in self._recommended(ranked.stack)[:1]
            if any(v.kind == "disconnect" and v.never_good for v in found.verdicts)
        ]

    def _recommended(self, stack: Stack) -> Sequence[Recommendation]:
        return self.guide.recommended(stack) if self.guide.ran([stack]) else ()

    @cached_property
    def _tried(self) -> Sequence[Stack]:
        """The baselines on which recipes were tried after hang-ups and errors."""
        return [s for s in self.guide.ran(self.stacks) if "disconnect" in self.guide.kinds(s)]

    @cached_property
    def hopeless(self) -> Sequence[Stack]:
        """The stacks on which every recipe fails after some hang-up or error."""
        return [s for s in self._tried if all(self._fails(s, r) for r in self.guide.general(s))]

    def _fails(self, stack: Stack, recipe: Recipe) -> bool:
        return bool(self.guide.fails(stack, recipe, _NO_SHUTDOWN))

    @property
    def wrong(self) -> Sequence[Wrong]:
        """What fails after hang-ups and errors elsewhere too, on most of the stacks first."""
        stacks = [stack for stack in self._tried if stack not in self.hopeless]
        recipes = dict.fromkeys(recipe for s in stacks for recipe in self.guide.general(s))
        alike: dict[tuple[Stacks, Stacks, str, Situation], list[Recipe]] = {}
        for recipe in recipes:
            ran = tuple(stack for stack in stacks if self.guide.applies(stack, recipe))
            found = tuple(stack for stack in ran if self._fails(stack, recipe))
            if found:
                result, situation = self._usual_failure(found, recipe)
                alike.setdefault((found, ran, result, situation), []).append(recipe)
        rows = [
            Wrong(recipes=tuple(of), found=found, ran=ran, result=result, situation=situation)
            for (found, ran, result, situation), of in alike.items()
        ]
        return sorted(rows, key=lambda row: -len(row.found) / len(row.ran))[:MOST_WRONG]

    def _usual_failure(self, stacks: Sequence[Stack], recipe: Recipe) -> tuple[str, Situation]:
        """What a recipe's clean-up comes to at its worst, on most of some stacks, and when."""
        on = {stack: str(self.guide.pooled(stack, recipe, _NO_SHUTDOWN).worst) for stack in stacks}
        worst = Counter(on.values())
        result = min(worst, key=lambda result: (-worst[result], result))
        stack = next(stack for stack in stacks if on[stack] == result)
        situation = next(
            situation
            for situation in self.guide.fails(stack, recipe, _NO_SHUTDOWN)
            if self.guide.tried(stack, recipe, situation).worst == result
        )
        return result, situation


def verdicts(
    found: Sequence[tuple[str, Recommendation]], kind: Kind
) -> Mapping[Share, Sequence[str]]:
    """Apps by what the trials of situations of a kind came to."""
    by_share: dict[Share, list[str]] = defaultdict(list)
    for app, recommendation in found:
        for verdict in recommendation.verdicts:
            if verdict.kind == kind:
                share = Share(verdict.tried.failures, verdict.tried.of, verdict.bound)
                by_share[share].append(app)
    return by_share


def without_docstring(text: str) -> str:
    """The code of a module without what it says of itself."""
    module = ast.parse(text)
    if ast.get_docstring(module) is None:
        return text
    return "\n".join(text.splitlines()[module.body[0].end_lineno or 0 :]).strip()
