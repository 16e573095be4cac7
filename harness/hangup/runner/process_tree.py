"""All processes of a server: found, killed, and waited for until they are gone.

A server's processes are its process group, the descendants that have left the group, and
whatever has the server's lifeline in its environment: a daemon that its parent has abandoned. Only
the first two are ended with each server; looking for lifelines takes milliseconds of the event
loop that clients are timed in, and so is done once, when no trial is under way.
"""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from hangup.errors import UserError

LIFELINE = "HANGUP_LIFELINE"
"""The environment variable that names a server's lifeline (`hangup.agent.main`)."""
GONE_S = 10.0
"""How long a process may take to go after it was killed."""
_POLL_S = 0.01
_LINUX_TELLS = Path(f"/proc/self/task/{threading.get_native_id()}/children").exists()
"""Whether the children of a process can be read (proc(5), CONFIG_PROC_CHILDREN)."""


class ProcessTree:
    """The processes that come of one that leads a process group; `leader` is its pid."""

    def __init__(self, leader: int) -> None:
        self._group = leader
        self._leader: psutil.Process | None = None
        with suppress(psutil.NoSuchProcess):  # it may have ended already
            self._leader = psutil.Process(leader)
        self._descendants: list[psutil.Process] = []

    def kill(self) -> None:
        """Send SIGKILL to the group and the descendants there are."""
        leader_is_there = self._leader is not None and self._leader.is_running()
        if self._leader is not None and leader_is_there:
            # Before it is killed: afterwards nothing tells whose children they were.
            with suppress(psutil.Error, OSError):
                self._descendants += _descendants(self._leader)
        # If the leader was reaped and its number given to another process, it may also be that of
        # another process group.
        if leader_is_there or not psutil.pid_exists(self._group):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
        for process in self._descendants:
            _kill(process)

    async def wait_until_gone(self) -> None:
        """Wait until none of those that were killed is there.

        Raises UserError if one is still there after `GONE_S`.
        """
        killed = list(self._descendants)
        if self._leader is not None:
            killed.append(self._leader)
        deadline_s = _deadline_s()
        while left := [process for process in killed if _is_alive(process)]:
            _check(deadline_s, left)
            await asyncio.sleep(_POLL_S)


async def kill_below(directory: Path) -> None:
    """Kill every process with a lifeline in or below this directory, and wait until none is.

    It looks at every process of the machine. Raises UserError if one is still there after
    `GONE_S`.
    """
    deadline_s = _deadline_s()
    while found := [process for process in psutil.process_iter() if _is_below(process, directory)]:
        _check(deadline_s, found)
        for process in found:
            _kill(process)
        await asyncio.sleep(_POLL_S)


def _deadline_s() -> float:
    return asyncio.get_running_loop().time() + GONE_S


def _check(deadline_s: float, left: Iterable[psutil.Process]) -> None:
    """Raise UserError if it is too late for these processes to go."""
    if asyncio.get_running_loop().time() > deadline_s:
        named = ", ".join(f"{process.pid} ({_command(process)})" for process in left)
        raise UserError(
            f"Killed {GONE_S:g} s ago and still there: process {named}; see what keeps it."
        )


def _descendants(process: psutil.Process) -> list[psutil.Process]:
    """The processes that a process has started, and those that these have.

    Linux tells the children of a process; elsewhere psutil asks all processes for their parents.
    """
    if _LINUX_TELLS:
        return _descendants_on_linux(process.pid)
    return process.children(recursive=True)


def _descendants_on_linux(pid: int) -> list[psutil.Process]:
    found: list[psutil.Process] = []
    for thread in _threads(pid):
        children = ""
        with suppress(FileNotFoundError, ProcessLookupError):  # the thread has ended
            children = Path(f"/proc/{pid}/task/{thread}/children").read_text(encoding="ascii")
        for child in map(int, children.split()):
            with suppress(psutil.NoSuchProcess):  # it has ended
                found.append(psutil.Process(child))
                found += _descendants_on_linux(child)
    return found


def _threads(pid: int) -> list[str]:
    try:
        return os.listdir(f"/proc/{pid}/task")  # noqa: PTH208 (names are enough)
    except (FileNotFoundError, ProcessLookupError):  # it has ended
        return []


def _is_below(process: psutil.Process, directory: Path) -> bool:
    try:
        lifeline = process.environ().get(LIFELINE)
        return (
            lifeline is not None
            and Path(lifeline).is_relative_to(directory)
            and process.status() != psutil.STATUS_ZOMBIE
        )
    except psutil.Error:  # it is gone, or not ours
        return False


def _is_alive(process: psutil.Process) -> bool:
    """Whether it is there and not just waiting to be reaped by its parent."""
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.Error:
        return False


def _command(process: psutil.Process) -> str:
    try:
        return " ".join(process.cmdline()) or process.name()
    except psutil.Error:
        return "its command is not known"


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.Error):  # it is gone
        process.kill()
