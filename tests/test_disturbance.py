"""Which trials are kept, which are run again, and what is said of those that were disturbed."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from hangup.analysis.disturbance import ATTEMPTS, PAUSE_S, disturbances, settled, unexplained
from hangup.model.process import (
    ENDED,
    HARNESS,
    KILLED,
    LINES_LOST,
    PAUSED,
    PROCESS,
    SLEEPING,
    SPINNING,
    STOPPED,
    WORKER_VANISHED,
)
from hangup.model.trace import Event, Trial
from hangup.model.vocabulary import Word
from tests.traces import CLOSES, LEAVES, trial

WINDOW_S = 2.0
SEEN = ("stream begin", LEAVES, "stream end CancelledError at an await", 2000, CLOSES)
ANSWERED = (*SEEN, "liveness saw answered")
SILENT = (*SEEN, "liveness saw no answer")


def a_trial(
    *events: Event, lines: Sequence[str | int] = ANSWERED, failure: Word | None = None
) -> Trial:
    observed = trial("idle", *lines, failure=failure)
    return msgspec.structs.replace(observed, events=(*observed.events, *events))


def of_process(event: str, saw: str | None = None, n: int | None = None) -> Event:
    return Event(t_ns=1, surface=PROCESS, event=event, saw=saw, n=n)


def pause(seconds: float, *, at_s: float = 0.5, event: str = PAUSED, of: str = PROCESS) -> Event:
    return Event(t_ns=round(at_s * 1e9), surface=of, event=event, n=round(seconds * 1000))


QUIET = a_trial()
KILL = of_process(KILLED, saw="SIGKILL")
CRASH = of_process(KILLED, saw="SIGSEGV")
CODE_7 = of_process(ENDED, n=7)
NO_ANSWER = a_trial(of_process("saw", saw=SLEEPING), lines=SILENT)
ENDS = a_trial(CODE_7, failure=Word.SERVER_EXITED)


@pytest.mark.parametrize(
    ("event", "said"),
    [
        (pause(1.2), "its process was not given time to run for 1.2 s"),
        (pause(1.2, event=STOPPED), "its process was stopped for 1.2 s"),
        (pause(1.2, of=HARNESS), "the harness was not given time to run for 1.2 s"),
        (pause(1.2, at_s=9), "its process was not given time to run for 1.2 s"),
        (of_process(LINES_LOST, n=3), "3 lines of its trace were lost"),
        (KILL, "its process was ended by SIGKILL"),
    ],
)
def test_what_happened_from_outside_disturbs_a_trial(event: Event, said: str) -> None:
    assert disturbances(a_trial(event), WINDOW_S) == [said]


def test_pauses_disturb_by_their_share_of_the_window() -> None:
    assert disturbances(a_trial(pause(0.6)), WINDOW_S) == []
    assert disturbances(a_trial(pause(0.6), pause(0.6, at_s=1.2)), WINDOW_S) != []
    assert disturbances(a_trial(pause(0.6), pause(0.6, at_s=3.0)), WINDOW_S) == []
    assert disturbances(a_trial(pause(0.6, at_s=9)), WINDOW_S) == []
    assert disturbances(a_trial(pause(0.6, at_s=9)), window_s=1.0) != []
    assert disturbances(a_trial(pause(PAUSE_S)), window_s=6.0) == []
    assert disturbances(a_trial(pause(PAUSE_S + 0.1)), window_s=6.0) != []


def test_the_window_is_that_of_the_scenario_if_it_has_one() -> None:
    flood = msgspec.structs.replace(a_trial(pause(0.6)), scenario="firehose")
    assert disturbances(flood, WINDOW_S) != []


@pytest.mark.parametrize(
    "observed",
    [QUIET, a_trial(of_process("saw", saw=SPINNING), lines=SILENT), a_trial(CODE_7)],
    ids=["all was seen", "it spins", "it ended when it was to"],
)
def test_what_needs_no_confirmation_is_kept(observed: Trial) -> None:
    assert settled([observed], [], window_s=WINDOW_S) is observed


NEGATIVES = {
    "no answer": NO_ANSWER,
    "ended": ENDS,
    "crashed": a_trial(CRASH, failure=Word.SERVER_EXITED),
    "not reached": a_trial(failure=Word.NOT_REACHED),
    "vanished": a_trial(of_process(WORKER_VANISHED)),
    "not seen": a_trial(lines=(LEAVES, 2000, CLOSES, "liveness saw answered")),
}
negatives = pytest.mark.parametrize("negative", NEGATIVES.values(), ids=NEGATIVES.keys())


@negatives
def test_a_negative_counts_if_a_fresh_server_shows_it_too(negative: Trial) -> None:
    assert settled([negative], [], window_s=WINDOW_S) is None
    again = msgspec.structs.replace(negative, closed_ns=1)
    assert settled([negative, again], [], window_s=WINDOW_S) is negative


@negatives
def test_a_negative_counts_if_another_repeat_shows_it_too(negative: Trial) -> None:
    assert settled([negative], [QUIET, negative], window_s=WINDOW_S) is negative


@negatives
def test_a_negative_that_a_fresh_server_does_not_show_is_disturbed_and_says_so(
    negative: Trial,
) -> None:
    kept = settled([negative, QUIET], [], window_s=WINDOW_S)
    assert kept is not None
    assert kept.failure == Word.DISTURBED
    assert kept.note == f"{unexplained(negative)}; on a fresh server: that did not happen"


def test_negatives_that_differ_do_not_confirm_each_other() -> None:
    other = a_trial(of_process(ENDED, n=8), failure=Word.SERVER_EXITED)
    assert settled([ENDS], [other], window_s=WINDOW_S) is None


def test_a_disturbed_trial_is_run_again_and_what_came_of_it_is_forgotten() -> None:
    disturbed = a_trial(KILL, failure=Word.SERVER_EXITED)
    assert settled([disturbed], [], window_s=WINDOW_S) is None
    assert settled([disturbed, QUIET], [], window_s=WINDOW_S) is QUIET


def test_a_disturbed_trial_confirms_nothing() -> None:
    silent = a_trial(of_process("saw", saw=SLEEPING), pause(1.5), lines=SILENT)
    assert unexplained(silent) == unexplained(NO_ANSWER)
    assert settled([NO_ANSWER], [silent], window_s=WINDOW_S) is None


def test_what_is_disturbed_each_time_says_so() -> None:
    disturbed = a_trial(pause(1.5, event=STOPPED))
    attempts = [disturbed] * ATTEMPTS
    assert settled(attempts[1:], [], window_s=WINDOW_S) is None
    kept = settled(attempts, [], window_s=WINDOW_S)
    assert kept is not None
    assert (kept.failure, kept.note) == (Word.DISTURBED, "its process was stopped for 1.5 s")


@pytest.mark.parametrize("first", [NO_ANSWER, a_trial(KILL)])
@pytest.mark.parametrize("later", [NO_ANSWER, a_trial(KILL)])
def test_attempts_come_to_an_end(first: Trial, later: Trial) -> None:
    attempts = [first]
    while settled(attempts, [], window_s=WINDOW_S) is None:
        attempts.append(later)
    assert len(attempts) <= ATTEMPTS + 1


def test_what_the_runner_calls_disturbed_is() -> None:
    observed = a_trial(failure=Word.DISTURBED)
    assert disturbances(observed, WINDOW_S) == ["it was made up"]
