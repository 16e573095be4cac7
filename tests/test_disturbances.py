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
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from hangup.analysis.outcomes import Outcomes
from hangup.model import scenarios
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from hangup.runner import scheduler
from hangup.runner.pulse import FILE_NAME
from hangup.runner.server_process import TRACE_FILE, ServerProcess
from hangup.runner.trial import run_trial
from hangup.runner.trial_events import is_waiting
from hangup.runner.trial_setup import TrialSetup
from tests.command import DEADLINE_S, Hangup
from tests.plans import a_plan
from tests.runs import run_plan

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="limits are set from outside")

SCENARIOS = ("idle", "before-response", "complete", "firehose", "shutdown")
WINDOW_S = 1.0
STOPPED_S = 0.8
"""More than a negative is trusted with, and shorter than the window."""

Disturb = Callable[[ServerProcess], None]


def to_workers(disturb: Callable[[int], None]) -> Disturb:
    """Do something to every process that serves the app."""

    def disturb_all(server: ServerProcess) -> None:
        for path in server.directory.glob(f"{FILE_NAME}*"):
            with suppress(ProcessLookupError):
                disturb(int(path.name.removeprefix(FILE_NAME)))

    return disturb_all


def to_leader(disturb: Callable[[int], None]) -> Disturb:
    """Do something to the process that the harness has started."""
    return lambda server: disturb(server._process.pid)


def kill(number: int) -> None:
    os.kill(number, signal.SIGKILL)


def crash(number: int) -> None:
    os.kill(number, signal.SIGSEGV)


def stop(number: int) -> None:
    os.kill(number, signal.SIGSTOP)


def stop_for_a_while(number: int) -> None:
    stop(number)
    threading.Timer(STOPPED_S, _signal, (number, signal.SIGCONT)).start()


def starve(number: int) -> None:
    """Let the process run now and then, for a moment only."""

    def take_turns() -> None:
        ends_s = time.monotonic() + 2 * WINDOW_S
        while time.monotonic() < ends_s:
            _signal(number, signal.SIGSTOP)
            time.sleep(0.45)
            _signal(number, signal.SIGCONT)
            time.sleep(0.001)

    threading.Thread(target=take_turns).start()


def _signal(number: int, sent: signal.Signals) -> None:
    with suppress(ProcessLookupError):
        os.kill(number, sent)


def limit_the_trace(server: ServerProcess) -> None:
    """Have nothing more fit into the server's trace."""
    size = (server.directory / TRACE_FILE).stat().st_size
    limits = (size + 10, resource.RLIM_INFINITY)
    to_workers(lambda number: resource.prlimit(number, resource.RLIMIT_FSIZE, limits) and None)(
        server
    )


DISTURBANCES: dict[tuple[str, str, int], tuple[Disturb, int]] = {
    ("uvicorn", "idle", 1): (to_workers(kill), 1),
    ("uvicorn", "before-response", 1): (to_workers(stop_for_a_while), 1),
    ("uvicorn", "complete", 1): (to_workers(kill), 3),
    ("uvicorn", "shutdown", 1): (to_workers(kill), 1),
    ("uvicorn", "shutdown", 2): (to_workers(crash), 1),
    ("hypercorn", "idle", 1): (to_workers(stop), 1),
    ("hypercorn", "before-response", 2): (to_workers(kill), 1),
    ("hypercorn", "complete", 1): (limit_the_trace, 1),
    ("uvicorn", "firehose", 1): (to_workers(starve), 1),
    ("hypercorn", "firehose", 1): (to_leader(kill), 1),
    ("hypercorn", "shutdown", 1): (to_leader(stop), 1),
    ("hypercorn", "shutdown", 2): (to_workers(stop), 1),
}
"""What is done to which trial's server when its stream has begun, and how many times."""


class Disturbing:
    """Runs trials, and disturbs the servers below a directory in the middle of them."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.left = {key: times for key, (_, times) in DISTURBANCES.items()}

    async def __call__(self, setup: TrialSetup) -> Trial:
        key = (setup.server.stack.server.id, setup.scenario.id, setup.repeat)
        below = setup.server.directory.is_relative_to(self.directory)
        if not below or not self.left.get(key):
            return await run_trial(setup)
        self.left[key] -= 1
        disturbing = asyncio.create_task(self._disturb(setup, DISTURBANCES[key][0]))
        try:
            return await run_trial(setup)
        finally:
            disturbing.cancel()

    async def _disturb(self, setup: TrialSetup, disturb: Disturb) -> None:
        waits = setup.scenario.precondition == "waiting"
        await setup.server.wait_for(
            lambda: is_waiting(setup.events) if waits else bool(setup.events), DEADLINE_S
        )
        disturb(setup.server)


def test_disturbances_change_no_cell_but_to_say_so(
    hangup: Hangup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutdown = msgspec.structs.replace(scenarios.BY_ID["shutdown"], window_s=WINDOW_S)
    monkeypatch.setitem(scenarios.BY_ID, "shutdown", shutdown)
    disturbing = Disturbing(tmp_path / "disturbed")
    monkeypatch.setattr(scheduler, "run_trial", disturbing)
    plan = msgspec.structs.replace(
        a_plan("bare", scenarios=SCENARIOS, repeats=2),
        stacks=(("bare", "uvicorn"), ("bare", "hypercorn")),
        window_s=WINDOW_S,
    )
    quiet = asyncio.run(run_plan(hangup, tmp_path / "quiet", plan))
    disturbed = asyncio.run(run_plan(hangup, tmp_path / "disturbed", plan))
    before, after = cells(quiet), cells(disturbed)
    assert before.keys() == after.keys()
    assert not any(Word.DISTURBED in saws for saws in before.values())
    for cell, saws in after.items():
        assert saws.keys() - {Word.DISTURBED} <= before[cell].keys(), cell
    assert not any(disturbing.left.values())
    # Both repeats were on the server that was killed, each time.
    assert after["uvicorn", "complete", "stream"] == {Word.DISTURBED: 2}
    notes = {trial.note for result in disturbed for trial in result.trials if trial.failure}
    assert "its process was ended by SIGKILL" in notes


def cells(results: list[StackResult]) -> dict[tuple[str, str, str], dict[str, int]]:
    """How often everything was seen, by server, scenario and surface."""
    found: dict[tuple[str, str, str], dict[str, int]] = {}
    for count in Outcomes(results).observations:
        cell = (count.stack.server, count.scenario, count.surface)
        found.setdefault(cell, {})[count.saw] = count.n
    return found
