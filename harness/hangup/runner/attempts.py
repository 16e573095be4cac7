"""Trials that are run until each can be kept: what was disturbed is run again on a fresh server."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

from hangup.model.scenario import Scenario
from hangup.model.trace import Trial

Settle: TypeAlias = Callable[[Sequence[Trial], Sequence[Trial]], Trial | None]
"""Given what a trial came to, each time on a fresh server, and what other repeats came to on other
servers: the trial to keep, or None to run it once more. It must come to an end."""


class Attempts:
    """What trials that run at once, as scenario and repeat, have come to so far.

    With `together`, all are run again where one has to be.
    """

    def __init__(
        self, trials: Iterable[tuple[Scenario, int]], settle: Settle, *, together: bool = False
    ) -> None:
        self._trials = list(trials)
        self._settle = settle
        self._together = together
        self._attempts: dict[tuple[str, int], list[Trial]] = {
            (scenario.id, repeat): [] for scenario, repeat in self._trials
        }
        self._settled: dict[tuple[str, int], Trial] = {}

    @property
    def to_run(self) -> list[tuple[Scenario, int]]:
        """The trials to run now; none when all are settled."""
        unsettled = [t for t in self._trials if (t[0].id, t[1]) not in self._settled]
        return self._trials if unsettled and self._together else unsettled

    @property
    def kept(self) -> list[Trial]:
        """The trials that are settled, in their order."""
        keys = ((scenario.id, repeat) for scenario, repeat in self._trials)
        return [self._settled[key] for key in keys if key in self._settled]

    @property
    def made(self) -> list[Trial]:
        """All attempts, those that are not kept included."""
        return [trial for attempts in self._attempts.values() for trial in attempts]

    def settle_again(self, others: Sequence[Trial]) -> None:
        """Settle once more, now that all attempts on other servers have been made.

        What one of them shows may confirm what was not shown again in time.
        """
        for key in self._settled:
            settled = self._settle(self._attempts[key], _same(key, others))
            if settled is not None:
                self._settled[key] = settled

    def add(self, finished: Iterable[Trial], others: Sequence[Trial] = ()) -> bool:
        """Add what trials came to on one server; whether any is kept of them.

        `others` are attempts that were made on other servers.
        """
        any_kept = False
        for trial in finished:
            key = (trial.scenario, trial.repeat)
            if key in self._settled:
                continue
            self._attempts[key].append(trial)
            settled = self._settle(self._attempts[key], _same(key, others))
            if settled is not None:
                self._settled[key] = settled
                any_kept = True
        return any_kept


def _same(key: tuple[str, int], others: Iterable[Trial]) -> list[Trial]:
    """The attempts at other repeats of the same scenario."""
    scenario, repeat = key
    return [trial for trial in others if trial.scenario == scenario and trial.repeat != repeat]


def settled_together(repeats: Sequence[Attempts]) -> list[Trial]:
    """What is kept of all of them when each has come to an end.

    Each has had servers of its own: what one shows may confirm what another does.
    """
    for attempts in repeats:
        others = (trial for other in repeats if other is not attempts for trial in other.made)
        attempts.settle_again(list(others))
    return [trial for attempts in repeats for trial in attempts.kept]
