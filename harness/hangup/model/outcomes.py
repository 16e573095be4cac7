"""What trials come to: outcomes, how often each thing was observed, and the cells of the table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TypeAlias

import msgspec

from hangup.model.trace import Stack, Trial

Saws: TypeAlias = Mapping[str, tuple[str, ...]]
"""What each surface saw, by surface, in the order it saw it."""


class ObservationCount(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """In `n` of `of` trials this surface saw this: a row of `outcomes.csv`."""

    stack: Stack
    scenario: str
    surface: str
    saw: str
    n: int
    of: int


class Cell(msgspec.Struct, frozen=True, order=True):
    """A place in the table of outcomes."""

    stack: Stack
    scenario: str
    surface: str


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """A trace, classified: a trial and what every surface saw in it."""

    trial: Trial
    saws: Saws


def distribution(counts: Sequence[ObservationCount]) -> tuple[tuple[str, int, int], ...]:
    """What a cell says: cells of which this is the same need not be told apart.

    Where all trials of a cell saw one thing, it does not matter how many they were.
    """
    if len(counts) == 1 and counts[0].n == counts[0].of:
        return ((counts[0].saw, 1, 1),)
    return tuple((count.saw, count.n, count.of) for count in counts)
