"""All processes of a server: found, killed, and waited for until they are gone.

A server's processes are its process group, the descendants that have left the group, and
whatever has the server's lifeline in its environment: a daemon that its parent has abandoned.
"""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path

import psutil

LIFELINE = "HANGUP_LIFELINE"
"""The environment variable that names a server's lifeline (`hangup.agent.main`)."""
_POLL_S = 0.01


class ProcessTree:
    """The processes that come of one that leads a process group; `leader` is its pid.

    `directory` is where its lifeline is, and no other server's.
    """

    def __init__(self, leader: int, directory: Path) -> None:
        self._group = leader
        self._directory = directory
        self._leader: psutil.Process | None = None
        with suppress(psutil.NoSuchProcess):  # it may have ended already
            self._leader = psutil.Process(leader)
        self._descendants: list[psutil.Process] = []

    def kill(self) -> None:
        """Send SIGKILL to those there are; `wait_until_gone` to those started since."""
        leader_is_there = self._leader is not None and self._leader.is_running()
        if self._leader is not None and leader_is_there:
            # Before it is killed: afterwards nothing tells whose children they were.
            with suppress(psutil.Error):
                self._descendants += self._leader.children(recursive=True)
        # If the leader was reaped and its number given to another process, it may also be that of
        # another process group.
        if leader_is_there or not psutil.pid_exists(self._group):
            with suppress(ProcessLookupError, PermissionError):
                os.killpg(self._group, signal.SIGKILL)
        for process in self._descendants:
            _kill(process)

    async def wait_until_gone(self) -> None:
        """Wait until none of them is there, killing what was started while others were killed."""
        await kill_below(self._directory)
        while any(map(_is_alive, self._descendants)):
            await asyncio.sleep(_POLL_S)


async def kill_below(directory: Path) -> None:
    """Kill every process with a lifeline in or below this directory, and wait until none is."""
    while found := [process for process in psutil.process_iter() if _is_below(process, directory)]:
        for process in found:
            _kill(process)
        await asyncio.sleep(_POLL_S)


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


def _kill(process: psutil.Process) -> None:
    with suppress(psutil.Error):  # it is gone
        process.kill()
