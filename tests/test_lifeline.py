"""A server's process is killed when the harness has ended, and not before."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

from tests.command import DEADLINE_S

ECHO = """
import sys
from hangup.agent.lifeline import kill_process_when_harness_ends

kill_process_when_harness_ends(sys.argv[1])
for line in sys.stdin:
    print(line, end="", flush=True)
"""


def start(pipe: Path) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", ECHO, pipe],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_the_process_lives_while_the_pipe_is_open_and_is_killed_when_it_closes(
    tmp_path: Path,
) -> None:
    pipe = tmp_path / "lifeline"
    os.mkfifo(pipe)
    harness = os.open(pipe, os.O_RDWR)
    with start(pipe) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        for _ in range(2):
            process.stdin.write("alive\n")
            process.stdin.flush()
            assert process.stdout.readline() == "alive\n"
        os.close(harness)
        assert process.wait(DEADLINE_S) == -signal.SIGKILL


def test_a_process_that_starts_after_the_harness_has_ended_is_killed(tmp_path: Path) -> None:
    pipe = tmp_path / "lifeline"
    os.mkfifo(pipe)
    with start(pipe) as process:
        assert process.wait(DEADLINE_S) == -signal.SIGKILL
