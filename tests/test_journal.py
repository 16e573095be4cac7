"""The journal of a run that is cut off, and of the one that takes it up."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangup.errors import UserError
from hangup.model.servers import BY_ID
from hangup.runner.server_process import ServerProcess
from hangup.store.journal import Batch, Journal
from tests.plans import a_plan
from tests.traces import LEAVES, trial

PLAN = a_plan("bare")


def batch(scenario: str) -> Batch:
    return Batch(app="bare", server="uvicorn", scenario=scenario, trials=(trial(scenario, LEAVES),))


def test_what_was_finished_is_taken_up(tmp_path: Path) -> None:
    begun = Journal.begin(tmp_path / "runs", PLAN)
    begun.keep(batch("idle"))
    begun.keep(batch("nested"))
    taken_up = Journal.resume(tmp_path / "runs")
    assert taken_up.plan == PLAN
    assert taken_up.batches == [batch("idle"), batch("nested")]
    assert taken_up.finished("bare", "uvicorn", "idle")
    assert not taken_up.finished("bare", "uvicorn", "post")
    assert not taken_up.finished("bare", "uvicorn", None)
    assert not taken_up.finished("bare", "hypercorn", "idle")


def test_a_run_that_begins_drops_what_an_earlier_one_left(tmp_path: Path) -> None:
    begun = Journal.begin(tmp_path / "runs", PLAN)
    begun.keep(batch("idle"))
    Journal.begin(tmp_path / "runs", PLAN)
    assert Journal.resume(tmp_path / "runs").batches == []


def test_a_run_that_has_ended_cannot_be_taken_up(tmp_path: Path) -> None:
    Journal.begin(tmp_path / "runs", PLAN).end()
    with pytest.raises(UserError, match="no unfinished run"):
        Journal.resume(tmp_path / "runs")


def test_a_half_written_batch_costs_only_itself(tmp_path: Path) -> None:
    begun = Journal.begin(tmp_path / "runs", PLAN)
    begun.keep(batch("idle"))
    begun.keep(batch("nested"))
    journal = begun.directory / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])
    taken_up = Journal.resume(tmp_path / "runs")
    assert taken_up.batches == [batch("idle")]
    taken_up.keep(batch("nested"))
    taken_up.keep(batch("post"))
    again = Journal.resume(tmp_path / "runs")
    assert again.batches == [batch("idle"), batch("nested"), batch("post")]


def test_no_two_servers_of_a_run_get_the_same_port(tmp_path: Path) -> None:
    ports = [
        ServerProcess(
            root=tmp_path,
            app=tmp_path / "bare.py",
            server=BY_ID["uvicorn"],
            python=tmp_path / "python",
            directory=tmp_path / "server",
        ).port
        for _ in range(600)
    ]
    assert len(set(ports)) == len(ports)
