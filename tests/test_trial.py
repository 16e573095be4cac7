"""Trials of real servers: into a state, away, and watched until everything has ended."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from hangup.analysis.classification import classify
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.upstream import cost_rows
from hangup.model import scenarios
from hangup.model.scenario import Scenario
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from tests.command import ROOT, Hangup, processes_of, write_app
from tests.runs import run

# --- The scenario that the README adds.


def _readme_scenario() -> Scenario:
    """The scenario in the README's section on how to add one."""
    section = (ROOT / "README.md").read_text().partition("## Add a scenario\n")[2]
    block = re.search(r"```text\n(.+?)```", section, re.DOTALL)
    assert block is not None
    (scenario,) = eval(f"({block[1]})", vars(scenarios))
    return msgspec.convert(msgspec.to_builtins(scenario), Scenario)


def test_the_scenario_in_the_readme_reaches_its_state(
    hangup: Hangup, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scenario = _readme_scenario()
    assert scenario.id not in scenarios.BY_ID
    monkeypatch.setitem(scenarios.BY_ID, scenario.id, scenario)
    result = run(hangup, tmp_path, ROOT / "apps", "bare", [scenario.id])
    (outcome,) = classify(result)
    assert outcome.trial.failure is None, outcome.trial.note
    assert outcome.saws["stream-end"] == (Word.CANCELLED_AT_AWAIT,)


# --- A server that ends by itself.

DIES = """
import os

async def dies(action, span):
    if action == "wait":
        span.waiting()
        os._exit(7)

service._do = dies
"""


def test_a_server_that_is_gone_before_the_signal_is_a_result(
    hangup: Hangup, tmp_path: Path
) -> None:
    """The stream gets into its state, and the process ends before the operator signals."""
    write_app(tmp_path / "apps", "dying", DIES)
    result = run(hangup, tmp_path, tmp_path / "apps", "dying", ["shutdown"])
    assert {trial.failure for trial in result.trials} == {Word.SERVER_EXITED}


# --- What an app leaves behind.

STARTS_A_PROCESS = """
import subprocess, sys

sleeps = [sys.executable, "-c", "import time; time.sleep(3600)", {mark!r}]
subprocess.Popen(sleeps, start_new_session={session}{more})
"""


@pytest.mark.parametrize(
    ("session", "more"),
    [(False, ""), (True, ""), (True, ", env={}")],
    ids=["in the group", "in a session of its own", "without the server's environment"],
)
def test_a_process_that_an_app_has_started_is_gone_after_the_run(
    hangup: Hangup, tmp_path: Path, session: bool, more: str
) -> None:
    apps = tmp_path / "apps"
    mark = str(tmp_path / "mark")
    write_app(apps, "starts", STARTS_A_PROCESS.format(mark=mark, session=session, more=more))
    result = run(hangup, tmp_path, apps, "starts", ["complete"])
    assert [trial.failure for trial in result.trials] == [None]
    assert processes_of(tmp_path) == set()


LEAVES_OPEN = """
from urllib.parse import urlsplit
from apps.common import relay

kept = []

async def leaking(trial, url, item):
    with probe.Span(trial, "source", at="await"):
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        kept.append(writer)
        writer.write(b"GET /events HTTP/1.1\\r\\nHost: upstream\\r\\n\\r\\n")
        number = 0
        try:
            async for line in reader:
                if line.startswith(b"data: "):
                    number += 1
                    yield item(number, line[6:].decode().strip())
        finally:
            {leave}

relay.source = leaking
"""
"""An app that says that its source has ended, and may keep the connection: outside tells."""


def _run_relay(hangup: Hangup, directory: Path, leave: str, window_s: float) -> StackResult:
    """The result of an app that does `leave` with its connection when it is told to stop."""
    write_app(directory / "apps", "leaking", LEAVES_OPEN.format(leave=leave))
    result = run(hangup, directory, directory / "apps", "leaking", ["relay"], window_s)
    (outcome,) = classify(result)
    assert outcome.saws["source"] == ("CancelledError",)
    assert outcome.saws["stream-end"] == (Word.CANCELLED_AT_AWAIT,)
    return result


def test_a_connection_kept_after_the_source_has_ended_is_seen_from_outside(
    hangup: Hangup, tmp_path: Path
) -> None:
    result = _run_relay(hangup, tmp_path, "pass", 0.5)
    (outcome,) = classify(result)
    assert outcome.saws["upstream"] == (Word.STILL_OPEN,)
    (row,) = cost_rows(Outcomes([result]))
    assert row.disagreements == 1
    assert row.costs[0].sent_after > 1


def test_a_trial_waits_for_a_connection_that_is_closed_late_and_no_longer(
    hangup: Hangup, tmp_path: Path
) -> None:
    window_s = 20.0
    late = "asyncio.get_running_loop().call_later(0.3, writer.close)"
    result = _run_relay(hangup, tmp_path, late, window_s)
    (outcome,) = classify(result)
    assert outcome.saws["upstream"] == (Word.CLOSED,)
    (row,) = cost_rows(Outcomes([result]))
    assert row.disagreements == 0
    assert outcome.trial.closed_ns is not None
    assert outcome.trial.left_ns is not None
    assert outcome.trial.closed_ns - outcome.trial.left_ns < window_s / 2 * 1e9
