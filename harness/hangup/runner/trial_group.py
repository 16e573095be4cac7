"""Trials that run at once on one server, and what they wait for one another for."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

from hangup.runner.client import COLLECT_PATH, answers


class Latch:
    """Opens when all the trials it was made for have arrived; made for none, it is open."""

    def __init__(self, trials: Iterable[str] = ()) -> None:
        self._missing = set(trials)
        self._open = asyncio.Event()

    def arrive(self, trial: str) -> None:
        """Say that nobody need wait for this trial any more."""
        self._missing.discard(trial)
        if not self._missing:
            self._open.set()

    async def pass_through(self, trial: str) -> None:
        """Arrive, and wait until all have."""
        self.arrive(trial)
        await self._open.wait()


class TrialGroup:
    """The names of trials that run at once on a server.

    With `disconnect_together` none of them disconnects before all are in their state.
    """

    def __init__(self, trials: Iterable[str] = (), *, disconnect_together: bool = False) -> None:
        trials = tuple(trials)
        self.disconnecting = Latch(trials if disconnect_together else ())
        self.signalling = Latch(trials)
        """Opened when no trial has anything to wait for before the operator's signal."""
        self._watched = Latch(trials)
        """Opened when every trial has asked whether the server still answers; collecting garbage
        keeps the server busy."""
        self._collecting = asyncio.Lock()
        self._collected = False

    def release(self, trial: str) -> None:
        """Say that nobody need wait for this trial any more, anywhere."""
        self.disconnecting.arrive(trial)
        self.signalling.arrive(trial)
        self._watched.arrive(trial)

    async def collect(self, trial: str, port: int, timeout_s: float) -> None:
        """Have the server collect its garbage, once for all, when nobody watches any more."""
        await self._watched.pass_through(trial)
        async with self._collecting:
            if not self._collected:
                self._collected = await answers(port, timeout_s, COLLECT_PATH)
