"""The pulse of one process of a server, as its agent writes it (`hangup.agent.pulse`)."""

from __future__ import annotations

import os
import struct
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

FILE_NAME = "pulse-"
"""What the name of the file begins with; the number of the process follows."""
FIRST_PAUSE = 8
PAUSES = 128
SIZE = 8 * (FIRST_PAUSE + 3 * PAUSES)
LATE_NS = 150_000_000
"""A process whose last beat is older does not run at the moment, or has ended."""


@dataclass(frozen=True)
class Pause:
    """A time in which a process did not beat."""

    since_ns: int
    until_ns: int
    cpu_ns: int
    """The processor time that it used meanwhile: it may have been in C code that lets no other
    thread of the interpreter run."""
    stopped: bool = False
    """Whether it was seen to be stopped by a signal."""

    def lost_ns(self, since_ns: int, until_ns: int) -> int:
        """For how much of this time it did not run and was due to."""
        within_ns = min(self.until_ns, until_ns) - max(self.since_ns, since_ns)
        return min(within_ns, self.until_ns - self.since_ns - self.cpu_ns)


@dataclass(frozen=True)
class State:
    """What a process does at one moment, as the system tells."""

    cpu_ns: int
    """The processor time that it has used by then."""
    runnable: bool = False
    """Whether its first thread runs or could run."""
    stopped: bool = False
    """Whether it is stopped by a signal, or a debugger."""


class Pulse:
    """The file of one process, read whenever something is asked."""

    def __init__(self, path: Path) -> None:
        self.process = psutil.Process(int(path.name.removeprefix(FILE_NAME)))
        self._file = os.open(path, os.O_RDONLY)

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)

    def beat(self) -> tuple[int, int]:
        """When the last beat was, and the processor time used by then, in ns."""
        beat_ns, cpu_ns = struct.unpack("@qq", os.pread(self._file, 16, 0))
        return beat_ns, cpu_ns

    @property
    def lost_lines(self) -> int:
        """How many lines of the trace this process could not write whole."""
        return self._number(2)

    @property
    def ended_in_order(self) -> bool:
        """Whether its interpreter has ended as it does when a program is over."""
        return self._number(4) == 1

    def pauses(self) -> list[Pause]:
        """The last pauses of the process, the one that it is in included."""
        numbers = struct.unpack(f"@{SIZE // 8}q", os.pread(self._file, SIZE, 0))
        slots = (numbers[i : i + 3] for i in range(FIRST_PAUSE, len(numbers), 3))
        found = [Pause(*slot) for slot in slots if slot[0]]
        beat_ns, beat_cpu_ns, *_ = numbers
        now_ns = time.monotonic_ns()
        state = self.late_state()
        if state is not None:
            found.append(Pause(beat_ns, now_ns, max(0, state.cpu_ns - beat_cpu_ns)))
        return found

    def late_state(self) -> State | None:
        """The state of the process if it is there and a beat is overdue."""
        return state_of(self.process) if self._late_ns() else None

    def overdue_s(self) -> float:
        """How old the last beat is, if the process is there and that is too old; otherwise 0."""
        late_ns = self._late_ns()
        return late_ns / 1e9 if late_ns and state_of(self.process) else 0.0

    def _late_ns(self) -> int:
        beat_ns, _ = self.beat()
        age_ns = time.monotonic_ns() - beat_ns if beat_ns else 0
        return age_ns if age_ns > LATE_NS else 0

    def _number(self, i: int) -> int:
        (number,) = struct.unpack("@q", os.pread(self._file, 8, 8 * i))
        return int(number)


def state_of(process: psutil.Process) -> State | None:
    """The state of a process; None if it has ended."""
    try:
        with process.oneshot():
            status, times = process.status(), process.cpu_times()
    except psutil.Error:
        return None
    if status == psutil.STATUS_ZOMBIE:
        return None
    return State(
        cpu_ns=round((times.user + times.system) * 1e9),
        runnable=status == psutil.STATUS_RUNNING,
        stopped=status in (psutil.STATUS_STOPPED, psutil.STATUS_TRACING_STOP),
    )
