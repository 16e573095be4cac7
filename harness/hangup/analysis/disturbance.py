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

A pause that is shorter leaves enough of the window, in which what is to be seen is seen within
milliseconds; on a busy machine of two cores, with thirty servers up, pauses of 0.3 s are common
and some are of 0.6 s. Where silence is what a stream's state is recognised by, a process that does
not run is not silent (`hangup.runner.server_process`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from hangup.model.process import (
    CRASHES,
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
from hangup.model.scenarios import BY_ID
from hangup.model.trace import CLIENT, Event, Trial
from hangup.model.vocabulary import Surface, Word

PAUSE_S = 1.0
"""A pause that is longer disturbs a trial, wherever in it: things are waited for that long."""
PAUSE_SHARE = 0.5
"""So do pauses that make up more than this of the window in which a negative is waited for, all
together if they are in it, or one of them."""
ATTEMPTS = 3
"""How often a trial is run at most to get one that was not disturbed."""
_NOT_OF_THE_REQUEST = frozenset(
    {CLIENT, PROCESS, HARNESS, Surface.LIVENESS, Surface.EXIT, Surface.UPSTREAM}
)


def settled(attempts: Sequence[Trial], others: Sequence[Trial], *, window_s: float) -> Trial | None:
    """The trial to keep of what it came to, each time on a fresh server; None to run it again.

    `others` are all attempts at other repeats, on other servers; `window_s` is the window of
    scenarios that have none of their own. It is never None after one attempt more than `ATTEMPTS`.
    """
    sound = [trial for trial in attempts if not disturbances(trial, window_s)]
    if not sound:
        again = len(attempts) < ATTEMPTS
        found = disturbances(attempts[-1], window_s)
        return None if again else _disturbed(attempts[-1], "; ".join(found))
    first, *more = sound
    negative = unexplained(first)
    confirming = [*more, *(trial for trial in others if not disturbances(trial, window_s))]
    if not negative or any(unexplained(trial) == negative for trial in confirming):
        return first
    if more:
        instead = unexplained(more[0]) or "that did not happen"
        return _disturbed(first, f"{negative}; on a fresh server: {instead}")
    if len(attempts) <= ATTEMPTS:
        return None
    return _disturbed(first, f"{negative}; there was no fresh server that was not disturbed")


def disturbances(trial: Trial, window_s: float) -> list[str]:
    """What has disturbed a trial, in words; nothing if it was not."""
    window_s = BY_ID[trial.scenario].window_s or window_s
    found = [
        *_pauses(trial, window_s, PROCESS, "its process"),
        *_pauses(trial, window_s, HARNESS, "the harness"),
    ]
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


def _pauses(trial: Trial, window_s: float, surface: str, whose: str) -> Iterator[str]:
    pauses = [e for e in trial.events if e.surface == surface and e.event in (PAUSED, STOPPED)]
    opens_ns, closes_ns = trial.left_ns or 0, trial.closed_ns
    in_window_s = sum(
        _lost_s(pause)
        for pause in pauses
        if pause.t_ns + _lost_s(pause) * 1e9 > opens_ns
        and (closes_ns is None or pause.t_ns < closes_ns)
    )
    longest_s = max(map(_lost_s, pauses), default=0.0)
    share_s = PAUSE_SHARE * window_s
    if longest_s > min(PAUSE_S, share_s) or in_window_s > share_s:
        stopped = any(pause.event == STOPPED for pause in pauses)
        how = "was stopped" if stopped else "was not given time to run"
        yield f"{whose} {how} for {max(longest_s, in_window_s):.1f} s"


def _lost_s(pause: Event) -> float:
    return (pause.n or 0) / 1000


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
