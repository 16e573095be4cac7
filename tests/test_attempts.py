"""Trials that are run until each can be kept, and what one of them says of another."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from hangup.analysis.disturbance import settled
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Trial
from hangup.model.vocabulary import Word
from hangup.runner.attempts import Attempts, settled_together
from tests.test_disturbance import NO_ANSWER, QUIET, WINDOW_S

SETTLE = partial(settled, window_s=WINDOW_S)
IDLE = BY_ID["idle"]


def repeats_of(*came_to: Iterable[Trial]) -> list[Attempts]:
    """A repeat on servers of its own for each of these, with what its attempts came to."""
    made: list[Attempts] = []
    for repeat, trials in enumerate(came_to, 1):
        attempts = Attempts([(IDLE, repeat)], SETTLE)
        for trial in trials:
            attempts.add([msgspec.structs.replace(trial, repeat=repeat)])
        assert not attempts.to_run
        made.append(attempts)
    return made


def failures(repeats: list[Attempts]) -> list[str | None]:
    return [trial.failure for trial in settled_together(repeats)]


def test_what_comes_once_and_not_again_is_disturbed() -> None:
    assert failures(repeats_of([NO_ANSWER, QUIET], [QUIET])) == [Word.DISTURBED, None]


def test_what_comes_now_and_then_is_not_hidden() -> None:
    """On a fresh server it did not come again, but at another repeat it did."""
    repeats = repeats_of([NO_ANSWER, QUIET], [QUIET], [NO_ANSWER, QUIET])
    assert failures(repeats) == [None, None, None]
    answers = [
        any(event.saw == Word.NO_ANSWER for event in trial.events)
        for trial in settled_together(repeats)
    ]
    assert answers == [True, False, True]


def test_trials_on_one_server_do_not_confirm_each_other() -> None:
    """They may all have been disturbed by the same."""
    attempts = Attempts([(IDLE, 1), (IDLE, 2)], SETTLE)
    for trial in (NO_ANSWER, QUIET):
        attempts.add(msgspec.structs.replace(trial, repeat=repeat) for repeat in (1, 2))
    assert failures([attempts]) == [Word.DISTURBED, Word.DISTURBED]
