"""Operators: when real servers are sent their signal, and what is said of how they ended."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from hangup.analysis.classification import classify
from hangup.model.outcomes import Outcome
from hangup.model.trace import CLIENT, SIGNALS, Event
from hangup.model.vocabulary import Word
from hangup.runner.signalling import AGAIN_S, CLEANUP_BEGINS_S, INTO_CLEANUP_S
from tests.command import ROOT, Hangup, write_app
from tests.runs import run

ON_SIGTERM = """
import os, signal

async def handles_sigterm(action, span):
    if action == "wait":
        signal.signal(signal.SIGTERM, on_sigterm)
    await do(action, span)

def on_sigterm(number, frame):
    {handler}

do, service._do = service._do, handles_sigterm
"""
"""An app that handles SIGTERM instead of its server, once its stream waits."""
COUNTS = "counted.append(number); len(counted) == {times} and os._exit(0)\n\ncounted = []"


def outcome_of(
    hangup: Hangup, directory: Path, scenario: str, *changes: str, name: str = "signalled"
) -> Outcome:
    """What came of a scenario of an app that is as `bare` is but for some changes."""
    write_app(directory / "apps", name, *changes)
    (outcome,) = classify(run(hangup, directory, directory / "apps", name, [scenario]))
    return outcome


def signals(outcome: Outcome) -> list[Event]:
    return [event for event in outcome.trial.events if event.event == SIGNALS]


def first_ns(outcome: Outcome, surface: str, event: str) -> int:
    return next(e.t_ns for e in outcome.trial.events if (e.surface, e.event) == (surface, event))


@pytest.mark.parametrize(
    ("handler", "exit_", "detail"),
    [
        ("os._exit(0)", Word.EXITED, "code 0"),
        ("os._exit(143)", Word.EXITED, "code 143"),
        ("os._exit(3)", Word.EXITED_WITH_ERROR, "code 3"),
    ],
)
def test_the_exit_says_how(
    hangup: Hangup, tmp_path: Path, handler: str, exit_: Word, detail: str
) -> None:
    outcome = outcome_of(hangup, tmp_path, "shutdown", ON_SIGTERM.format(handler=handler))
    assert outcome.saws["exit"] == (exit_,)
    (exited,) = (event for event in outcome.trial.events if event.surface == "exit")
    assert exited.detail == detail
    (sent,) = signals(outcome)
    assert (sent.surface, sent.detail, sent.t_ns) == (CLIENT, "SIGTERM", outcome.trial.left_ns)


def test_a_process_that_something_else_has_ended_says_nothing(
    hangup: Hangup, tmp_path: Path
) -> None:
    killed = ON_SIGTERM.format(handler="os.kill(os.getpid(), signal.SIGKILL)")
    outcome = outcome_of(hangup, tmp_path, "shutdown", killed)
    assert outcome.trial.failure == Word.DISTURBED
    assert "SIGKILL" in (outcome.trial.note or "")
    assert outcome.saws["exit"] == (Word.DISTURBED,)


@pytest.mark.parametrize("times", [1, 2])
def test_a_process_is_signalled_once_more_if_it_is_still_there(
    hangup: Hangup, tmp_path: Path, times: int
) -> None:
    counts = ON_SIGTERM.format(handler=COUNTS.format(times=times))
    outcome = outcome_of(hangup, tmp_path, "shutdown-twice", counts)
    assert outcome.saws["exit"] == (Word.EXITED,)
    first, *more = signals(outcome)
    assert len(more) == times - 1
    assert all(again.t_ns - first.t_ns >= AGAIN_S * 1e9 for again in more)


STARTS_ANOTHER = """
import signal, subprocess, sys, threading

WAITS = '''
import os, signal
signal.signal(signal.SIGTERM, lambda *_: os._exit(0))
print(flush=True)
signal.pause()
'''
another = subprocess.Popen([sys.executable, "-c", WAITS], stdout=subprocess.PIPE)
another.stdout.read(1)

def exit_with_it():
    another.wait()
    os._exit(0)

threading.Thread(target=exit_with_it, daemon=True).start()
"""
"""An app that ignores SIGTERM, and exits when a process that it has started has exited."""


@pytest.mark.parametrize(
    ("scenario", "exit_"),
    [("shutdown-group", Word.EXITED), ("shutdown", Word.STILL_RUNNING)],
)
def test_only_a_signal_to_the_group_gets_to_the_processes_that_a_server_has_started(
    hangup: Hangup, tmp_path: Path, scenario: str, exit_: Word
) -> None:
    ignores = ON_SIGTERM.format(handler="pass")
    outcome = outcome_of(hangup, tmp_path, scenario, ignores, STARTS_ANOTHER)
    assert outcome.saws["exit"] == (exit_,)


def test_another_signal_is_another_signal(hangup: Hangup, tmp_path: Path) -> None:
    on_sigint = ON_SIGTERM.format(handler="os._exit(0)").replace("SIGTERM", "SIGINT")
    outcome = outcome_of(hangup, tmp_path, "shutdown-sigint", on_sigint)
    assert outcome.saws["exit"] == (Word.EXITED,)
    assert [event.detail for event in signals(outcome)] == [signal.SIGINT.name]


def test_clean_up_is_under_way_when_the_operator_signals(hangup: Hangup, tmp_path: Path) -> None:
    outcome = outcome_of(hangup, tmp_path, "shutdown-during-cleanup")
    (sent,) = signals(outcome)
    begun_ns = first_ns(outcome, "cleanup", "begin")
    assert outcome.trial.left_ns == first_ns(outcome, CLIENT, "leaves")
    assert sent.t_ns - begun_ns >= INTO_CLEANUP_S * 1e9
    assert sent.t_ns < first_ns(outcome, "cleanup", "end")
    assert outcome.saws["cleanup"] == (Word.FINISHED,)


NEVER_CLEANS_UP = "service.cleanup.CLEANUPS.clear()"


def test_where_clean_up_does_not_begin_there_is_nothing_to_signal_into(
    hangup: Hangup, tmp_path: Path
) -> None:
    outcome = outcome_of(hangup, tmp_path, "shutdown-during-cleanup", NEVER_CLEANS_UP)
    assert not signals(outcome)
    assert outcome.trial.failure == Word.NOT_REACHED
    assert f"clean-up had not begun {CLEANUP_BEGINS_S:g} s" in (outcome.trial.note or "")


def test_a_client_that_does_not_read_is_there_when_the_operator_signals(
    hangup: Hangup, tmp_path: Path
) -> None:
    (outcome,) = classify(run(hangup, tmp_path, ROOT / "apps", "bare", ["shutdown-stalled"]))
    assert outcome.trial.failure is None, outcome.trial.note
    assert "client" not in outcome.saws
    assert outcome.trial.got is None
