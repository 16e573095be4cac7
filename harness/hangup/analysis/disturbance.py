"""Whether a trial can be kept, or is to be run again on a fresh server. Pure.

The theory
----------
That nothing was seen within a window means something only if the process was there and was given
time to run. A client cannot tell: no answer comes from a process that spins, that waits, that is
stopped, starved or gone. The process's pulse, its state and the processor time it uses can
(`hangup.model.process`).

disturbed
    Something from outside kept a process from running, ended it, or kept it from writing its
    trace; or kept the harness from running. Whatever was observed, it does not count, and the
    trial is run again. A pause is time in which a process neither ran nor waited for its own
    reasons: C code that lets no other thread run uses the processor meanwhile, and is the
    subject's own doing.

unexplained
    A negative about the whole server that the subject may be to blame for, or something nobody
    has seen: no answer, though the process did not spin; an end in the middle of the trial, by
    itself or in a crash; a state that was not reached; nothing seen of the request at all. It
    counts if another server shows the same: a fresh one, or that of another repeat. If the fresh
    one does not, the trial is disturbed and says so; it is not hidden that it came once.

all else counts
    A process that spins owes its answer to nobody else. One that has not ended by the end of its
    window, and had its pulse all the time, was given the time to end: it waits or it works, and
    `hangup show` says which of the two.

What is stopped or starved for less than `PAUSE_MS` in a trial is not told from what a busy machine
does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hangup.model.process import (
    ENDED,
    HARNESS,
    KILLED,
    LINES_LOST,
    PAUSED,
    PROCESS,
    SPINNING,
    STOPPED,
    WORKER_VANISHED,
)
from hangup.model.trace import CLIENT, Trial
from hangup.model.vocabulary import Surface, Word

PAUSE_MS = 300
"""Pauses of a trial that come to more in all disturb it."""
ATTEMPTS = 3
"""How often a trial is run at most to get one that was not disturbed."""
CRASHES = frozenset({"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"})
"""The signals that a process is sent for what it does itself."""
_NOT_OF_THE_REQUEST = frozenset(
    {CLIENT, PROCESS, HARNESS, Surface.LIVENESS, Surface.EXIT, Surface.UPSTREAM}
)


def settled(attempts: Sequence[Trial], others: Sequence[Trial] = ()) -> Trial | None:
    """The trial to keep of what it came to, each time on a fresh server; None to run it again.

    `others` are what other repeats came to on servers of their own. Comes to an end when there
    are as many attempts as `ATTEMPTS` and one more.
    """
    sound = [trial for trial in attempts if not disturbances(trial)]
    if not sound:
        again = len(attempts) < ATTEMPTS
        return None if again else _disturbed(attempts[-1], "; ".join(disturbances(attempts[-1])))
    first, *more = sound
    negative = unexplained(first)
    confirming = [*more, *(trial for trial in others if not disturbances(trial))]
    if not negative or any(unexplained(trial) == negative for trial in confirming):
        return first
    if more:
        instead = unexplained(more[0]) or "that did not happen"
        return _disturbed(first, f"{negative}; on a fresh server: {instead}")
    if len(attempts) <= ATTEMPTS:
        return None
    return _disturbed(first, f"{negative}; there was no fresh server that was not disturbed")


def disturbances(trial: Trial) -> list[str]:
    """What has disturbed a trial, in words; nothing if it was not."""
    found = [*_pauses(trial, PROCESS, "its process"), *_pauses(trial, HARNESS, "the harness")]
    for event in trial.events:
        if event.surface != PROCESS:
            continue
        if event.event == KILLED and event.saw not in CRASHES:
            found.append(f"its process was ended by {event.saw}")
        elif event.event == LINES_LOST:
            found.append(f"{event.n} lines of its trace were lost")
    if trial.failure == Word.DISTURBED and not found:
        found.append(trial.note or Word.DISTURBED)
    return found


def _pauses(trial: Trial, surface: str, whose: str) -> Iterator[str]:
    pauses = [e for e in trial.events if e.surface == surface and e.event in (PAUSED, STOPPED)]
    lost_ms = sum(event.n or 0 for event in pauses)
    if lost_ms > PAUSE_MS:
        stopped = any(event.event == STOPPED for event in pauses)
        how = "was stopped" if stopped else "was not given time to run"
        yield f"{whose} {how} for {lost_ms / 1000:.1f} s"


def unexplained(trial: Trial) -> str:
    """What a fresh server must show too before it counts, in words; empty for nothing."""
    found = []
    saws = {(event.surface, event.event, event.saw) for event in trial.events}
    of_process = {(event, saw) for surface, event, saw in saws if surface == PROCESS}
    crashes = sorted({saw or "" for event, saw in of_process if event == KILLED})
    if trial.failure in (Word.NOT_REACHED, Word.SERVER_EXITED):
        ended = [
            f"exit code {e.n}" for e in trial.events if (e.surface, e.event) == (PROCESS, ENDED)
        ]
        found += [str(trial.failure), *crashes, *ended]
    elif crashes:
        found += crashes
    if (Surface.LIVENESS, "saw", Word.NO_ANSWER) in saws and ("saw", SPINNING) not in of_process:
        found.append("no answer, though its process did not spin")
    if any(event == WORKER_VANISHED for event, _ in of_process):
        found.append("a process of the server ended out of order")
    if trial.failure is None and all(surface in _NOT_OF_THE_REQUEST for surface, _, _ in saws):
        found.append("nothing was seen of the request")
    return ", ".join(found)


def _disturbed(trial: Trial, note: str) -> Trial:
    return msgspec.structs.replace(trial, failure=Word.DISTURBED, note=note, left_ns=None)
