"""A trace as people read it."""

from __future__ import annotations

import msgspec
import pytest

from hangup.analysis.classification import classify_trial
from hangup.model import servers
from hangup.model.outcomes import Outcome
from hangup.model.process import LINES_LOST
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Event, Trial
from hangup.model.vocabulary import Word
from hangup.report import timeline
from hangup.report.observations import in_words
from tests.rendering import rendered
from tests.traces import CLOSES, LEAVES, Line, stack_result, trial


def shown(of: Trial) -> list[str]:
    saws = classify_trial(of, BY_ID[of.scenario], ())
    return timeline.text(Outcome(trial=of, saws=saws)).splitlines()


def test_an_upstreams_sends_are_shown_at_both_ends_and_around_the_hang_up() -> None:
    def sends(first: int, last: int) -> list[Line]:
        return [f"upstream sends #{n}" for n in range(first, last + 1)]

    long = trial("relay", "upstream accepts", *sends(1, 100), LEAVES, *sends(101, 200), CLOSES)
    lines = shown(long)
    numbers = [int(line.split()[3][1:]) for line in lines if line.endswith("sends")]
    assert numbers == [*range(1, 7), *range(95, 107), *range(195, 201)]
    assert sum("… 88 more …" in line for line in lines) == 2


def test_calls_in_the_middle_of_many_are_counted() -> None:
    calls = [line for n in range(1, 51) for line in (f"send begin #{n}", f"send end #{n}")]
    lines = shown(trial("idle", "stream begin", *calls, LEAVES, CLOSES))
    assert any("… 88 more …" in line for line in lines)
    assert not any("#20 begins" in line for line in lines)


def test_events_that_were_not_kept_are_mentioned() -> None:
    whole = trial("idle", "stream begin", LEAVES, CLOSES)
    assert not any("not kept" in line for line in shown(whole))
    thinned = msgspec.structs.replace(whole, omitted_events=7)
    assert any("7 events of send() and receive() were not kept" in line for line in shown(thinned))


def test_surfaces_that_the_app_does_not_have_are_left_out() -> None:
    assert not any("not applicable" in line for line in shown(trial("idle", LEAVES, CLOSES)))


def test_what_the_operator_does_is_said_to_be_the_operators() -> None:
    lines = shown(trial("shutdown-during-cleanup", LEAVES, "client signals (SIGTERM)", CLOSES))
    assert lines[1].split() == ["1.00", "ms", "operator", "sends", "SIGTERM"]


def test_a_signal_in_an_older_trace_is_the_operators_too() -> None:
    lines = shown(trial("shutdown", f"{LEAVES} (the operator sends SIGTERM)", CLOSES))
    assert lines[0].split()[2:] == ["operator", "sends", "SIGTERM"]


@pytest.mark.parametrize(
    ("server", "words"),
    [
        (None, "not within 6 s"),
        ("hypercorn", "not within 6 s"),
        ("patient", "not within 6 s (its documented grace period is 30 s)"),
    ],
)
def test_a_process_that_has_not_exited_is_said_to_have_had_so_long(
    server: str | None, words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = msgspec.structs.replace(servers.BY_ID["uvicorn"], id="patient", grace_s=30.0)
    monkeypatch.setitem(servers.BY_ID, patient.id, patient)
    assert in_words(Word.STILL_RUNNING, "exit", "shutdown", server) == words
    assert in_words(Word.EXITED, "exit", "shutdown", server) == Word.EXITED
    assert in_words(Word.STILL_RUNNING, "asgi", "shutdown", server) == Word.STILL_RUNNING


def test_cells_and_timelines_say_so() -> None:
    slow = trial("shutdown", "stream begin", LEAVES, CLOSES, f"exit saw {Word.STILL_RUNNING}")
    pages = rendered(stack_result(slow))
    assert "| `exit` | not within 6 s |" in pages["scenarios/shutdown.md"]
    assert "not within 6 s" in pages["evidence/current-py3.13/starlette/shutdown.md"]


def test_what_happened_to_the_process_is_said_in_words() -> None:
    observed = trial("idle", "process stopped (for 1.2 s)", "process killed SIGKILL", CLOSES)
    observed = msgspec.structs.replace(
        observed,
        events=(*observed.events, Event(t_ns=9_000_000, surface="process", event=LINES_LOST, n=3)),
    )
    said = [" ".join(line.split()[2:]) for line in shown(observed)]
    assert "process is stopped (for 1.2 s)" in said
    assert "process is ended by SIGKILL" in said
    assert "process loses lines of its trace: 3" in said
