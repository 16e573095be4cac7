"""Effects, as `hangup diff` prints them: what differs, merged over the stacks it differs on."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from hangup.analysis.effects import by_chance
from hangup.model.effect import CellId, Change, Comparison, Counts, Effect, Kind, Pair, Result
from hangup.model.trace import Stack
from hangup.model.vocabulary import Surface
from hangup.report import markdown
from hangup.report.links import group_id

COUNTED: tuple[Kind, ...] = ("observation", "recipe")
"""The cells that are counted: hazards and claims are other words for what they saw."""

_SURFACES = [str(surface) for surface in Surface]


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """A cell that came to the same comparison on some pairs of stacks."""

    cell: CellId
    result: Result
    a: Counts
    """What was seen on all of them together."""
    b: Counts
    p: float
    """The largest there is on these pairs."""
    trials: tuple[int, int]
    """How many trials there are of either at least, on one pair."""
    pairs: tuple[Pair, ...]


class ChangeRow(msgspec.Struct, frozen=True, kw_only=True):
    """A verdict that changes in the same way on some pairs of stacks."""

    change: Change
    pairs: tuple[Pair, ...]


class OnlyIn(msgspec.Struct, frozen=True, kw_only=True):
    """What only one of the two has."""

    stacks: tuple[Stack, ...] = ()
    scenarios: tuple[str, ...] = ()
    """On stacks that both have."""
    surfaces: Mapping[str, tuple[str, ...]] = {}
    """With the scenarios in which only one has it, or only one knows what it saw."""


class Diff(msgspec.Struct, frozen=True, kw_only=True):
    """Two things compared, on all stacks that they have in common: what `--json` prints."""

    a: str
    b: str
    pairs: tuple[Pair, ...]
    cells: int
    """How many cells were compared: what surfaces saw in scenarios, and the results of recipes."""
    by_chance: float
    """How many of them would differ at most, on average, if nothing but chance were at work."""
    differences: tuple[Row, ...]
    undecided: tuple[Row, ...]
    races: tuple[Row, ...]
    verdicts: tuple[ChangeRow, ...]
    """Verdicts on claims and recipes that change because of trials that differ."""
    only_a: OnlyIn
    only_b: OnlyIn
    disturbed: tuple[str, ...] = ()
    """The scenarios that were not compared on some pair, as all trials of one were disturbed."""

    @property
    def differing(self) -> int:
        """How many of these cells differ."""
        return cell_count(self.differences)

    def where(self, pairs: Sequence[Pair]) -> str:
        """Which of the pairs these are; empty if they are all of them."""
        return where(pairs, self.pairs)


def diff(
    a: str,
    b: str,
    effects: Sequence[Effect],
    alone: tuple[Sequence[Stack], Sequence[Stack]] = ((), ()),
) -> Diff:
    """What comes of some effects; `alone` are the stacks that only one of the two has."""
    counted = [c for e in effects for c in e.comparisons if c.cell.kind in COUNTED]
    return Diff(
        a=a,
        b=b,
        pairs=tuple(e.pair for e in effects),
        cells=len(counted),
        by_chance=round(sum(map(by_chance, counted)), 3),
        differences=_rows(effects, Result.DIFFERENT),
        undecided=_rows(effects, Result.UNDECIDED),
        races=_rows(effects, Result.RACE),
        verdicts=_change_rows(effects),
        only_a=_only_in(alone[0], effects, lambda e: e.only_a),
        only_b=_only_in(alone[1], effects, lambda e: e.only_b),
        disturbed=tuple(sorted({name for one in effects for name in one.disturbed})),
    )


def _rows(effects: Iterable[Effect], result: Result) -> tuple[Row, ...]:
    """The comparisons that came to a result, those that say the same on several pairs together.

    They say the same if the same was seen, and more or less often in the same direction: shares
    that differ are those of a race.
    """
    found: dict[object, list[tuple[Pair, Comparison]]] = defaultdict(list)
    for one in effects:
        for compared in one.of(result):
            found[compared.cell, *said(compared.a, compared.b)].append((one.pair, compared))
    rows = [
        Row(
            cell=alike[0][1].cell,
            result=result,
            a=_pooled([compared.a for _, compared in alike]),
            b=_pooled([compared.b for _, compared in alike]),
            p=max(compared.p for _, compared in alike),
            trials=(min(c.a.of for _, c in alike), min(c.b.of for _, c in alike)),
            pairs=tuple(pair for pair, _ in alike),
        )
        for alike in found.values()
    ]
    return tuple(sorted(rows, key=lambda row: (row.cell.scenario, order(row.cell), row.pairs)))


def said(a: Counts, b: Counts) -> tuple[object, ...]:
    """What either saw, and whether each of it was seen more often by the one or by the other."""
    one, other = dict(a.seen), dict(b.seen)
    directions = frozenset(
        (saws, _sign(other.get(saws, 0) * a.of - one.get(saws, 0) * b.of))
        for saws in one.keys() | other.keys()
    )
    return frozenset(one), frozenset(other), directions


def _sign(number: int) -> int:
    return (number > 0) - (number < 0)


def _pooled(found: Sequence[Counts]) -> Counts:
    """What was seen in all of these trials."""
    seen: Counter[tuple[str, ...]] = Counter()
    for counts in found:
        seen.update(dict(counts.seen))
    return Counts(
        tuple(sorted(seen.items(), key=lambda item: (-item[1], item[0]))),
        sum(counts.of for counts in found),
    )


def order(cell: CellId) -> tuple[object, ...]:
    """Observations first, in the vocabulary's order of surfaces; what came of the stream first."""
    known = _SURFACES.index(cell.name) if cell.name in _SURFACES else len(_SURFACES)
    kinds: tuple[Kind, ...] = ("observation", "hazard", "claim", "recipe")
    return kinds.index(cell.kind), cell.name != Surface.STREAM_END, known, cell.name


