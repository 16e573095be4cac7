"""One trial as it is set up: the scenario, the server, the group, and how long it is watched."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from hangup.errors import SubjectError
from hangup.model.scenario import Scenario
from hangup.model.trace import Event
from hangup.model.vocabulary import Word
from hangup.runner.server_process import ServerProcess
from hangup.runner.trial_group import TrialGroup

SETTLE_S = 0.05
"""How long to go on watching when everything seems to have been reported."""


def trial_name(scenario: Scenario, repeat: int) -> str:
    """What a trial is called in requests and in the agent's events."""
    return f"{scenario.id}-{repeat}"


def _ignore() -> None:
    """Nobody waits for the answer."""


@dataclass(frozen=True, kw_only=True)
class TrialSetup:
    """What a trial is run with."""

    server: ServerProcess
    scenario: Scenario
    repeat: int
    window_s: float
    phase: float = 0.5
    """Where between two events of a stream under way the client disconnects, from 0 to 1."""
    group: TrialGroup = field(default_factory=TrialGroup)
    """The trials that run at the same time, this one included."""
    on_answer: Callable[[], None] = _ignore
    """Called when the server has answered another request after the client has disconnected."""

    @property
    def name(self) -> str:
        """What the trial is called in requests and in the agent's events."""
        return trial_name(self.scenario, self.repeat)

    @property
    def events(self) -> list[Event]:
        """What the agent has reported of the trial so far."""
        return self.server.trace.events_of(self.name)

    async def failure(self, reason: str) -> SubjectError:
        """Why the trial is inconclusive: the state was not reached, or the server has exited."""
        # A connection is closed before the end of the process that held it can be seen.
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self.server.exited()
        if self.server.running:
            return SubjectError(Word.NOT_REACHED, reason)
        return SubjectError(
            Word.SERVER_EXITED,
            f"{reason}; exit code {self.server.exit_code}: {self.server.log_tail()}",
        )
