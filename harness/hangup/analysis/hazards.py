"""The cells in which a hazard was found. Pure: outcomes in, cells out."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hangup.analysis.conditions import decide
from hangup.analysis.outcomes import Outcomes
from hangup.model.hazards import HAZARDS, Hazard
from hangup.model.outcomes import Cell


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
