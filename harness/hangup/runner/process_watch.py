"""Watches the processes of a server, and the harness's own: whether they ran when they were due to.

A process that serves the app has a pulse (`hangup.runner.pulse`). The one that the harness started
may be another one, which only starts those; of that one it is seen whether it is stopped.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict, deque
from collections.abc import Iterator
from pathlib import Path

import psutil

from hangup.model.process import (
    HARNESS,
    LINES_LOST,
    PAUSED,
    PROCESS,
    SLEEPING,
    SPINNING,
    STOPPED,
    WORKER_VANISHED,
)
from hangup.model.trace import Event
from hangup.runner.pulse import FILE_NAME, LATE_NS, SIZE, Pause, Pulse, State, state_of

SAMPLE_S = 0.1
"""How often the processes of a server are looked at."""
NOTED_NS = 250_000_000
"""A pause that lost less is not recorded."""
SPINS = 0.5
"""A process spins if it was found runnable so often; how much of the processor it then gets is
the others' doing."""
_SAMPLES = 200
"""So many looks at a process are remembered."""
_IDLE_SHARE = 0.05
"""A process that has used less of the processor since the last look was not runnable."""


class ProcessWatch:
    """Watches the processes of a server whose agents write their pulses into `directory`."""

    def __init__(self, directory: Path, leader: int) -> None:
        self._directory = directory
        self._leader = leader
        self._processes: dict[int, psutil.Process] = {}
        self._pulses: dict[int, Pulse] = {}
        self._vanished_ns: dict[int, int] = {}
        """When it was seen first that a process had ended, by its number."""
        self._halts: dict[int, list[Pause]] = defaultdict(list)
        """When a process was seen to be stopped."""
        self._states: dict[int, deque[tuple[int, State]]]
        self._states = defaultdict(lambda: deque(maxlen=_SAMPLES))
        """What a process did, and when."""
        self._sampled_ns = 0
        try:
            self._processes[leader] = psutil.Process(leader)
        except psutil.NoSuchProcess:  # it has ended already
            self._vanished_ns[leader] = time.monotonic_ns()

    def close(self) -> None:
        """Close the files."""
        for pulse in self._pulses.values():
            pulse.close()

    def sample(self, *, now: bool = False) -> None:
        """Look at all processes, if the last look was not just before; `now`: in any case."""
        now_ns = time.monotonic_ns()
        if not now and now_ns - self._sampled_ns < SAMPLE_S * 1e9:
            return
        self._find_pulses()
        for number, process in self._processes.items():
            if number not in self._vanished_ns:
                self._look_at(number, process, now_ns)
        self._sampled_ns = now_ns

    @property
    def lost_lines(self) -> int:
        """How many lines of the trace could not be written whole so far."""
        return sum(pulse.lost_lines for pulse in self._pulses.values())

    def events(self, since_ns: int, until_ns: int) -> list[Event]:
        """What happened to the processes in this time, as events of a trial."""
        self.sample(now=True)
        events = [
            _paused(PROCESS, pause, since_ns, until_ns)
            for number in self._processes
            for pause in self._pauses(number)
            if pause.lost_ns(since_ns, until_ns) >= NOTED_NS
        ]
        events += [
            Event(t_ns=gone_ns, surface=PROCESS, event=WORKER_VANISHED)
            for number, gone_ns in self._vanished_ns.items()
            if number != self._leader and not self._pulses[number].ended_in_order
        ]
        return events

    def paused_s(self) -> float:
        """For how long a process has been there and has not run, though it is due to; or 0."""
        return max((pulse.overdue_s() for pulse in self._pulses.values()), default=0.0)

    def activity(self, since_ns: int, until_ns: int) -> Event | None:
        """What the busiest process did in this time; None if that is not known."""
        self.sample(now=True)
        found = [self._activity(number, since_ns, until_ns) for number in self._states]
        runnable, used = max((shares for shares in found if shares), default=(None, 0.0))
        if runnable is None:
            return None
        return Event(
            t_ns=until_ns,
            surface=PROCESS,
            event="saw",
            saw=SPINNING if runnable >= SPINS else SLEEPING,
            detail=f"{used:.0%} CPU",
        )

    def _activity(self, number: int, since_ns: int, until_ns: int) -> tuple[float, float] | None:
        """In which share of this time a process was runnable, and used a processor."""
        states = [s for s in self._states[number] if since_ns <= s[0] <= until_ns]
        if len(states) < 2:
            return None
        (first_ns, first), (last_ns, last) = states[0], states[-1]
        runnable = sum(state.runnable for _, state in states[1:]) / (len(states) - 1)
        return runnable, (last.cpu_ns - first.cpu_ns) / max(1, last_ns - first_ns)

    def _find_pulses(self) -> None:
        for path in self._directory.glob(f"{FILE_NAME}*"):
            number = int(path.name.removeprefix(FILE_NAME))
            if number in self._pulses or path.stat().st_size < SIZE:
                continue
            try:
                self._pulses[number] = Pulse(path)
            except psutil.NoSuchProcess:
                continue
            self._processes.setdefault(number, self._pulses[number].process)

    def _look_at(self, number: int, process: psutil.Process, now_ns: int) -> None:
        pulse = self._pulses.get(number)
        if pulse is not None:
            beat_ns, cpu_ns = pulse.beat()
            if now_ns - beat_ns < LATE_NS and self._idles(number, beat_ns, cpu_ns):
                self._states[number].append((beat_ns, State(cpu_ns)))
                return
        state = state_of(process)
        if state is None:
            self._vanished_ns[number] = now_ns
            return
        self._states[number].append((now_ns, state))
        if state.stopped:
            halts = self._halts[number]
            since_ns = now_ns
            if halts and halts[-1].until_ns == self._sampled_ns:
                since_ns = halts.pop().since_ns
            halts.append(Pause(since_ns, now_ns, 0, stopped=True))

    def _idles(self, number: int, beat_ns: int, cpu_ns: int) -> bool:
        """Whether a process has done next to nothing since the last look at it."""
        if not self._states[number]:
            return False
        last_ns, last = self._states[number][-1]
        return cpu_ns - last.cpu_ns <= _IDLE_SHARE * (beat_ns - last_ns)

    def _pauses(self, number: int) -> Iterator[Pause]:
        halts = self._halts[number]
        if number not in self._pulses:
            yield from halts
            return
        for pause in self._pulses[number].pauses():
            stopped = any(halt.lost_ns(pause.since_ns, pause.until_ns) >= 0 for halt in halts)
            yield Pause(pause.since_ns, pause.until_ns, pause.cpu_ns, stopped)


