"""When a trial has come to what its scenario is about."""

from __future__ import annotations

import pytest

from hangup.model.scenarios import SCENARIOS
from hangup.model.script import Script
from hangup.model.trace import Event
from hangup.runner.trial import came_to_pass


def an_event(surface: str, event: str) -> Event:
    return Event(t_ns=1, surface=surface, event=event)


BEGUN = [an_event("asgi", "begin"), an_event("endpoint", "begin")]
ANSWERED = [*BEGUN, an_event("endpoint", "end"), an_event("source", "begin")]
WAITS = [*ANSWERED, an_event("source", "waiting")]
ENDED = [*ANSWERED, an_event("source", "end")]


@pytest.mark.parametrize(
    ("script", "events", "came"),
    [
        (Script(endpoint="raise"), [], False),
        (Script(endpoint="raise"), BEGUN, False),
        (Script(endpoint="raise"), ANSWERED, True),
        (Script(events=3, then="raise"), [], False),
        (Script(events=3, then="raise"), ANSWERED, False),
        (Script(events=3, then="raise"), ENDED, True),
        (Script(events=3, then="wait", timeout_ms=1), ENDED, False),
        (Script(events=3, then="wait", timeout_ms=1), WAITS, True),
    ],
)
def test_a_control_is_about_what_its_script_ends_with(
    script: Script, events: list[Event], came: bool
) -> None:
    assert came_to_pass(script, events) is came


def test_every_scenario_in_which_nobody_leaves_ends_by_its_script() -> None:
    for scenario in SCENARIOS:
        if scenario.precondition == "ended":
            assert not came_to_pass(scenario.script, BEGUN), scenario.id
            assert came_to_pass(scenario.script, [*WAITS, *ENDED]), scenario.id
