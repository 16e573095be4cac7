"""What an operator sends to a server, when, and what the end of its process then means. Pure."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass

from hangup.model.process import CRASHES
from hangup.model.scenario import Signal
from hangup.model.vocabulary import Word

AGAIN_S = 0.5
"""How long after the first signal the second one is sent, to a process that is still there."""
INTO_CLEANUP_S = 0.1
"""How long after clean-up was reported to have begun a signal is sent in the middle of it."""
CLEANUP_BEGINS_S = 1.5
"""How long clean-up may take to begin after the client left. It is sent the signal then anyway, so
that the exit is seen, and what became of the clean-up. Shorter than the clean-up: where several
streams share a server, those that have begun theirs are still at it."""


@dataclass(frozen=True, kw_only=True)
class Sending:
    """A signal and to whom it is sent."""

    number: signal.Signals
    to_group: bool = False
    """Whether it goes to all processes of the group, not only to the one that was started."""
    twice: bool = False
    """Whether it is sent once more after `AGAIN_S`."""

    @property
    def title(self) -> str:
        """What a reader is told that the operator sends."""
        return self.number.name + (" to the process group" if self.to_group else "")


SENDINGS: Mapping[Signal, Sending] = {
    "sigterm": Sending(number=signal.SIGTERM),
    "sigint": Sending(number=signal.SIGINT),
    "sigterm-twice": Sending(number=signal.SIGTERM, twice=True),
    "sigterm-group": Sending(number=signal.SIGTERM, to_group=True),
}
"""What is done for each signal that a scenario can have."""


def exit_word(exit_code: int, sent: signal.Signals) -> Word:
    """What the end of a process means that was sent a signal to end it.

    `exit_code` is negative for the signal that ended it. Ended by another signal than the one
    that was sent, it has crashed, or was ended from outside, and then the trial says nothing.
    """
    if exit_code in (0, -sent, 128 + sent):
        return Word.EXITED
    crashed = exit_code < 0 and signal_name(-exit_code) in CRASHES
    return Word.EXITED_WITH_ERROR if exit_code > 0 or crashed else Word.DISTURBED


def exit_in_words(exit_code: int) -> str:
    """How a process ended: `code 0`, `signal SIGTERM`."""
    return f"code {exit_code}" if exit_code >= 0 else f"signal {signal_name(-exit_code)}"


def signal_name(number: int) -> str:
    """The name of a signal, or its number if it has none, as real-time signals do."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return str(number)
