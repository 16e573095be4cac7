"""What the results at hand do not hold, and whether tracing changed what was seen. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import Literal

import msgspec

from hangup.analysis.outcomes import Outcomes
from hangup.model.outcomes import Cell
from hangup.model.scenario import Scenario
from hangup.model.scenarios import SCENARIOS, fits
from hangup.model.trace import Stack, StackResult

Part = Literal["relays", "polling", "shutdowns", "recipes", "exception-paths"]
"""What only thorough runs have."""

_ONLY_THOROUGH: dict[Part, Callable[[Scenario], bool]] = {
    "relays": lambda s: s.relays,
    "polling": lambda s: s.script.polls,
    "shutdowns": lambda s: s.kind == "operator",
    "recipes": lambda s: s.kind == "recipe",
}
"""Which scenarios that is."""


class NotRun(msgspec.Struct, frozen=True):
    """Something that a thorough run would add, and the stacks it is missing on."""

    what: Part
    stacks: tuple[Stack, ...]


def not_run(results: Sequence[StackResult]) -> list[NotRun]:
    """What a thorough run would add to these results."""
    missing: dict[Part, list[Stack]] = defaultdict(list)
    for result in results:
        ran = {trial.scenario for trial in result.trials}
        for what, belongs in _ONLY_THOROUGH.items():
            fitting = {
                s.id
                for s in SCENARIOS
                if s.thorough and belongs(s) and fits(s, result.surfaces, result.unsupported)
            }
            if fitting and ran.isdisjoint(fitting):
                missing[what].append(result.stack)
        if not result.traced:
            missing["exception-paths"].append(result.stack)
    return [NotRun(what, tuple(stacks)) for what, stacks in missing.items()]


class TracingEffect(msgspec.Struct, frozen=True, kw_only=True):
    """Whether tracing exceptions has changed what was seen."""

    cells: int
    """So many cells were compared."""
    differing: tuple[tuple[Cell, str], ...]
    """Those in which the trial with tracing saw what no other trial saw, and what."""


def tracing_effect(outcomes: Outcomes, stacks: Iterable[Stack] | None = None) -> TracingEffect:
    """Compare each trial in which exceptions were traced with those in which they were not.

    That is on these stacks; on all, if none are named.
    """
    cells = 0
    differing = []
    for of_stack in outcomes.stacks if stacks is None else map(outcomes.of, stacks):
        for scenario, traced in of_stack.traced.items():
            if traced.trial.failure is not None:
                continue
            usual: dict[str, set[str]] = defaultdict(set)
            for trial in of_stack.of(scenario):
                for surface, saws in trial.saws.items():
                    usual[surface].update(saws)
            for surface, saws in traced.saws.items():
                if surface not in usual:
                    continue
                cells += 1
                cell = Cell(of_stack.stack, scenario, surface)
                differing += [(cell, saw) for saw in saws if saw not in usual[surface]]
    return TracingEffect(cells=cells, differing=tuple(differing))