class HarnessWatch:
    """Notes when the harness's own event loop did not run; `run` it beside all else."""

    def __init__(self) -> None:
        self._pauses: list[Pause] = []
        self._beat_ns = time.monotonic_ns()

    async def run(self) -> None:
        """Beat without end."""
        while True:
            self._beat_ns = time.monotonic_ns()
            await asyncio.sleep(SAMPLE_S / 2)
            self._pauses += self._pause()

    def _pause(self) -> list[Pause]:
        """The pause since the last beat, if it is one."""
        now_ns = time.monotonic_ns()
        late = now_ns - self._beat_ns > NOTED_NS + SAMPLE_S * 1e9 / 2
        return [Pause(self._beat_ns, now_ns, 0)] if late else []

    def events(self, since_ns: int, until_ns: int) -> list[Event]:
        """The pauses in this time, as events of a trial."""
        return [
            _paused(HARNESS, pause, since_ns, until_ns)
            for pause in [*self._pauses, *self._pause()]
            if pause.lost_ns(since_ns, until_ns) >= NOTED_NS
        ]


def lines_lost(count: int, at_ns: int) -> Event:
    """That so many lines of the trace could not be written whole."""
    return Event(t_ns=at_ns, surface=PROCESS, event=LINES_LOST, n=count)


def _paused(surface: str, pause: Pause, since_ns: int, until_ns: int) -> Event:
    lost_ms = pause.lost_ns(since_ns, until_ns) // 1_000_000
    return Event(
        t_ns=max(since_ns, pause.since_ns),
        surface=surface,
        event=STOPPED if pause.stopped else PAUSED,
        n=lost_ms,
        detail=f"for {lost_ms / 1000:.1f} s",
    )
