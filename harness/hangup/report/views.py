"""What the templates are given: outcomes, grouped as the tables need them. No Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from itertools import groupby

import msgspec

from hangup.analysis import coverage
from hangup.analysis.coverage import NotRun
from hangup.analysis.hazards import FoundHazard
from hangup.analysis.latency import LatencyRow, latency_rows
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.upstream import CostRow
from hangup.model import servers
from hangup.model.apps import REFERENCE
from hangup.model.outcomes import Cell, ObservationCount, distribution
from hangup.model.scenario import Scenario
from hangup.model.trace import Stack, StackResult
from hangup.model.variants import variant_name
from hangup.model.vocabulary import HOOK, Surface, Word

CURRENT = "current"
"""The version set that comes first."""


class Agreeing(msgspec.Struct, frozen=True):
    """The stacks of one app on which the same was seen in a cell."""

    stacks: tuple[Stack, ...]
    observations: tuple[ObservationCount, ...]
    scenario: str
    applicable: bool
    """False where the scenario was run and the app has no such surface."""


class VersionGroup:
    """The stacks of one version set under one Python: the baselines, if there are any.

    What a variant changes is an effect, and shown as such.
    """

    def __init__(self, outcomes: Outcomes, results: Sequence[StackResult]) -> None:
        baselines = [result for result in results if is_baseline(result.stack)]
        self.outcomes = outcomes
        self.results = baselines or results
        self.stacks = [result.stack for result in self.results]
        self.with_variants = [result.stack for result in results]
        self.versions = self.stacks[0].versions
        self.python = self.stacks[0].python

    @property
    def id(self) -> str:
        return f"{self.versions}-py{self.python}"

    @cached_property
    def apps(self) -> Mapping[str, Sequence[Stack]]:
        """The apps and their stacks."""
        found: dict[str, list[Stack]] = defaultdict(list)
        for stack in self.stacks:
            found[stack.app].append(stack)
        return found

    def results_of(self, app: str) -> Sequence[StackResult]:
        """The results of an app's stacks."""
        return [result for result in self.results if result.stack.app == app]

    def ran(self, scenario: str) -> bool:
        """Whether a scenario was run in this group at all."""
        return self.outcomes.ran(scenario, self.stacks)

    def cell(self, app: str, scenario: str, surface: str) -> Sequence[Agreeing]:
        """What the stacks of one app saw: once if they agree, else by server."""
        return agreeing(self.outcomes, self.apps[app], scenario, surface)

    def surfaces(self, scenario: str) -> Sequence[str]:
        """The surfaces that are worth a row: those that any app of the group has."""
        return [
            surface
            for surface in self.outcomes.surfaces(scenario, self.stacks)
            if is_applicable_anywhere(self.outcomes, self.stacks, [scenario], surface)
        ]

    def global_handlers(self, app: str, scenarios: Sequence[Scenario]) -> Sequence[str]:
        """The handlers, middleware and hooks that an app has, and the server's log."""
        return global_handlers(self.outcomes, self.apps[app], [s.id for s in scenarios])

    @property
    def not_run(self) -> Sequence[NotRun]:
        """What a thorough run would add."""
        return coverage.not_run(self.results)

    @cached_property
    def latencies(self) -> Sequence[LatencyRow]:
        """The latencies there are."""
        return latency_rows(self.results)

    def places(self, hazard: FoundHazard) -> Mapping[str, Sequence[HazardPlace]]:
        """Where a hazard was found: for each app its scenarios and servers."""
        cells: dict[tuple[str, str], list[Stack]] = defaultdict(list)
        own = set(self.stacks)
        for cell in hazard.cells:
            if cell.stack in own:
                cells[cell.stack.app, cell.scenario].append(cell.stack)
        found: dict[str, list[HazardPlace]] = defaultdict(list)
        for (app, scenario), stacks in cells.items():
            everywhere = len(stacks) == len(self.apps[app])
            found[app].append(HazardPlace(scenario, tuple(stacks), everywhere))
        return found

    def costs(self, rows: Sequence[CostRow]) -> Sequence[CostRow]:
        """Those of the rows that are this group's."""
        own = set(self.stacks)
        return [row for row in rows if row.stack in own]


def is_baseline(stack: Stack) -> bool:
    """Whether neither the app nor the server is a variant."""
    return not (variant_name(stack.app) or variant_name(stack.server))


class HazardPlace(msgspec.Struct, frozen=True):
    """A scenario in which an app has a hazard, and on which servers."""

    scenario: str
    stacks: tuple[Stack, ...]
    everywhere: bool


def groups(outcomes: Outcomes) -> list[VersionGroup]:
    """The outcomes by version set and Python, in the order of the report."""
    ordered = in_order(of_stack.result for of_stack in outcomes.stacks)
    return [
        VersionGroup(outcomes, list(results))
        for _, results in groupby(ordered, key=lambda r: (r.stack.versions, r.stack.python))
    ]


def in_order(results: Iterable[StackResult]) -> list[StackResult]:
    """What is current first, a newer Python before an older one; then the reference."""
    known = list(servers.BY_ID)

    def key(result: StackResult) -> tuple[bool, str, tuple[int, ...], bool, str, int]:
        stack = result.stack
        server = known.index(stack.server) if stack.server in known else len(known)
        feature = tuple(-int(number) for number in stack.python.split("."))
        group = (stack.versions != CURRENT, stack.versions, feature)
        return (*group, stack.app != REFERENCE, stack.app, server)

    return sorted(results, key=key)


def agreeing(
    outcomes: Outcomes, stacks: Sequence[Stack], scenario: str, surface: str
) -> Sequence[Agreeing]:
    """What stacks saw in a cell, those that saw the same together."""
    found: dict[tuple[object, ...], list[Stack]] = defaultdict(list)
    for stack in stacks:
        observations = outcomes[Cell(stack, scenario, surface)]
        applicable = bool(observations) or not outcomes.ran(scenario, [stack])
        found[distribution(observations), applicable].append(stack)
    return [
        Agreeing(
            stacks=tuple(on),
            observations=outcomes[Cell(on[0], scenario, surface)],
            scenario=scenario,
            applicable=bool(key[1]),
        )
        for key, on in found.items()
    ]


_HANDLERS_SHOWN = (
    Surface.HANDLER,
    Surface.HANDLER_APP_ERROR,
    Surface.HANDLER_CANCELLED,
    Surface.MIDDLEWARE,
    Surface.DEPENDENCY,
    Surface.BACKGROUND,
)


def global_handlers(
    outcomes: Outcomes, stacks: Sequence[Stack], scenarios: Sequence[str]
) -> list[str]:
    """The handlers, middleware and hooks that an app has, and the server's log."""
    looked_at = {s for name in scenarios for s in outcomes.surfaces(name, stacks)}
    hooks = sorted(surface for surface in looked_at if surface.startswith(HOOK))
    return [
        *(
            str(s)
            for s in (*_HANDLERS_SHOWN, *hooks)
            if is_applicable_anywhere(outcomes, stacks, scenarios, s)
        ),
        str(Surface.SERVER_LOG),
    ]


def is_applicable_anywhere(
    outcomes: Outcomes, stacks: Sequence[Stack], scenarios: Sequence[str], surface: str
) -> bool:
    """Whether a surface is applicable anywhere in these scenarios on these stacks."""
    return any(
        observation.saw != Word.NOT_APPLICABLE
        for stack in stacks
        for scenario in scenarios
        for observation in outcomes[Cell(stack, scenario, surface)]
    )
