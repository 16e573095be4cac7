"""What the end of a process means that an operator has sent a signal to."""

from __future__ import annotations

import signal
from typing import get_args

import pytest

from hangup.model.scenario import Signal
from hangup.model.scenarios import SCENARIOS
from hangup.model.vocabulary import Word
from hangup.runner.signalling import (
    CLEANUP_BEGINS_S,
    INTO_CLEANUP_S,
    SENDINGS,
    exit_in_words,
    exit_word,
)

ENDS: list[tuple[int, signal.Signals, Word]] = [
    (0, signal.SIGTERM, Word.EXITED),
    (-15, signal.SIGTERM, Word.EXITED),
    (143, signal.SIGTERM, Word.EXITED),
    (0, signal.SIGINT, Word.EXITED),
    (-2, signal.SIGINT, Word.EXITED),
    (130, signal.SIGINT, Word.EXITED),
    (1, signal.SIGTERM, Word.EXITED_WITH_ERROR),
    (130, signal.SIGTERM, Word.EXITED_WITH_ERROR),
    (143, signal.SIGINT, Word.EXITED_WITH_ERROR),
    (137, signal.SIGTERM, Word.EXITED_WITH_ERROR),
    (-9, signal.SIGTERM, Word.DISTURBED),
    (-11, signal.SIGTERM, Word.EXITED_WITH_ERROR),
    (-2, signal.SIGTERM, Word.DISTURBED),
    (-15, signal.SIGINT, Word.DISTURBED),
]


@pytest.mark.parametrize(("exit_code", "sent", "word"), ENDS)
def test_what_the_end_of_a_process_means(exit_code: int, sent: signal.Signals, word: Word) -> None:
    assert exit_word(exit_code, sent) == word


@pytest.mark.parametrize(
    ("exit_code", "words"),
    [(0, "code 0"), (143, "code 143"), (-15, "signal SIGTERM"), (-40, "signal 40")],
)
def test_how_a_process_ended_in_words(exit_code: int, words: str) -> None:
    assert exit_in_words(exit_code) == words


def test_every_signal_that_a_scenario_can_have_is_sent_in_some_way() -> None:
    assert set(SENDINGS) == set(get_args(Signal)) - {""}


def test_a_clean_up_is_under_way_whenever_it_is_signalled_into() -> None:
    interrupted = [s for s in SCENARIOS if s.signal and s.disconnect != "stays"]
    assert interrupted
    for scenario in interrupted:
        assert scenario.script.cleanup_ms / 1000 > CLEANUP_BEGINS_S + INTO_CLEANUP_S
