"""How far a trial under way has come."""

from __future__ import annotations

import pytest

from hangup.model.scenarios import SCENARIOS
from hangup.model.script import Script
from hangup.model.trace import Event
from hangup.runner.trial_events import all_ended, is_sending, script_has_ended, source_is_running


def an_event(surface: str, event: str) -> Event:
    return Event(t_ns=1, surface=surface, event=event)


BEGUN = [an_event("asgi", "begin"), an_event("endpoint", "begin")]
ANSWERED = [*BEGUN, an_event("endpoint", "end"), an_event("source", "begin")]
WAITS = [*ANSWERED, an_event("source", "waiting")]
ENDED = [*ANSWERED, an_event("source", "end")]


@pytest.mark.parametrize(
    ("script", "events", "ended"),
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
    script: Script, events: list[Event], ended: bool
) -> None:
    assert script_has_ended(script, events) is ended


def test_every_scenario_in_which_nobody_leaves_ends_by_its_script() -> None:
    for scenario in SCENARIOS:
        if scenario.precondition == "ended":
            assert not script_has_ended(scenario.script, BEGUN), scenario.id
            assert script_has_ended(scenario.script, [*WAITS, *ENDED]), scenario.id


SEND = [an_event("send", "begin"), an_event("send", "end")]


def test_a_send_is_under_way_until_it_returns() -> None:
    assert not is_sending([])
    assert is_sending(SEND[:1])
    assert not is_sending(SEND)
    assert is_sending([*SEND, SEND[0]])


def test_a_source_runs_from_its_beginning_to_its_end() -> None:
    assert not source_is_running(BEGUN)
    assert source_is_running(WAITS)
    assert not source_is_running(ENDED)


def test_all_has_ended_when_every_span_has() -> None:
    spans = [an_event(surface, "begin") for surface in ("asgi", "stream")]
    ends = [an_event(surface, "end") for surface in ("stream", "asgi")]
    assert not all_ended([], cleans_up=False)
    assert not all_ended([*spans, ends[0]], cleans_up=False)
    assert all_ended([*spans, *ends], cleans_up=False)
    # The app is called again before the first call has returned.
    assert not all_ended([*spans, *ends, spans[0]], cleans_up=False)


def test_clean_up_that_was_called_for_is_waited_for() -> None:
    notified = [
        an_event("asgi", "begin"),
        an_event("stream", "saw"),
        an_event("asgi", "end"),
    ]
    assert all_ended(notified, cleans_up=False)
    assert not all_ended(notified, cleans_up=True)
    assert all_ended([notified[0], notified[2]], cleans_up=True)
    cleanup = [an_event("cleanup", "begin"), an_event("cleanup", "end")]
    assert not all_ended([*notified, cleanup[0]], cleans_up=True)
    assert all_ended([*notified, *cleanup], cleans_up=True)
