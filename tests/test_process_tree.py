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

from hangup.errors import UserError
from hangup.runner import process_tree
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
        self.tree = ProcessTree(self.process.pid)
        assert self.process.stdout is not None
        lines = iter(self.process.stdout.readline, "all are started\n")
        self.in_group, self.outside, self.without_environment, self.daemon = map(int, lines)

    @property
    def started(self) -> list[int]:
        return [self.in_group, self.outside, self.without_environment, self.daemon]

    @property
    def descendants(self) -> list[int]:
        """Those that are its group or its descendants: all but the daemon."""
        return [self.in_group, self.outside, self.without_environment]

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


def test_killing_ends_the_group_and_all_descendants_wherever_they_have_gone(
    leader: Leader,
) -> None:
    assert all(map(is_alive, leader.started))
    leader.tree.kill()
    assert leader.process.wait() < 0
    asyncio.run(leader.tree.wait_until_gone())
    assert not any(map(is_alive, leader.descendants))


def test_where_the_system_does_not_tell_children_they_are_found_all_the_same(
    leader: Leader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(process_tree, "_LINUX_TELLS", False)
    leader.tree.kill()
    leader.process.wait()
    asyncio.run(leader.tree.wait_until_gone())
    assert not any(map(is_alive, leader.descendants))


def test_the_processes_of_the_machine_are_not_looked_through_for_one_server(
    leader: Leader, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> list[psutil.Process]:
        raise AssertionError("that takes milliseconds in which clients are timed")

    monkeypatch.setattr(psutil, "process_iter", fail)
    monkeypatch.setattr(psutil, "pids", fail)
    leader.tree.kill()
    leader.process.wait()
    asyncio.run(leader.tree.wait_until_gone())


def test_the_group_of_a_leader_that_has_ended_is_ended_and_its_daemons_with_the_run(
    leader: Leader, tmp_path: Path
) -> None:
    leader.process.kill()
    leader.process.wait()
    leader.tree.kill()
    asyncio.run(leader.tree.wait_until_gone())
    asyncio.run(kill_below(tmp_path))
    # Nothing tells any more whose child the one without an environment was.
    left = [pid for pid in leader.started if pid != leader.without_environment]
    assert not any(map(is_alive, left))


def test_killing_twice_is_killing_once(leader: Leader) -> None:
    for _ in range(2):
        leader.tree.kill()
        leader.process.wait()
        asyncio.run(leader.tree.wait_until_gone())
    assert not any(map(is_alive, leader.descendants))


@pytest.mark.parametrize("below", [True, False])
def test_a_process_that_does_not_go_is_named(
    leader: Leader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, below: bool
) -> None:
    monkeypatch.setattr(process_tree, "GONE_S", 0.0)
    monkeypatch.setattr(process_tree, "_kill", lambda process: None)
    leader.tree.kill()
    leader.process.wait()
    wait = kill_below(tmp_path) if below else leader.tree.wait_until_gone()
    with pytest.raises(UserError) as raised:
        asyncio.run(wait)
    assert f"{leader.daemon if below else leader.outside} (" in str(raised.value)
    assert "time.sleep" in str(raised.value)


def test_other_servers_are_left_alone(leader: Leader, tmp_path: Path) -> None:
    other = Leader(tmp_path / "other")
    try:
        other.tree.kill()
        other.process.wait()
        asyncio.run(other.tree.wait_until_gone())
        assert not any(map(is_alive, other.descendants))
        assert all(map(is_alive, [leader.process.pid, *leader.started]))
    finally:
        other.end()


def test_all_servers_of_a_run_can_be_ended_by_their_directory(
    leader: Leader, tmp_path: Path
) -> None:
    asyncio.run(kill_below(tmp_path))
    assert leader.process.wait() < 0
    assert not is_alive(leader.daemon)
