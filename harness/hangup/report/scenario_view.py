"""What a scenario's page shows: a few columns, stacks that are alike in a row, differences after.

No Markdown.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from functools import cached_property
from typing import TypeAlias

import msgspec

from hangup.analysis.conditions import reports_errors
from hangup.analysis.exact_test import p_value
from hangup.analysis.outcomes import Outcomes
from hangup.model.effect import SIGNIFICANCE
from hangup.model.outcomes import Cell, ObservationCount, distribution
from hangup.model.scenario import Scenario
from hangup.model.trace import Stack
from hangup.model.variants import baseline_id
from hangup.model.vocabulary import Surface, Word, is_call
from hangup.report.observations import in_words
from hangup.report.views import VersionGroup, is_applicable_anywhere, is_baseline

_MOST_COLUMNS = 4
"""A table has so many columns at most, beside the one with the stacks."""


class Part(msgspec.Struct, frozen=True):
    """What one surface saw, in a cell that may be about several."""

    surface: str
    observations: tuple[ObservationCount, ...]


Parts: TypeAlias = tuple[Part, ...]


class Column(msgspec.Struct, frozen=True):
    """A column: the surfaces that it is about; those that report errors, if it names none."""

    surfaces: tuple[str, ...]


class Row(msgspec.Struct, frozen=True):
    """The stacks on which a scenario came out alike, and how; a cell a column."""

    stacks: tuple[Stack, ...]
    cells: tuple[Parts, ...]


class SurfaceRow(msgspec.Struct, frozen=True):
    """What a surface saw on some stacks."""

    surface: str
    observations: tuple[ObservationCount, ...]
    stacks: tuple[Stack, ...]
    of: tuple[Stack, ...]
    """All of those looked at that have such a surface."""


class Share(msgspec.Struct, frozen=True):
    """On how many stacks the same was seen in every trial; None where trials differ."""

    saw: str | None
    stacks: tuple[Stack, ...]


class Difference(msgspec.Struct, frozen=True):
    """The stacks of a version set under a Python, or the variants, that came out otherwise."""

    group: VersionGroup
    variants: bool
    """Whether they are variants, compared with their baselines; else with the first group."""
    rows: tuple[Row, ...]
    surfaces: tuple[SurfaceRow, ...]
    ran: tuple[Stack, ...]
    """All of them that it was run on."""
    incomparable: tuple[Stack, ...]
    """Those that have nothing to be compared with."""


NOTIFYING = Column((Surface.RECEIVE, Surface.SEND))
SEEN_BY = Column(())


class ScenarioView:
    """How a scenario came out on the stacks of a report."""

    def __init__(
        self, outcomes: Outcomes, groups: Sequence[VersionGroup], scenario: Scenario
    ) -> None:
        self._outcomes = outcomes
        self.scenario = scenario
        self.groups = [group for group in groups if self._of(group)]
        """Those that it was run in."""

    @property
    def first(self) -> VersionGroup:
        """The group that is shown first."""
        return self.groups[0]

    @cached_property
    def stacks(self) -> Sequence[Stack]:
        """Those of the first group that it was run on; variants if it was on no baseline."""
        return self._of(self.first)

    def _of(self, group: VersionGroup) -> list[Stack]:
        return self._ran(group.stacks) or self._ran(group.with_variants)

    @cached_property
    def _shown(self) -> Sequence[Stack]:
        return [stack for group in self.groups for stack in self._of(group)]

    @property
    def noun(self) -> str:
        """What the stacks of the first group are called."""
        return "baseline" if all(map(is_baseline, self.stacks)) else "stack"

    @cached_property
    def subject(self) -> str:
        """What it is about: the end of the stream, or the endpoint where no stream begins."""
        ends = {s for stack in self._shown for s in self._saws(stack, Surface.STREAM_END)}
        return Surface.STREAM_END if ends - {Word.NEVER_STARTED} else Surface.ENDPOINT

    @cached_property
    def columns(self) -> Sequence[Column]:
        """What the table shows, the answer first."""
        own = [Column((surface,)) for surface in self._own_surfaces if self._has(surface)]
        rest = [Column((Surface.SOURCE,)), NOTIFYING]
        if self.scenario.kind in ("control", "operator"):
            rest = []
        rest = rest[: max(0, _MOST_COLUMNS - 1 - len(own))]
        return [*own[: _MOST_COLUMNS - 1], *rest, SEEN_BY]

    @property
    def _own_surfaces(self) -> Iterable[str]:
        """What matters in such a scenario."""
        match self.scenario.kind:
            case "control":
                yield from (self.subject, Surface.CLIENT, Surface.ASGI)
            case "operator":
                yield from (self.subject, Surface.EXIT, Surface.CLEANUP, Surface.CLIENT)
            case _:
                yield self.subject
                yield from (Surface.CLEANUP, Surface.IS_DISCONNECTED, Surface.UPSTREAM)
        if any(
            Word.NO_ANSWER in self._saws(stack, Surface.LIVENESS)
            for group in self.groups
            for stack in group.with_variants
        ):
            yield Surface.LIVENESS

    @cached_property
    def rows(self) -> Sequence[Row]:
        """How it came out in the first group: a row for stacks that are alike."""
        return self._rows(self.stacks)

    @property
    def surfaces(self) -> Sequence[SurfaceRow]:
        """What every surface saw in the first group."""
        return self._surface_rows(self.stacks, lambda _: None)

    @property
    def differences(self) -> Sequence[Difference]:
        """The variants and the other groups, each with what came out otherwise in it."""
        found = []
        for group in self.groups:
            shown = self._of(group)
            variants = [stack for stack in group.with_variants if stack not in shown]
            if group is not self.first:
                found.append(self._difference(group, shown, self._in_first, variants=False))
            found.append(self._difference(group, variants, _baseline, variants=True))
        return [difference for difference in found if difference.ran]

    def shares(self, surface: str) -> Sequence[Share]:
        """What a surface saw on how many stacks of the first group, the commonest first."""
        by_saw: dict[str | None, list[Stack]] = {}
        for stack in self.stacks:
            observations = self._outcomes[Cell(stack, self.scenario.id, surface)]
            unanimous = len(distribution(observations)) == 1 and observations[0].n > 0
            by_saw.setdefault(observations[0].saw if unanimous else None, []).append(stack)
        ordered = sorted(by_saw.items(), key=lambda item: (item[0] is None, -len(item[1])))
        return [Share(saw, tuple(stacks)) for saw, stacks in ordered if saw != Word.NOT_APPLICABLE]

    @property
    def answered_by(self) -> Sequence[str]:
        """The surfaces that the answer is about."""
        return [column.surfaces[0] for column in self.columns[:2] if len(column.surfaces) == 1]

    @property
    def alarmed(self) -> Sequence[Stack]:
        """The stacks of the first group on which a handler, a hook or a log saw something."""
        return [stack for stack in self.stacks if self._alarms(stack)]

    @property
    def silent(self) -> Sequence[Stack]:
        """Those on which none did, and could have."""
        return [s for s in self.stacks if not self._alarms(s) and self._could_have_seen(s)]

    def could_have_seen(self, stacks: Iterable[Stack]) -> bool:
        """Whether any handler, hook or log is known to have been in place on any of these."""
        return any(map(self._could_have_seen, stacks))

    def _ran(self, stacks: Iterable[Stack]) -> list[Stack]:
        return [stack for stack in stacks if self._outcomes.of(stack).of(self.scenario.id)]

    def _saws(self, stack: Stack, surface: str) -> set[str]:
        return {*self._outcomes.saws(stack, self.scenario.id, surface)} - {Word.NOT_APPLICABLE}

    def _has(self, surface: str) -> bool:
        return is_applicable_anywhere(self._outcomes, self._shown, [self.scenario.id], surface)

    def _could_have_seen(self, stack: Stack) -> bool:
        return any(
            self._outcomes.conclusive(stack, self.scenario.id, surface)
            for surface in self._reporting(stack)
        )

    def _reporting(self, stack: Stack) -> list[str]:
        surfaces = self._outcomes.surfaces(self.scenario.id, [stack])
        return [surface for surface in surfaces if reports_errors(surface)]

    def _alarms(self, stack: Stack) -> Parts:
        """What handlers, hooks and logs saw."""
        return tuple(
            self._part(stack, surface)
            for surface in self._reporting(stack)
            if any(map(is_call, self._saws(stack, surface)))
        )

    def _part(self, stack: Stack, surface: str) -> Part:
        return Part(surface, self._outcomes[Cell(stack, self.scenario.id, surface)])

    def _cells(self, stack: Stack) -> tuple[Parts, ...]:
        return tuple(
            tuple(self._part(stack, surface) for surface in column.surfaces)
            if column.surfaces
            else self._alarms(stack)
            for column in self.columns
        )

    def _rows(self, stacks: Iterable[Stack]) -> list[Row]:
        alike: list[list[Stack]] = []
        for stack in stacks:
            cells = self._cells(stack)
            same = (on for on in alike if self._alike(self._cells(on[0]), cells))
            on = next(same, None)
            if on is None:
                alike.append([stack])
            else:
                on.append(stack)
        # What most stacks have first.
        ordered = sorted(alike, key=lambda on: -len(on))
        return [Row(tuple(on), _pooled([self._cells(s) for s in on])) for on in ordered]

    def _alike(self, a: Sequence[Parts], b: Sequence[Parts]) -> bool:
        return all(
            [part.surface for part in one] == [part.surface for part in other]
            and all(
                may_be_the_same(p.observations, q.observations)
                for p, q in zip(one, other, strict=True)
            )
            for one, other in zip(a, b, strict=True)
        )

    def _came_out_otherwise(self, stack: Stack, other: Stack) -> bool:
        """Whether anything that the table shows differs between two stacks."""
        alarms = {part.surface for on in (stack, other) for part in self._alarms(on)}
        return any(
            differ(self._part(stack, surface).observations, self._part(other, surface).observations)
            for column in self.columns
            for surface in column.surfaces or alarms
        )

    def _surface_rows(
        self, stacks: Sequence[Stack], base: Callable[[Stack], Stack | None]
    ) -> list[SurfaceRow]:
        """What every surface saw; only where that is not what it saw on the stack's base."""
        found = []
        for surface in self._outcomes.surfaces(self.scenario.id, stacks):
            alike: list[list[ObservationCount]] = []
            by_first: dict[int, list[Stack]] = {}
            of = []
            for stack in stacks:
                seen = self._outcomes[Cell(stack, self.scenario.id, surface)]
                if not seen or seen[0].saw == Word.NOT_APPLICABLE:
                    continue
                of.append(stack)
                compared = base(stack)
                if compared is not None and not differ(
                    self._outcomes[Cell(compared, self.scenario.id, surface)], seen
                ):
                    continue
                same = (i for i, other in enumerate(alike) if may_be_the_same(other, seen))
                i = next(same, len(alike))
                if i == len(alike):
                    alike.append(list(seen))
                by_first.setdefault(i, []).append(stack)
            for on in sorted(by_first.values(), key=lambda on: -len(on)):
                cells = [self._outcomes[Cell(s, self.scenario.id, surface)] for s in on]
                found.append(SurfaceRow(surface, _summed(cells), tuple(on), tuple(of)))
        return found

    def _difference(
        self,
        group: VersionGroup,
        stacks: Sequence[Stack],
        base: Callable[[Stack], Stack],
        *,
        variants: bool,
    ) -> Difference:
        def compared(stack: Stack) -> Stack | None:
            found = base(stack)
            return found if found in self._measured and self._ran([found]) else None

        def differs(stack: Stack) -> bool:
            other = compared(stack)
            return other is None or self._came_out_otherwise(stack, other)

        ran = self._ran(stacks)
        comparable = [stack for stack in ran if compared(stack) is not None]
        return Difference(
            group,
            variants,
            tuple(self._rows(filter(differs, ran))),
            tuple(self._surface_rows(comparable, compared)),
            tuple(ran),
            tuple(stack for stack in ran if stack not in comparable),
        )

    @cached_property
    def _measured(self) -> frozenset[Stack]:
        return frozenset(stack for group in self.groups for stack in group.with_variants)

    def _in_first(self, stack: Stack) -> Stack:
        """The same app and server in the first group."""
        first = self.first
        return msgspec.structs.replace(stack, versions=first.versions, python=first.python)


