"""The evidence for an app: how its trials came out, an example of each way, and the paths."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence

import msgspec

from hangup.analysis.finalization import dropped_ranges_ns
from hangup.analysis.outcomes import Outcomes
from hangup.model.exception_path import ExceptionPath
from hangup.model.outcomes import Cell, Outcome, Saws, distribution
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID, SCENARIOS
from hangup.model.trace import Stack, StackResult
from hangup.model.variants import baseline_id, variant_name
from hangup.model.vocabulary import Word, is_alarm


class OnServer(msgspec.Struct, frozen=True):
    """So many of so many trials on a server came out in one way."""

    server: str
    n: int
    of: int
    repeat: int
    """The trial that is kept of them."""


class CameOut(msgspec.Struct, frozen=True):
    """A way in which trials of a scenario came out, and on which servers."""

    saws: Saws
    on: tuple[OnServer, ...]
    example: Outcome
    dropped_ns: Mapping[str, tuple[int, int]]
    """By generator, when its last reference went at the earliest and at the latest, if that is
    what ended it; since the client left."""

    @property
    def applicable(self) -> Saws:
        """What was seen, without the surfaces that the app does not have."""
        return {s: saws for s, saws in self.saws.items() if saws != (Word.NOT_APPLICABLE,)}


class TracedPaths(msgspec.Struct, frozen=True):
    """The exception paths of a scenario, and the results they were traced on alike."""

    results: tuple[StackResult, ...]
    paths: tuple[ExceptionPath, ...]
    shown_in: str = ""
    """The scenario before it on the page that has the same paths; empty if there is none."""


class Section(msgspec.Struct, frozen=True):
    """The evidence for one scenario."""

    scenario: Scenario
    came_out: tuple[CameOut, ...]
    traced: tuple[TracedPaths, ...]


def sections_that_differ(
    outcomes: Outcomes, found: Sequence[Section], stacks: Sequence[Stack]
) -> list[Section]:
    """Those of a variant's sections that came out otherwise than its baseline's on some server.

    One that the baseline has not is among them. What only the variant looks at counts if it saw an
    exception or an error.
    """
    return [
        section
        for section in found
        if any(_differs(outcomes, stack, section.scenario.id) for stack in stacks)
    ]


def has_section(outcomes: Outcomes, stack: Stack, scenario: str) -> bool:
    """Whether a scenario of a stack has a section: of a variant, if it came out otherwise."""
    if not variant_name(stack.app) or BY_ID[scenario].kind == "recipe":
        return True
    alike = (of.stack for of in outcomes.stacks if _same_page(of.stack, stack))
    return any(_differs(outcomes, one, scenario) for one in alike)


def _same_page(one: Stack, other: Stack) -> bool:
    """Whether two stacks differ in their server only."""
    return msgspec.structs.replace(one, server=other.server) == other


def _differs(outcomes: Outcomes, stack: Stack, scenario: str) -> bool:
    baseline = msgspec.structs.replace(stack, app=baseline_id(stack.app))
    if not outcomes.ran(scenario, [baseline]):
        return True
    for surface in outcomes.surfaces(scenario, [stack]):
        own = outcomes[Cell(stack, scenario, surface)]
        others = outcomes[Cell(baseline, scenario, surface)]
        if all(observation.saw == Word.NOT_APPLICABLE for observation in others):
            if any(is_alarm(o.saw) for o in own):
                return True
        elif distribution(own) != distribution(others):
            return True
    return False


def sections(outcomes: Outcomes, stacks: Sequence[Stack], kind: str) -> list[Section]:
    """The evidence for an app's stacks: a section for each scenario of a kind that was run."""
    found = [
        Section(
            scenario,
            _came_out(outcomes, stacks, scenario.id),
            _traced(outcomes, stacks, scenario.id),
        )
        for scenario in SCENARIOS
        if scenario.kind == kind
    ]
    return [section for section in found if section.came_out]


def with_repeated_paths_named(found: Sequence[Section]) -> list[Section]:
    """The sections of a page, each saying of paths that another has shown which one that is."""
    first: dict[object, str] = {}
    named = []
    for section in found:
        traced = tuple(
            msgspec.structs.replace(
                same,
                shown_in=""
                if (where := first.setdefault(_without_numbers(same.paths), section.scenario.id))
                == section.scenario.id
                else where,
            )
            for same in section.traced
        )
        named.append(msgspec.structs.replace(section, traced=traced))
    return named


def _came_out(outcomes: Outcomes, stacks: Sequence[Stack], scenario: str) -> tuple[CameOut, ...]:
    """The ways in which trials came out, the commonest first."""
    by_saws: dict[object, list[tuple[Stack, Outcome]]] = defaultdict(list)
    of: dict[Stack, int] = defaultdict(int)
    for stack in stacks:
        for trial in outcomes.of(stack).of(scenario):
            by_saws[tuple(trial.saws.items())].append((stack, trial))
            of[stack] += trial.trial.count
    found = []
    for same in by_saws.values():
        by_stack: dict[Stack, list[Outcome]] = defaultdict(list)
        for stack, trial in same:
            by_stack[stack].append(trial)
        on = tuple(
            OnServer(
                stack.server,
                sum(trial.trial.count for trial in trials),
                of[stack],
                trials[0].trial.repeat,
            )
            for stack, trials in by_stack.items()
        )
        dropped_ns = dropped_ranges_ns(trial for _, trial in same)
        found.append(CameOut(same[0][1].saws, on, same[0][1], dropped_ns))
    return tuple(sorted(found, key=lambda came_out: -sum(on.n for on in came_out.on)))


def _traced(outcomes: Outcomes, stacks: Sequence[Stack], scenario: str) -> tuple[TracedPaths, ...]:
    """The exception paths, those that are the same on several servers once."""
    found: dict[object, list[Stack]] = defaultdict(list)
    for stack in stacks:
        paths = outcomes.of(stack).exception_paths.get(scenario)
        if paths:
            found[_without_numbers(paths)].append(stack)
    return tuple(
        TracedPaths(
            tuple(outcomes.of(stack).result for stack in on),
            outcomes.of(on[0]).exception_paths[scenario],
        )
        for on in found.values()
    )


def _without_numbers(paths: Sequence[ExceptionPath]) -> object:
    """What a reader is shown of paths: not the numbers of exceptions and tasks."""
    return tuple(
        (
            path.cancelled_by,
            tuple(
                (f.saw, f.location, f.disposition, f.handler, f.handler_line) for f in path.frames
            ),
        )
        for path in paths
    )
