"""What is kept of a trial and of a server's log: nothing that tells whose machine it was."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import msgspec

from hangup.environment.exception_path import with_handlers
from hangup.environment.scrubbing import scrub, scrub_file
from hangup.errors import SubjectError
from hangup.model.exception_path import Step
from hangup.model.scenario import Scenario
from hangup.model.trace import REJECTED, Event, Trial
from hangup.model.vocabulary import Surface
from hangup.runner.trace_tail import TraceTail

SelectSteps = Callable[[Sequence[Step]], Sequence[Step]]
"""Which of a trial's steps are kept."""


class UnattributedEvents:
    """What servers have reported that belongs to no trial, while some scenarios ran on them."""

    def __init__(self, staged: Path) -> None:
        self.rejected_registrations: dict[str, str] = {}
        """The handlers the framework would not register, and what it raised."""
        self.log_lines: list[str] = []
        self._staged = staged

    def take(self, trace: TraceTail, reported_before: int) -> None:
        """Take the handlers rejected at the start, and what was logged after so many events."""
        for event in trace.unattributed_events:
            if event.event == REJECTED:
                reason = f"{event.saw}: {event.detail}" if event.detail else event.saw or ""
                self.rejected_registrations[event.surface] = scrub(reason, self._staged)
        self.log_lines += [
            f"{event.saw}: {event.detail}"
            for event in trace.unattributed_events[reported_before:]
            if event.surface == Surface.SERVER_LOG
        ]

    def lines_of(self, scenario: Scenario) -> tuple[str, ...]:
        """The lines, said to have been logged while this scenario ran."""
        return tuple(scrub(f"{scenario.id}: {line}", self._staged) for line in self.log_lines)


def failed_trial(scenario: Scenario, repeat: int, error: SubjectError) -> Trial:
    """The trial for which there was no server."""
    return Trial(scenario=scenario.id, repeat=repeat, failure=error.word, note=str(error))


def with_process_events(trial: Trial, since_ns: int, events: Iterable[Event]) -> Trial:
    """The trial, begun at `since_ns`, with what happened to processes meanwhile.

    The times of these events are not yet counted from the trial's beginning.
    """
    found = [msgspec.structs.replace(e, t_ns=max(0, e.t_ns - since_ns)) for e in events]
    merged = sorted([*trial.events, *found], key=lambda event: event.t_ns)
    return msgspec.structs.replace(trial, events=tuple(merged)) if found else trial


def scrubbed(trial: Trial, staged: Path) -> Trial:
    """The trial without this machine's paths and a process's addresses in its messages."""
    return msgspec.structs.replace(
        trial,
        note=trial.note and scrub(trial.note, staged),
        events=tuple(
            msgspec.structs.replace(event, detail=scrub(event.detail, staged))
            if event.detail
            else event
            for event in trial.events
        ),
    )


def with_selected_steps(trial: Trial, staged: Path, select_steps: SelectSteps) -> Trial:
    """The trial with its steps selected; they say what handled an exception, by short paths."""
    steps = [
        msgspec.structs.replace(step, file=scrub_file(step.file, staged), kinds=())
        for step in with_handlers(trial.steps)
    ]
    return msgspec.structs.replace(trial, steps=tuple(select_steps(steps)))
