"""What changes from one stack to another: two distributions of what was seen, and what they say."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec

from hangup.model.trace import Stack
from hangup.model.vocabulary import ExplainedWord

Factor: TypeAlias = Literal["app", "server", "versions", "python"]
"""What stacks can differ in: the fields of a stack."""

Kind: TypeAlias = Literal["observation", "hazard", "claim", "recipe"]
"""What is compared: what a surface saw, whether trials show a hazard, whether they confirm a
claim, and what came of a recipe's clean-up."""

TRIAL = "trial"
"""The surface, in comparisons only, of whether a trial took place and why not."""
TOOK_PLACE = "took place"

SIGNIFICANCE = 0.01
"""Two distributions differ if the exact test gives at most this probability to a difference as
great, or greater, between two samples of the same."""
DOUBTFUL = 0.05
"""A race of at most this probability may be a difference: a fresh sample can tell."""


class Counts(msgspec.Struct, frozen=True):
    """In how many trials what was seen, most frequent first.

    What a trial saw at a surface is the set of all that it saw there. Where only a table of
    observations is known, each is counted by itself, and they may add up to more than `of`.
    """

    seen: tuple[tuple[tuple[str, ...], int], ...]
    of: int

    @property
    def unanimous(self) -> bool:
        """Whether all trials saw the same."""
        return len(self.seen) == 1 and self.seen[0][1] == self.of

    @property
    def whole(self) -> bool:
        """Whether every trial is counted once, so that these are a distribution."""
        return sum(n for _, n in self.seen) == self.of


class Result(ExplainedWord):
    """What a comparison comes to."""

    SAME = "same", "the trials of both came out alike"
    DIFFERENT = "different", "repeats alone would seldom do this: p is 1 % at most"
    RACE = "race", "one of the two has more than one outcome by itself, which may explain it"
    UNDECIDED = "not decided", "they came out differently, in too few trials to say anything"


class CellId(msgspec.Struct, frozen=True, order=True):
    """What is compared: of a scenario, a surface, a hazard, a claim or a recipe's result."""

    scenario: str
    kind: Kind
    name: str
    """The surface, or the id of the hazard, the claim or the recipe's scenario."""


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A cell of two stacks, compared."""

    cell: CellId
    a: Counts
    b: Counts
    result: Result
    p: float
    """The probability of a difference as great between two samples of the same; 1 where there is
    none."""


class Change(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict over all scenarios that is another: of a claim, or of a recipe."""

    kind: Kind
    name: str
    a: str
    b: str
    scenarios: tuple[str, ...]
    """Where the trials differ; none if repeats may explain it."""


class Pair(msgspec.Struct, frozen=True, order=True):
    """Two stacks that are compared."""

    a: Stack
    b: Stack

    @property
    def factors(self) -> tuple[Factor, ...]:
        """What they differ in."""
        names: tuple[Factor, ...] = ("app", "server", "versions", "python")
        return tuple(name for name in names if getattr(self.a, name) != getattr(self.b, name))


class Effect(msgspec.Struct, frozen=True, kw_only=True):
    """All that was compared of two stacks."""

    pair: Pair
    comparisons: tuple[Comparison, ...]
    """All cells that both have, those that agree included; sorted."""
    changes: tuple[Change, ...]
    only_a: tuple[CellId, ...]
    """The cells of which only the first has trials that say something."""
    only_b: tuple[CellId, ...]
    disturbed: tuple[str, ...] = ()
    """The scenarios of which all trials of one of the two were disturbed: they are not compared."""

    def of(self, result: Result) -> list[Comparison]:
        """The comparisons that came to this."""
        return [found for found in self.comparisons if found.result == result]