def _change_rows(effects: Iterable[Effect]) -> tuple[ChangeRow, ...]:
    found: dict[Change, list[Pair]] = defaultdict(list)
    for one in effects:
        for change in one.changes:
            if change.scenarios:
                found[change].append(one.pair)
    return tuple(ChangeRow(change=change, pairs=tuple(pairs)) for change, pairs in found.items())


def _only_in(
    stacks: Sequence[Stack],
    effects: Iterable[Effect],
    cells: Callable[[Effect], Sequence[CellId]],
) -> OnlyIn:
    scenarios: set[str] = set()
    surfaces: dict[str, set[str]] = defaultdict(set)
    for one in effects:
        both = {found.cell.scenario for found in one.comparisons}
        for cell in cells(one):
            if cell.scenario not in both:
                scenarios.add(cell.scenario)
            elif cell.kind == "observation":
                surfaces[cell.name].add(cell.scenario)
    return OnlyIn(
        stacks=tuple(sorted(stacks)),
        scenarios=tuple(sorted(scenarios)),
        surfaces={name: tuple(sorted(surfaces[name])) for name in sorted(surfaces)},
    )


def cell_count(rows: Iterable[Row]) -> int:
    """How many of the cells that are counted these rows stand for."""
    return sum(len(row.pairs) for row in rows if row.cell.kind in COUNTED)


def where(pairs: Sequence[Pair], ran: Sequence[Pair]) -> str:
    """Which of some pairs of stacks these are; empty if they are all of them."""
    if len(pairs) == len(ran):
        return ""
    groups = dict.fromkeys(group_id(pair.a) for pair in ran)
    apps = {pair.a.app for pair in ran}
    texts = []
    for group in groups:
        found = [pair.a for pair in pairs if group_id(pair.a) == group]
        of_group = [pair.a for pair in ran if group_id(pair.a) == group]
        if found:
            text = (
                ", ".join(dict.fromkeys(stack.server for stack in found))
                if len(apps) == 1
                else markdown.names(found, of_group)
            )
            texts.append(f"{group}: {text}" if len(groups) > 1 else text)
    return "; ".join(texts)
