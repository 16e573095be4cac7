"""Servers that are killed, stopped, crashed and starved in the middle of a run change no result.

What was disturbed is run again, or says so.
"""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import msgspec
import pytest

from hangup.analysis.outcomes import Outcomes
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from hangup.runner import scheduler
from hangup.runner.pulse import FILE_NAME
from hangup.runner.server_process import TRACE_FILE, ServerProcess
from hangup.runner.trial import run_trial
from hangup.runner.trial_setup import TrialSetup
from tests.command import Hangup
from tests.plans import a_plan
from tests.runs import run_plan

SCENARIOS = ("idle", "before-response", "complete", "firehose", "shutdown")
STOPPED_S = 1.5
"""Long enough to be in doubt, and shorter than any window but one."""

Disturb = Callable[[ServerProcess], None]


def send(*signals: signal.Signals, to_workers: bool = True) -> Disturb:
    """Send signals, with a pause between two, to the processes that serve the app."""

    def disturb(server: ServerProcess) -> None:
        workers = [int(path.name.removeprefix(FILE_NAME)) for path in pulses(server)]
        for number in workers if to_workers else [server._process.pid]:
            os.kill(number, signals[0])
            for later in signals[1:]:
                threading.Timer(STOPPED_S, os.kill, (number, later)).start()

    return disturb


def limit_the_trace(server: ServerProcess) -> None:
    """Have nothing more fit into the server's trace."""
    size = (server.directory / TRACE_FILE).stat().st_size
    for path in pulses(server):
        number = int(path.name.removeprefix(FILE_NAME))
        resource.prlimit(number, resource.RLIMIT_FSIZE, (size + 100, resource.RLIM_INFINITY))


def pulses(server: ServerProcess) -> Iterator[Path]:
    return server.directory.glob(f"{FILE_NAME}*")


DISTURBANCES: dict[tuple[str, str, int], Disturb] = {
    ("uvicorn", "idle", 1): send(signal.SIGKILL),
    ("uvicorn", "before-response", 1): send(signal.SIGSTOP, signal.SIGCONT),
    ("uvicorn", "complete", 1): send(signal.SIGSTOP),
    ("uvicorn", "firehose", 1): send(signal.SIGSTOP, signal.SIGCONT),
    ("uvicorn", "shutdown", 1): send(signal.SIGKILL),
    ("uvicorn", "shutdown", 2): send(signal.SIGSEGV),
    ("hypercorn", "idle", 1): send(signal.SIGSTOP),
    ("hypercorn", "before-response", 2): send(signal.SIGKILL),
    ("hypercorn", "complete", 1): limit_the_trace,
    ("hypercorn", "firehose", 1): send(signal.SIGKILL, to_workers=False),
    ("hypercorn", "shutdown", 1): send(signal.SIGSTOP, to_workers=False),
    ("hypercorn", "shutdown", 2): send(signal.SIGSTOP),
}
"""What is done to which trial's server, when its stream has begun."""


class Disturbing:
    """Runs trials, and disturbs their servers in the middle; only once each unless `always`."""

    def __init__(self, disturbances: dict[tuple[str, str, int], Disturb], *, always: bool) -> None:
        self.left = dict(disturbances)
        self.always = always
        self.done: list[tuple[str, str, int]] = []

    async def __call__(self, setup: TrialSetup) -> Trial:
        key = (setup.server.stack.server.id, setup.scenario.id, setup.repeat)
        disturb = self.left.get(key) if self.always else self.left.pop(key, None)
        if disturb is None:
            return await run_trial(setup)
        self.done.append(key)
        disturbing = asyncio.create_task(self._disturb(setup, disturb))
        try:
            return await run_trial(setup)
        finally:
            disturbing.cancel()

    async def _disturb(self, setup: TrialSetup, disturb: Disturb) -> None:
        while not setup.events:  # noqa: ASYNC110 - as the harness reads them
            await asyncio.sleep(0.001)
        disturb(setup.server)


@pytest.mark.skipif(sys.platform != "linux", reason="limits are set from outside")
def test_disturbances_change_no_cell_but_to_say_so(
    hangup: Hangup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    quiet = run(hangup, tmp_path / "quiet")
    disturbing = Disturbing(DISTURBANCES, always=False)
    monkeypatch.setattr(scheduler, "run_trial", disturbing)
    disturbed = run(hangup, tmp_path / "disturbed")
    assert disturbing.left == {}
    before, after = cells(quiet), cells(disturbed)
    changed = {cell: (before.get(cell), after.get(cell)) for cell in before.keys() | after.keys()}
    changed = {cell: both for cell, both in changed.items() if both[0] != both[1]}
    for c in sorted(changed): print(c, changed[c])
    for r in disturbed:
        for t in r.trials:
            if t.failure: print(r.stack.server, t.scenario, t.repeat, t.failure, t.note)
    assert 0


def run(hangup: Hangup, directory: Path) -> list[StackResult]:
    plan = msgspec.structs.replace(
        a_plan("bare", scenarios=SCENARIOS, repeats=2), servers=("uvicorn", "hypercorn")
    )
    return asyncio.run(run_plan(hangup, directory, plan))


def cells(results: list[StackResult]) -> dict[tuple[str, str, str], dict[str, int]]:
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for o in Outcomes(results).observations:
        found.setdefault((o.stack.server, o.scenario, o.surface), {})[o.saw] = o.n
    return found
