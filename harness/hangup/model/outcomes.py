"""What trials come to: observations, and the cells of the table that they are looked up in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeAlias

import msgspec

from hangup.model.trace import Stack, Trial

Saws: TypeAlias = Mapping[str, tuple[str, ...]]
"""What each surface saw, by surface, in the order it saw it."""


class Observation(msgspec.Struct, frozen=True, kw_only=True, order=True):
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


class ClassifiedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A trial and what every surface saw in it."""

    trial: Trial
    saws: Saws
