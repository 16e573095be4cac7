"""What ending the server comes to: whether its process exits, when, what a stream sees. Pure.

A process exits if it has ended by itself, within the window, as a signal asks it to; the time
counts from the first signal.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.proportions import upper_bound
from hangup.model import scenarios
from hangup.model.hazards import NOTIFIED, SHUTDOWNS
from hangup.model.outcomes import Cell, ObservationCount
from hangup.model.trace import CLIENT, Stack, Trial
from hangup.model.vocabulary import FAILURES, Surface, Word

SIGNALS = "signals"
"""The event of the client's side that is the operator's signal."""


class Shutdown(msgspec.Struct, frozen=True, kw_only=True):
    """The trials of one way of ending the server on one stack."""

    stack: Stack
    scenario: str
    stream: tuple[ObservationCount, ...]
    """How the stream ended."""
    cleanup: tuple[ObservationCount, ...]
    """What came of its clean-up, where it has one."""
    exit: tuple[ObservationCount, ...]
    """What became of the process."""
    exits_ns: tuple[int, ...]
    """How long after the first signal it exited, by the trials that were kept and did."""

    @property
    def of(self) -> int:
        """How many trials were conclusive."""
        return self._trials(lambda saw: saw not in FAILURES)

    @property
    def exited(self) -> int:
        """In how many of them the process exited within the window, as asked."""
        return self._trials(lambda saw: saw == Word.EXITED)

    @property
    def told(self) -> bool:
        """Whether, in every trial, the stream was ended by an exception raised in it."""
        return all(found.saw in NOTIFIED for found in self.stream if found.saw not in FAILURES)

    def _trials(self, wanted: Callable[[str], bool]) -> int:
        return sum(found.n for found in self.exit if wanted(found.saw))


class Exits(msgspec.Struct, frozen=True):
    """In how many trials a process exited within the window, and of how many."""

    exited: int
    of: int

    @property
    def always(self) -> bool:
        """Whether there were trials and it exited in each."""
        return self.of > 0 and self.exited == self.of

    @property
    def share(self) -> float:
        """The share of the trials in which it exited, from 0 to 1; 0 if there were none."""
        return self.exited / self.of if self.of else 0.0

    def bound(self, chosen_from: int) -> float:
        """The share in which it does not exit that this allows, from 0 to 1 (95 %, one-sided).

        It allows for it being the best of so many.
        """
        return upper_bound(self.of - self.exited, self.of, chosen_from)


def shutdowns(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[Shutdown]:
    """All that was tried on some stacks, by scenario and in the order of the stacks."""
    found = (
        _shutdown(outcomes, stack, scenario)
        for scenario in SHUTDOWNS
        for stack in stacks
        if outcomes.ran(scenario, [stack])
    )
    return [shutdown for shutdown in found if shutdown.of]


def _shutdown(outcomes: Outcomes, stack: Stack, scenario: str) -> Shutdown:
    surfaces = Surface.STREAM_END, Surface.CLEANUP, Surface.EXIT
    stream, cleanup, exit_ = (outcomes[Cell(stack, scenario, surface)] for surface in surfaces)
    times = (exit_ns(trial.trial) for trial in outcomes.of(stack).of(scenario))
    return Shutdown(
        stack=stack,
        scenario=scenario,
        stream=stream,
        cleanup=cleanup,
        exit=exit_,
        exits_ns=tuple(time for time in times if time is not None),
    )


def exit_ns(trial: Trial) -> int | None:
    """How long after the first signal the process exited; None if it did not within the window."""
    sent = (e.t_ns for e in trial.events if e.surface == CLIENT and e.event == SIGNALS)
    ended = (e.t_ns for e in trial.events if e.surface == Surface.EXIT and e.saw == Word.EXITED)
    since_ns, at_ns = next(sent, None), next(ended, None)
    if trial.failure is not None or since_ns is None or at_ns is None:
        return None
    return at_ns - since_ns


def exits(found: Sequence[Shutdown]) -> Exits:
    """In how many of these trials the process exited, taken together."""
    return Exits(sum(one.exited for one in found), sum(one.of for one in found))


class Setting(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it is started, and what ending it comes to in all ways that were tried."""

    server: str
    shutdowns: tuple[Shutdown, ...]

    @property
    def exits(self) -> Exits:
        """Over all ways and stacks."""
        return exits(self.shutdowns)

    def bound(self, chosen_from: int) -> float:
        """The share in which it does not exit that the trials of the worst way allow, from 0 to 1.

        The ways are not one question, and of each there are few trials.
        """
        return max(exits(self.of(way)).bound(chosen_from) for way in self.ways)

    @property
    def ways(self) -> list[str]:
        """The scenarios that were tried."""
        return list(dict.fromkeys(one.scenario for one in self.shutdowns))

    def of(self, scenario: str) -> list[Shutdown]:
        """Those of one way."""
        return [one for one in self.shutdowns if one.scenario == scenario]

    @property
    def not_always(self) -> list[str]:
        """The ways in which the process did not exit in every trial on every stack."""
        return [scenario for scenario in self.ways if not exits(self.of(scenario)).always]

    @property
    def not_told(self) -> list[str]:
        """The ways, of a client that stays, in which not every stream was told on every stack."""
        return [
            scenario
            for scenario in self.ways
            if scenarios.BY_ID[scenario].disconnect == "stays"
            and not all(one.told for one in self.of(scenario))
        ]


def settings(found: Sequence[Shutdown]) -> list[Setting]:
    """The servers and their variants, in the order in which they are found."""
    return [
        Setting(server=server, shutdowns=tuple(s for s in found if s.stack.server == server))
        for server in dict.fromkeys(one.stack.server for one in found)
    ]


def best(of_server: Sequence[Setting]) -> Setting:
    """The setting with which the process exits most often; of equals, the first.

    They are compared on the apps and in the ways that all of them were tried with.
    """
    common = set.intersection(
        *({(s.stack.app, s.scenario) for s in setting.shutdowns} for setting in of_server)
    )

    def share(setting: Setting) -> float:
        alike = [s for s in setting.shutdowns if (s.stack.app, s.scenario) in common]
        return exits(alike).share

    return max(of_server, key=share)
