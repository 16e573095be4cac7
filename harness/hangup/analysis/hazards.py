"""The cells in which a hazard was found. Pure: outcomes in, cells out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from hangup.analysis.conditions import decide
from hangup.analysis.outcomes import Outcomes
from hangup.model.hazards import HAZARDS, Hazard
from hangup.model.outcomes import Cell
from hangup.model.trace import Stack


class FoundHazard(msgspec.Struct, frozen=True):
    """A hazard and the cells it was found in, sorted."""

    hazard: Hazard
    cells: tuple[Cell, ...]


def found_hazards(outcomes: Outcomes, hazards: Sequence[Hazard] = HAZARDS) -> list[FoundHazard]:
    """The hazards that were found at all, in the order given."""
    found = [FoundHazard(hazard, _cells(outcomes, hazard)) for hazard in hazards]
    return [hazard for hazard in found if hazard.cells]


def _cells(outcomes: Outcomes, hazard: Hazard) -> tuple[Cell, ...]:
    return tuple(
        sorted(
            Cell(of_stack.stack, scenario, hazard.surface)
            for of_stack in outcomes.stacks
            for scenario in hazard.scenarios
            if any(decide(hazard.condition, trial) for trial in of_stack.of(scenario))
        )
    )


def hazard_trials(
    outcomes: Outcomes, hazard: Hazard, scenario: str, stacks: Iterable[Stack]
) -> tuple[int, int]:
    """In how many of a scenario's trials on these stacks a hazard was found, and of how many.

    Trials that cannot decide it are not counted.
    """
    decided = [
        (decision, trial.trial.count)
        for stack in stacks
        for trial in outcomes.of(stack).of(scenario)
        if (decision := decide(hazard.condition, trial)) is not None
    ]
    return sum(n for found, n in decided if found), sum(n for _, n in decided)
