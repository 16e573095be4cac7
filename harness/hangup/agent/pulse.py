"""The process's pulse: a thread that notes that the process was given time to run.

A stopped process, one that is starved of the processor, one that spins and one that waits all look
alike to a client: there is no answer. A thread of its own beats whether the event loop waits or
spins, because the interpreter takes turns between threads (`sys.getswitchinterval`), and stands
still when the process does. It writes into a small file that is mapped into memory: its size never
changes, so that neither a full disk nor RLIMIT_FSIZE is in the way.

The file `pulse-PID` is an array of native 64-bit integers. The first are

    0  when the last beat was, as `time.monotonic_ns()`
    1  the processor time that the process had used by then, in ns
    2  how many lines of the trace could not be written whole
    3  how many pauses there were: beats that came late by more than `LATE_NS`
    4  1 when the interpreter ends in order, which a process that is killed does not do

and from `FIRST_PAUSE` on three of them are a pause: when the beat before it was, when the beat
after it was, and the processor time that the process used between the two. The first of `PAUSES`
is used again after the last.
"""

from __future__ import annotations

import atexit
import mmap
import os
import struct
import threading
import time
from contextlib import suppress

PERIOD_S = 0.05
"""The time between two beats."""
LATE_NS = 200_000_000
"""A beat that comes so much after its time ends a pause."""
FIRST_PAUSE = 8
PAUSES = 128
SIZE = 8 * (FIRST_PAUSE + 3 * PAUSES)
"""The size of the file, in bytes."""

_BEAT, _LOST, _COUNT, _ENDED = 0, 2 * 8, 3 * 8, 4 * 8

_memory: mmap.mmap | None = None
_lost = 0


def start(directory: str) -> None:
    """Beat from now on, in a file of this process in `directory`; without a file, do nothing."""
    global _memory
    with suppress(OSError, ValueError):
        path = f"{directory}/pulse-{os.getpid()}"
        file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC)
        try:
            if os.write(file, bytes(SIZE)) < SIZE:
                return
            _memory = mmap.mmap(file, SIZE)
        finally:
            os.close(file)
        atexit.register(struct.pack_into, "@q", _memory, _ENDED, 1)
        threading.Thread(target=_beat, args=(_memory,), name="hangup-pulse", daemon=True).start()


def line_lost() -> None:
    """Note that one more line of the trace could not be written whole."""
    global _lost
    _lost += 1
    if _memory is not None:
        struct.pack_into("@q", _memory, _LOST, _lost)


def _beat(memory: mmap.mmap) -> None:
    # Nothing here makes an object that counts towards a garbage collection, so that none is run
    # in this thread that would otherwise have been run in one of the app's.
    write_beat = struct.Struct("@qq").pack_into
    write_count = struct.Struct("@q").pack_into
    write_pause = struct.Struct("@qqq").pack_into
    sleep, now, cpu = time.sleep, time.monotonic_ns, time.process_time_ns
    late_ns = round(PERIOD_S * 1e9) + LATE_NS
    count = 0
    beat_ns, used_ns = now(), cpu()
    while True:
        write_beat(memory, _BEAT, beat_ns, used_ns)
        sleep(PERIOD_S)
        next_ns, next_used_ns = now(), cpu()
        if next_ns - beat_ns > late_ns:
            at = 8 * (FIRST_PAUSE + 3 * (count % PAUSES))
            write_pause(memory, at, beat_ns, next_ns, next_used_ns - used_ns)
            count += 1
            write_count(memory, _COUNT, count)
        beat_ns, used_ns = next_ns, next_used_ns
