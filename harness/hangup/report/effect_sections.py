"""What one thing changes, as the pages on effects show it: merged, and nothing that stays the same.

The pages are computed by what `hangup diff` prints; here its rows are put together that say the
same, and those apart that a page shows apart.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import msgspec

from hangup.analysis.effects import FOUND, Comparable, effect
from hangup.analysis.stack_pairs import FactorKind, FactorPairs, one_factor
from hangup.model import claims, scenarios
from hangup.model.cleanup import TRIED_BY
from hangup.model.effect import TRIAL, Counts, Pair
from hangup.model.hazards import BY_ID as HAZARDS
from hangup.model.trace import Stack
from hangup.model.variants import variant_name
from hangup.model.vocabulary import Surface, surface_title
from hangup.report.effects import COUNTED, Diff, Row, cell_count, diff, order, said
from hangup.report.places import places

INNER = frozenset({Surface.STREAM, Surface.RECEIVE, Surface.SEND, Surface.ASGI})
"""What crosses the ASGI boundary, and the exceptions behind how a stream ended: shown apart."""
"""The recipe and the situation that a scenario of a recipe tries."""
_SCENARIOS = list(scenarios.BY_ID)


class EffectRow(msgspec.Struct, frozen=True, kw_only=True):
    """What changes in the same way at some surfaces in some scenarios on some stacks."""

    surfaces: tuple[str, ...]
    scenarios: tuple[str, ...]
    a: Counts
    b: Counts
    pairs: tuple[Pair, ...]

    @property
    def first(self) -> Pair:
        """The pair whose evidence is shown."""
        return self.pairs[0]

    @property
    def title(self) -> str:
        """What sees it."""
        return ", ".join(_title(surface) for surface in self.surfaces)

    @property
    def is_recipe(self) -> bool:
        """Whether it is about recipes for clean-up and what came of them."""
        return scenarios.BY_ID[self.scenarios[0]].kind == "recipe"

    @property
    def inner(self) -> bool:
        """Whether it is shown apart from what a team sees."""
        return INNER.issuperset(self.surfaces)

    @property
    def at_shutdown(self) -> bool:
        """Whether it is about an operator who ends the server, and nothing else."""
        return all(scenarios.BY_ID[name].signal for name in self.scenarios)


class HazardChange(msgspec.Struct, frozen=True, kw_only=True):
    """A hazard that something adds, removes, or makes more or less frequent."""

    title: str
    direction: str
    scenarios: tuple[str, ...]
    pairs: tuple[Pair, ...]


class ClaimChange(msgspec.Struct, frozen=True, kw_only=True):
    """A claim whose verdict is another."""

    text: str
    a: str
    b: str
    pairs: tuple[Pair, ...]


class Section:
    """What one change makes different, on all stacks that it was measured on."""

    def __init__(self, found: FactorPairs, compared: Diff) -> None:
        self.found = found
        self.diff = compared

    @property
    def variant(self) -> str:
        """The name of the variant that is compared with its baseline; empty if it is none."""
        return variant_name(self.found.b) if self.found.kind.variant else ""

    @property
    def title(self) -> str:
        """What is changed, in a few characters."""
        return self.found.title

    @property
    def commands(self) -> tuple[str, ...]:
        """What prints all of it: one command, or one for each baseline of a variant."""
        return tuple(f"hangup diff {a} {b}" for a, b in self.found.names)

    @property
    def stacks(self) -> Sequence[Stack]:
        """The stacks that it is changed from."""
        return [pair.a for pair in self.diff.pairs]

    def where(self, pairs: Iterable[Pair]) -> str:
        """On which of the stacks something changes."""
        return places([pair.a for pair in pairs], self.stacks)

    @property
    def races(self) -> int:
        """How many cells are a race, which repeats may explain."""
        return cell_count(self.diff.races)

    @property
    def undecided(self) -> int:
        """How many cells came out differently in too few trials to decide."""
        return cell_count(self.diff.undecided)

    @property
    def undecided_scenarios(self) -> tuple[str, ...]:
        """The scenarios in which cells are not decided."""
        return tuple(dict.fromkeys(row.cell.scenario for row in self.diff.undecided))

    @cached_property
    def rows(self) -> Sequence[EffectRow]:
        """All that differs."""
        return merged_rows(self.diff.differences)

    @property
    def while_serving(self) -> Sequence[EffectRow]:
        """What a team sees to differ while the server serves."""
        return [row for row in self.rows if not (row.inner or row.at_shutdown)]

    @property
    def at_shutdown(self) -> Sequence[EffectRow]:
        """What it sees to differ when the server is ended."""
        return [row for row in self.rows if row.at_shutdown and not row.inner]

    @property
    def inner(self) -> Sequence[EffectRow]:
        """What differs at the ASGI boundary and in the exceptions that reach a stream."""
        return [row for row in self.rows if row.inner]

    @property
    def only_at_shutdown(self) -> bool:
        """Whether nothing differs but when the server is ended."""
        return bool(self.rows) and all(row.at_shutdown for row in self.rows)

    @property
    def seen(self) -> Sequence[EffectRow]:
        """What a team sees to differ."""
        return [*self.while_serving, *self.at_shutdown]

    @property
    def pairs_that_differ(self) -> Sequence[Pair]:
        """The pairs of stacks between which a team sees anything to differ."""
        found = {pair for row in self.seen for pair in row.pairs}
        return [pair for pair in self.diff.pairs if pair in found]

    @property
    def scenarios(self) -> Sequence[str]:
        """The scenarios in which a team sees anything to differ, recipes for clean-up apart."""
        return _in_order({n for row in self.seen if not row.is_recipe for n in row.scenarios})

    @property
    def recipes(self) -> Sequence[str]:
        """The recipes that come to something else in any situation."""
        names = (n for row in self.seen if row.is_recipe for n in row.scenarios)
        return sorted({TRIED_BY[name][0].id for name in names})

    @cached_property
    def race_rows(self) -> Sequence[EffectRow]:
        """What repeats may explain."""
        return merged_rows(self.diff.races)

    @property
    def hazards(self) -> Sequence[HazardChange]:
        """The hazards that change, scenarios together in which they do so alike."""
        alike: dict[tuple[str, str, tuple[Pair, ...]], list[str]] = defaultdict(list)
        for row in self.diff.differences:
            if row.cell.kind == "hazard":
                key = HAZARDS[row.cell.name].title, direction(row), row.pairs
                alike[key].append(row.cell.scenario)
        found = (
            HazardChange(title=title, direction=way, scenarios=_in_order(names), pairs=pairs)
            for (title, way, pairs), names in alike.items()
        )
        return sorted(found, key=lambda change: (change.direction, change.title, change.pairs))

    @property
    def claims(self) -> Sequence[ClaimChange]:
        """The claims whose verdict changes, stacks together on which it does so alike."""
        alike: dict[tuple[str, str, str], list[Pair]] = defaultdict(list)
        for row in self.diff.verdicts:
            change = row.change
            if change.kind == "claim" and change.name in claims.BY_ID:
                alike[claims.BY_ID[change.name].text, change.a, change.b] += row.pairs
        return [
            ClaimChange(text=text, a=a, b=b, pairs=tuple(sorted(set(pairs))))
            for (text, a, b), pairs in alike.items()
        ]


def direction(row: Row) -> str:
    """What becomes of a hazard."""
    a, b = (dict(counts.seen).get((FOUND,), 0) / counts.of for counts in (row.a, row.b))
    if not a:
        return "appears"
    if not b:
        return "disappears"
    return "more often" if b > a else "less often"


def merged_rows(rows: Iterable[Row]) -> list[EffectRow]:
    """Rows of a diff as few as say all of it: of scenarios that change alike, then of surfaces."""
    by_change: dict[object, list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: order(row.cell)):
        if row.cell.kind in COUNTED:
            by_change[_surface(row), *said(row.a, row.b), row.pairs].append(row)
    by_scenarios: dict[object, list[tuple[tuple[str, ...], Row]]] = defaultdict(list)
    for alike in by_change.values():
        names = _in_order(row.cell.scenario for row in alike)
        first = alike[0]
        inner = _surface(first) in INNER
        key = names, inner, *said(first.a, first.b), first.pairs
        by_scenarios[key].append((names, first))
    found = [
        EffectRow(
            surfaces=tuple(_surface(row) for _, row in alike),
            scenarios=alike[0][0],
            a=alike[0][1].a,
            b=alike[0][1].b,
            pairs=alike[0][1].pairs,
        )
        for alike in by_scenarios.values()
    ]
    return sorted(found, key=lambda row: [_SCENARIOS.index(name) for name in row.scenarios])


def _surface(row: Row) -> str:
    """Where it was seen; of a recipe, its clean-up."""
    return row.cell.name if row.cell.kind == "observation" else str(Surface.CLEANUP)


def _title(surface: str) -> str:
    return "whether that state is reached" if surface == TRIAL else surface_title(surface)


def _in_order(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(names, key=_SCENARIOS.index))


class EffectSections:
    """All effects between stacks that differ in one thing, by the kind of thing."""

    def __init__(self, comparable: Mapping[Stack, Comparable]) -> None:
        self._comparable = comparable

    @cached_property
    def _sections(self) -> Sequence[Section]:
        return [self._section(found) for found in one_factor(list(self._comparable))]

    def of(self, kind: FactorKind) -> Sequence[Section]:
        """A section for each change of a kind."""
        return [section for section in self._sections if section.found.kind == kind]

    def _section(self, found: FactorPairs) -> Section:
        effects = [effect(self._comparable[p.a], self._comparable[p.b]) for p in found.pairs]
        return Section(found, diff(found.a, found.b, effects))
