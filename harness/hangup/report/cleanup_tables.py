"""The tables of the page on clean-up: what to write, what not to rely on, every recipe.

No Markdown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from hangup.analysis.cleanup import KINDS, CleanupGuide, Tried, Verdict, combined
from hangup.model.cleanup import RECIPES, SITUATIONS, Kind, Recipe, Situation
from hangup.model.trace import Stack
from hangup.report.cleanup import AdviceRow, CleanupView, RecipeIn, Written


class Line(msgspec.Struct, frozen=True):
    """What is recommended on some servers of an app, for some kinds of situations."""

    row: AdviceRow
    written: Written
    kinds: tuple[Kind, ...]

    @property
    def verdicts(self) -> Sequence[Verdict]:
        """What came of it, by kind."""
        return [v for v in self.written.recommendation.verdicts if v.kind in self.kinds]

    def example(self, kind: Kind) -> RecipeIn:
        """A situation to be shown for all of a kind: one in which it fails, if there is any."""
        failing = (found for found in self.written.fails if found.situation.kind == kind)
        return next(failing, None) or self.written.first_of(kind)


class Found(msgspec.Struct, frozen=True):
    """The worst that came of a recipe, on the stacks on which that is the same."""

    recipe: Recipe
    example: RecipeIn
    tried: Tried
    """In the situation of the example, on all of these stacks."""
    more: int
    """In how many more situations it failed."""
    after_completion: tuple[Situation, ...]
    stacks: tuple[Stack, ...]
    of: tuple[Stack, ...]
    """All that have what the recipe takes."""

    @property
    def works(self) -> bool:
        """Whether clean-up was done in each conclusive trial of all situations."""
        return self.tried.good and not self.more


class Failing(msgspec.Struct, frozen=True):
    """On how many stacks a recipe fails in situations of a kind, and how most of them do."""

    example: RecipeIn | None
    """None if it never failed."""
    failing: int
    of: int
    """On how many stacks there were conclusive trials; 0 if nothing is known."""
    others: bool
    """Whether it fails otherwise as well."""
    situations: tuple[Situation, ...]
    """Those in which it fails, if that is not in all of this kind."""


class Recommended(msgspec.Struct, frozen=True):
    """A recipe, the stacks on which it is the one to write, and those on which it never failed."""

    recipe: Recipe
    stacks: tuple[Stack, ...]
    sound: tuple[Stack, ...]


class CleanupTables:
    """The tables of some stacks."""

    def __init__(self, view: CleanupView, stacks: Sequence[Stack]) -> None:
        self._view = view
        self._guide: CleanupGuide = view.guide
        self.stacks = view.ran(stacks)

    def recommended(self, kinds: Sequence[Kind]) -> list[Recommended]:
        """The recipes to write if it is about these kinds of situations, the commonest first."""
        found: dict[Recipe, list[Stack]] = {}
        for stack in self._tried_in(kinds):
            recipes = self._guide.recommended(stack)
            best = recipes[-1] if "shutdown" in kinds else recipes[0]
            found.setdefault(best.recipe, []).append(stack)
        ordered = sorted(found.items(), key=lambda item: -len(item[1]))
        return [
            Recommended(
                recipe,
                tuple(on),
                tuple(s for s in on if not self._guide.not_good(s, recipe, kinds)),
            )
            for recipe, on in ordered
        ]

    def _tried_in(self, kinds: Sequence[Kind]) -> list[Stack]:
        return [s for s in self.stacks if set(kinds) <= set(self._guide.kinds(s))]

    def apps(self) -> list[tuple[str, list[Line], list[Line]]]:
        """What to write for each app: before a shutdown, and for shutdowns as well."""
        rows: dict[str, tuple[list[Line], list[Line]]] = {}
        for row in self._view.advice(self.stacks):
            before, shutdowns = rows.setdefault(row.app, ([], []))
            first, last = row.written[0], row.written[-1]
            kinds = tuple(k for k in first.recommendation.kinds if k != "shutdown")
            if kinds:
                before.append(Line(row, first, kinds))
            if "shutdown" in last.recommendation.kinds:
                shutdowns.append(Line(row, last, last.recommendation.kinds))
        return [(app, before, shutdowns) for app, (before, shutdowns) in rows.items()]

    def failing(self) -> list[tuple[Recipe, list[Failing]]]:
        """The recipes that fail somewhere; for each kind of situations, where and how."""
        rows = []
        for recipe in self._general():
            on = [stack for stack in self.stacks if self._guide.applies(stack, recipe)]
            if any(self._guide.fails(stack, recipe) for stack in on):
                rows.append((recipe, [self._failing(on, recipe, kind) for kind in KINDS]))
        return rows

    def _general(self) -> list[Recipe]:
        return [r for r in RECIPES if any(r in self._guide.general(s) for s in self.stacks)]

    def _failing(self, on: Sequence[Stack], recipe: Recipe, kind: Kind) -> Failing:
        tried = {
            (stack, situation): self._guide.tried(stack, recipe, situation)
            for stack in on
            for situation in self._guide.situations(stack, recipe)
            if situation.kind == kind
        }
        known = {key: found for key, found in tried.items() if found.of}
        of = len({stack for stack, _ in known})
        fails = {key: found for key, found in known.items() if found.failures}
        if not fails:
            return Failing(None, 0, of, others=False, situations=())
        worst = Counter(found.worst for found in fails.values()).most_common(1)[0][0]
        stack, situation = next(key for key, found in fails.items() if found.worst == worst)
        failed = [s for s in SITUATIONS if any(s == other for _, other in fails)]
        asked = {other for _, other in known}
        return Failing(
            RecipeIn(stack, recipe, situation, fails[stack, situation]),
            len({stack for stack, _ in fails}),
            of,
            others=any(found.worst != worst for found in fails.values()),
            situations=tuple(failed) if len(failed) < len(asked) else (),
        )

    def every(self) -> list[Found]:
        """What came of every recipe: a row for the stacks on which the worst is the same."""
        rows = []
        for recipe in self._general():
            of = tuple(stack for stack in self.stacks if self._guide.applies(stack, recipe))
            same: dict[object, list[Stack]] = {}
            for stack in of:
                same.setdefault(self._key(stack, recipe), []).append(stack)
            found = [self._found(recipe, on, of) for on in same.values()]
            rows += sorted(found, key=lambda row: (not row.works, -len(row.stacks)))
        return rows

    def _key(self, stack: Stack, recipe: Recipe) -> object:
        situation, tried = self._guide.worst(stack, recipe)
        if not self._guide.not_good(stack, recipe):
            return self._after_completion([stack], recipe)
        more = len(self._guide.fails(stack, recipe))
        return situation, tried.worst, more, self._after_completion([stack], recipe)

    def _found(self, recipe: Recipe, on: Sequence[Stack], of: tuple[Stack, ...]) -> Found:
        first = on[0]
        situation, tried = self._guide.worst(first, recipe)
        others = [s for s in self._guide.fails(first, recipe) if s != situation]
        return Found(
            recipe,
            RecipeIn(first, recipe, situation, tried),
            combined(self._guide.tried(stack, recipe, situation) for stack in on),
            len(others),
            self._after_completion(on, recipe),
            tuple(on),
            of,
        )

    def _after_completion(self, on: Iterable[Stack], recipe: Recipe) -> tuple[Situation, ...]:
        return tuple(
            situation
            for situation in SITUATIONS
            if any(self._guide.tried(stack, recipe, situation).after_completion for stack in on)
        )