def _baseline(stack: Stack) -> Stack:
    """The baseline of a variant, of an app or of a server."""
    return msgspec.structs.replace(
        stack, app=baseline_id(stack.app), server=baseline_id(stack.server)
    )


def may_be_the_same(a: Sequence[ObservationCount], b: Sequence[ObservationCount]) -> bool:
    """Whether two cells need not be told apart.

    They saw the same in every trial, or the same several things in shares that repeats of the
    same could have.
    """
    if distribution(a) == distribution(b):
        return [_shown(o) for o in a] == [_shown(o) for o in b]
    one, other = ({_shown(o): o.n for o in counts} for counts in (a, b))
    if one.keys() != other.keys() or not one:
        return False
    names = sorted(one)
    return p_value([one[n] for n in names], [other[n] for n in names]) > SIGNIFICANCE


def differ(a: Sequence[ObservationCount], b: Sequence[ObservationCount]) -> bool:
    """Whether two cells differ: by more than repeats of the same could, or from the first trial on.

    Two in which all trials saw one thing differ if that is not the same, however few they are.
    """
    one, other = ({_shown(o): o.n for o in counts} for counts in (a, b))
    if (min(len(one), len(other)) < 2 and len(one) == len(other)) or not (one and other):
        return one.keys() != other.keys()
    names = sorted(one.keys() | other.keys())
    counts = ([seen.get(name, 0) for name in names] for seen in (one, other))
    return p_value(*counts) <= SIGNIFICANCE


def _shown(observation: ObservationCount) -> str:
    o = observation
    return in_words(o.saw, o.surface, o.scenario, o.stack.server)


def _pooled(cells: Sequence[tuple[Parts, ...]]) -> tuple[Parts, ...]:
    """The cells of stacks that are alike, as one."""
    return tuple(
        tuple(
            Part(parts[0].surface, _summed([part.observations for part in parts]))
            for parts in zip(*column, strict=True)
        )
        for column in zip(*cells, strict=True)
    )


def _summed(cells: Sequence[Sequence[ObservationCount]]) -> tuple[ObservationCount, ...]:
    """The trials of several cells, as those of the first."""
    if len(cells) == 1 or not cells[0]:
        return tuple(cells[0])
    counts: Counter[str] = Counter()
    for cell in cells:
        counts.update({observation.saw: observation.n for observation in cell})
    of = sum(cell[0].of for cell in cells)
    like = {observation.saw: observation for observation in cells[0]}
    return tuple(msgspec.structs.replace(like[saw], n=n, of=of) for saw, n in counts.most_common())
