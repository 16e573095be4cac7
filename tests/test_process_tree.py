"""All processes of a server are found and killed, wherever they have gone."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from hangup.runner.process_tree import LIFELINE, ProcessTree, kill_below

LEADER = """
import os, subprocess, sys, time

sleep = [sys.executable, "-c", "import time; time.sleep(3600)"]

def start(**options):
    print(subprocess.Popen(sleep, stdout=subprocess.DEVNULL, **options).pid, flush=True)

start()
start(start_new_session=True)
start(start_new_session=True, env={})
if os.fork() == 0:
    start(start_new_session=True)
    os._exit(0)
os.wait()
print("all are started", flush=True)
time.sleep(3600)
"""
"""A process that starts one in its group, one that leaves it, one that also drops its environment,
and a daemon: one that leaves it and whose parent is gone."""


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


class Leader:
    """The leader, and the processes that it has started."""

    def __init__(self, directory: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-c", LEADER],
            env=os.environ | {LIFELINE: str(directory / "lifeline")},
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self.tree = ProcessTree(self.process.pid, directory)
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "all are started\n")
        self.in_group, self.outside, self.without_environment, self.daemon = map(int, lines)

    @property
    def started(self) -> list[int]:
        return [self.in_group, self.outside, self.without_environment, self.daemon]

    def end(self) -> None:
        for pid in [self.process.pid, *self.started]:
            with suppress(psutil.NoSuchProcess):
                psutil.Process(pid).kill()
        assert self.process.stdout is not None
        self.process.stdout.close()
        self.process.wait()


@pytest.fixture
def leader(tmp_path: Path) -> Iterator[Leader]:
    leader = Leader(tmp_path / "server")
    yield leader
    leader.end()


def test_killing_ends_every_process_wherever_it_has_gone(leader: Leader) -> None:
    assert all(map(is_alive, leader.started))
    leader.tree.kill()
    assert leader.process.wait() < 0
    asyncio.run(leader.tree.wait_until_gone())
    assert not any(map(is_alive, leader.started))


def test_what_a_leader_that_has_ended_has_left_is_ended_too(leader: Leader) -> None:
    leader.process.kill()
    leader.process.wait()
    leader.tree.kill()
    asyncio.run(leader.tree.wait_until_gone())
    # Nothing tells any more whose child the one without an environment was.
    left = [pid for pid in leader.started if pid != leader.without_environment]
    assert not any(map(is_alive, left))


def test_killing_twice_is_killing_once(leader: Leader) -> None:
    for _ in range(2):
        leader.tree.kill()
        leader.process.wait()
        asyncio.run(leader.tree.wait_until_gone())
    assert not any(map(is_alive, leader.started))


def test_other_servers_are_left_alone(leader: Leader, tmp_path: Path) -> None:
    other = Leader(tmp_path / "other")
    try:
        other.tree.kill()
        other.process.wait()
        asyncio.run(other.tree.wait_until_gone())
        assert not any(map(is_alive, other.started))
        assert all(map(is_alive, [leader.process.pid, *leader.started]))
    finally:
        other.end()


def test_all_servers_of_a_run_can_be_ended_by_their_directory(
    leader: Leader, tmp_path: Path
) -> None:
    asyncio.run(kill_below(tmp_path))
    assert leader.process.wait() < 0
    assert not is_alive(leader.daemon)
