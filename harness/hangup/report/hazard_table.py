"""Where hazards were found on the baselines, and where other versions differ. No Markdown."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hangup.analysis.hazards import FoundHazard, hazard_trials
from hangup.analysis.outcomes import Outcomes
from hangup.model.hazards import Hazard
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack
from hangup.report.views import VersionGroup


class HazardPlaces(msgspec.Struct, frozen=True):
    """The stacks on which a scenario shows a hazard, and in how many of their trials."""

    scenario: Scenario
    stacks: tuple[Stack, ...]
    ran: tuple[Stack, ...]
    """All stacks of the group on which the scenario was run."""
    n: int
    of: int


class HazardDifference(msgspec.Struct, frozen=True):
    """What another version set or Python adds to a hazard or takes from it."""

    group: VersionGroup
    added: tuple[HazardPlaces, ...]
    removed: tuple[HazardPlaces, ...]
    """Where it was found in the first group and, measured, not in this one."""

    @property
    def changes(self) -> Sequence[tuple[str, Sequence[HazardPlaces]]]:
        """What there is to say, and of which scenarios, once for those of the same stacks."""
        changes = []
        for said, places in (("also", self.added), ("not", self.removed)):
            by_stacks: dict[tuple[Stack, ...], list[HazardPlaces]] = {}
            for place in places:
                by_stacks.setdefault(place.stacks, []).append(place)
            changes += [(said, same) for same in by_stacks.values()]
        return changes

    @property
    def differs(self) -> bool:
        """Whether there is anything to say."""
        return bool(self.added or self.removed)


class HazardRow(msgspec.Struct, frozen=True):
    """A hazard, and where it was found."""

    hazard: Hazard
    first: VersionGroup
    places: tuple[HazardPlaces, ...]
    """In the first group, by scenario."""
    differences: tuple[HazardDifference, ...]

    @property
    def stacks(self) -> Sequence[Stack]:
        """The stacks of the first group that have it."""
        having = {stack for place in self.places for stack in place.stacks}
        return [stack for stack in self.first.stacks if stack in having]

    @property
    def spread(self) -> int:
        """On how many of them it was found."""
        return len(self.stacks)


class _Table:
    def __init__(self, outcomes: Outcomes, found: FoundHazard) -> None:
        self._outcomes = outcomes
        self._hazard = found.hazard
        self._cells = {(cell.stack, cell.scenario) for cell in found.cells}

    def places(self, group: VersionGroup) -> list[HazardPlaces]:
        return self._by_scenario(
            group, {s: [t for t in group.stacks if (t, s) in self._cells] for s in self._scenarios}
        )

    @property
    def _scenarios(self) -> Sequence[str]:
        return self._hazard.scenarios

    def _by_scenario(
        self, group: VersionGroup, found: dict[str, list[Stack]]
    ) -> list[HazardPlaces]:
        return [
            HazardPlaces(
                BY_ID[scenario],
                tuple(stacks),
                tuple(s for s in group.stacks if self._ran(s, scenario)),
                *hazard_trials(self._outcomes, self._hazard, scenario, stacks),
            )
            for scenario, stacks in found.items()
            if stacks
        ]

    def _ran(self, stack: Stack, scenario: str) -> bool:
        return bool(self._outcomes.of(stack).of(scenario))

    def difference(self, first: VersionGroup, group: VersionGroup) -> HazardDifference:
        """What was found in another group at a place of the first, or not found there."""
        added: dict[str, list[Stack]] = {}
        removed: dict[str, list[Stack]] = {}
        own = set(first.stacks)
        for scenario in self._scenarios:
            for stack in group.stacks:
                there = msgspec.structs.replace(stack, versions=first.versions, python=first.python)
                before = there in own and (there, scenario) in self._cells
                now = (stack, scenario) in self._cells
                if now and not before:
                    added.setdefault(scenario, []).append(stack)
                elif before and not now and self._ran(stack, scenario):
                    removed.setdefault(scenario, []).append(stack)
        return HazardDifference(
            group,
            tuple(self._by_scenario(group, added)),
            tuple(self._by_scenario(group, removed)),
        )


def hazard_rows(
    outcomes: Outcomes, groups: Sequence[VersionGroup], found: Sequence[FoundHazard]
) -> list[HazardRow]:
    """A row for each hazard that was found on any baseline."""
    first, *others = groups
    rows = []
    for hazard in found:
        table = _Table(outcomes, hazard)
        row = HazardRow(
            hazard.hazard,
            first,
            tuple(table.places(first)),
            tuple(table.difference(first, group) for group in others),
        )
        if row.places or any(difference.added for difference in row.differences):
            rows.append(row)
    return rows
