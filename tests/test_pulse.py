"""The pulse that the agent writes and the harness reads, of processes that are disturbed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import hangup.agent.pulse as written
from hangup.model.process import SLEEPING, SPINNING, STOPPED, WORKER_VANISHED
from hangup.runner import pulse as read
from hangup.runner.process_watch import NOTED_NS, SAMPLE_S, ProcessWatch
from hangup.runner.pulse import FILE_NAME, Pause, Pulse
from tests.command import wait_until

PROGRAM = """
import os, sys, time
from hangup.agent import pulse

pulse.start(sys.argv[1])
for line in sys.stdin:
    exec(line)
    print(flush=True)
"""
CPU = "time.process_time_ns()"


class Program:
    """A process with a pulse, which does what it is told."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, directory],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.path = directory / f"{FILE_NAME}{self.process.pid}"

    def begin(self, code: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{code}\n")
        self.process.stdin.flush()

    def run(self, code: str) -> str:
        self.begin(code)
        assert self.process.stdout is not None
        return self.process.stdout.readline()


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Program]:
    program = Program(tmp_path)
    with program.process:
        program.run("pass")
        yield program
        program.process.kill()


def test_agent_and_harness_agree_on_the_file() -> None:
    names = ("FIRST_PAUSE", "PAUSES", "SIZE")
    assert [vars(written)[name] for name in names] == [vars(read)[name] for name in names]


@pytest.mark.parametrize("code", ["time.sleep(0.5)", "while True: pass"], ids=["waits", "spins"])
def test_a_process_beats_whether_it_waits_or_spins(program: Program, code: str) -> None:
    program.begin(code)
    pulse = Pulse(program.path)
    first, _ = pulse.beat()
    wait_until(lambda: pulse.beat()[0] > first, "a beat")


def test_a_stop_is_a_pause(program: Program) -> None:
    watch = ProcessWatch(program.path.parent, os.getpid())
    since_ns = time.monotonic_ns()
    program.process.send_signal(signal.SIGSTOP)
    look_for(watch, 2 * NOTED_NS / 1e9)
    (under_way,) = watch.events(since_ns, time.monotonic_ns())
    assert watch.paused_s() > 0
    program.process.send_signal(signal.SIGCONT)
    wait_until(lambda: not watch.paused_s(), "a beat")
    (over,) = watch.events(since_ns, time.monotonic_ns())
    assert (under_way.event, over.event) == (STOPPED, STOPPED)
    assert (over.n or 0) >= (under_way.n or 0) >= NOTED_NS // 1_000_000
    watch.close()


def test_code_that_lets_no_other_thread_run_is_no_pause(program: Program) -> None:
    used_ns = int(
        program.run(f"began = {CPU}; sum(range(60_000_000)); print({CPU} - began, end='')")
    )
    pauses = Pulse(program.path).pauses()
    assert max(pause.cpu_ns for pause in pauses) >= 0.9 * used_ns


@pytest.mark.parametrize(
    ("code", "does"), [("while True: pass", SPINNING), ("time.sleep(60)", SLEEPING)]
)
def test_a_process_that_spins_is_told_from_one_that_sleeps(
    program: Program, code: str, does: str
) -> None:
    watch = ProcessWatch(program.path.parent, program.process.pid)
    program.begin(code)
    since_ns = time.monotonic_ns()
    look_for(watch, 10 * SAMPLE_S)
    activity = watch.activity(since_ns, time.monotonic_ns())
    assert activity is not None
    assert activity.saw == does
    watch.close()


@pytest.mark.parametrize(
    ("end", "events"),
    [
        (lambda program: program.process.stdin.close(), []),
        (lambda program: program.begin("os._exit(0)"), [WORKER_VANISHED]),
        (lambda program: program.process.kill(), [WORKER_VANISHED]),
    ],
    ids=["in order", "by os._exit", "by SIGKILL"],
)
def test_a_worker_that_does_not_end_in_order_is_noted(
    program: Program, end: Callable[[Program], None], events: list[str]
) -> None:
    watch = ProcessWatch(program.path.parent, os.getpid())
    watch.sample(now=True)
    end(program)
    program.process.wait()
    wait_until(lambda: not watch.paused_s(), "its last beat is old")
    look_for(watch, 0.3)
    assert [event.event for event in watch.events(0, time.monotonic_ns())] == events
    watch.close()


def test_lost_lines_are_counted(program: Program) -> None:
    program.run("pulse.line_lost(); pulse.line_lost()")
    watch = ProcessWatch(program.path.parent, program.process.pid)
    watch.sample()
    assert watch.lost_lines == 2
    watch.close()


@pytest.mark.parametrize(
    ("since_ns", "until_ns", "lost_ns"),
    [(0, 100, 25), (40, 100, 10), (0, 30, 20), (60, 100, -10)],
)
def test_of_a_pause_counts_what_is_in_the_time_that_is_asked_for(
    since_ns: int, until_ns: int, lost_ns: int
) -> None:
    assert Pause(10, 50, cpu_ns=15).lost_ns(since_ns, until_ns) == lost_ns


def look_for(watch: ProcessWatch, seconds: float) -> None:
    """Look at the processes for some time, as the harness does."""
    ends_s = time.monotonic() + seconds
    while time.monotonic() < ends_s:
        watch.sample()
        time.sleep(0.01)
