"""Every precondition is reached in a way of its own."""

from __future__ import annotations

from typing import get_args

from hangup.model.scenario import Precondition
from hangup.runner.preconditions import REACH


def test_every_precondition_has_a_way_to_it_and_no_other_has() -> None:
    assert set(REACH) == set(get_args(Precondition))
    assert len(set(REACH.values())) == len(REACH)
