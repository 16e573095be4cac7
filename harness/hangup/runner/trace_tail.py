"""Follows the agent's events in the file they are appended to, and sorts them by trial.

The file is read again and again and never waited for, so that a server that dies loses nothing
it has written.
"""

from __future__ import annotations

from collections import defaultdict
from typing import BinaryIO

import msgspec

from hangup.model.exception_path import Step
from hangup.model.trace import EXCEPTION_PATH, Event


class _Line(msgspec.Struct):
    """One line of the agent's events (`hangup.agent.probe`)."""

    t: int
    trial: str | None
    surface: str
    event: str
    saw: str | None = None
    at: str | None = None
    n: int | None = None
    detail: str | None = None
    # Of the steps of an exception (`hangup.agent.exception_tracer`):
    frame: int = 0
    function: str = ""
    file: str = ""
    line: int = 0
    task: str | None = None
    of: int | None = None
    kinds: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(_Line)


class TraceTail:
    """What the agent of one server has reported so far, by trial, in the order it was written."""

    def __init__(self, file: BinaryIO) -> None:
        self.unattributed_events: list[Event] = []
        """Events that belong to no trial: rejected handlers, log lines outside of requests."""
        self.damaged_lines = 0
        """How many lines were not whole, as when the disk is full."""
        self._file = file
        self._partial_line = b""
        self._events: dict[str, list[Event]] = defaultdict(list)
        self._steps: dict[str, list[Step]] = defaultdict(list)

    def read(self) -> bool:
        """Take what has been written since; whether there was anything."""
        data = self._file.read()
        *lines, self._partial_line = (self._partial_line + data).split(b"\n")
        for line in lines:
            try:
                self._take(_decoder.decode(line))
            except (msgspec.MsgspecError, UnicodeDecodeError):
                self.damaged_lines += 1
        return bool(data)

    def events_of(self, trial: str) -> list[Event]:
        """The events of a trial."""
        return self._events[trial]

    def steps_of(self, trial: str) -> list[Step]:
        """The steps of the exceptions of a trial, if the server traces them."""
        return self._steps[trial]

    def forget(self, trial: str) -> None:
        """Drop what was reported of a trial that is over."""
        self._events.pop(trial, None)
        self._steps.pop(trial, None)

    def _take(self, line: _Line) -> None:
        if line.surface == EXCEPTION_PATH:
            self._steps[line.trial or ""].append(_step(line))
        elif line.trial is None:
            self.unattributed_events.append(_event(line))
        else:
            self._events[line.trial].append(_event(line))


def _event(line: _Line) -> Event:
    return Event(
        t_ns=line.t,
        surface=line.surface,
        event=line.event,
        saw=line.saw,
        at=line.at,
        n=line.n,
        detail=line.detail,
    )


def _step(line: _Line) -> Step:
    return Step(
        event=line.event,
        n=line.n or 0,
        saw=line.saw or "",
        frame=line.frame,
        function=line.function,
        file=line.file,
        line=line.line,
        task=line.task,
        at=line.at,
        of=line.of,
        kinds=line.kinds,
    )
