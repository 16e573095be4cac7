"""The journal of a run that is interrupted, and of the one that resumes it."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangup.errors import UserError
from hangup.model.trace import Latency
from hangup.store.journal import Batch, Journal
from tests.plans import a_plan
from tests.traces import LEAVES, trial

PLAN = a_plan("bare")


def batch(scenario: str) -> Batch:
    return Batch(app="bare", server="uvicorn", scenario=scenario, trials=(trial(scenario, LEAVES),))


def test_what_was_finished_is_resumed(tmp_path: Path) -> None:
    begun = Journal.begin(tmp_path / "runs", PLAN)
    begun.keep(batch("idle"))
    begun.keep(batch("nested"))
    resumed = Journal.resume(tmp_path / "runs")
    assert resumed.plan == PLAN
    assert resumed.batches == [batch("idle"), batch("nested")]
    assert resumed.has_trials("bare", "uvicorn", "idle")
    assert not resumed.has_trials("bare", "uvicorn", "post")
    assert not resumed.has_trials("bare", "hypercorn", "idle")
    assert resumed.trial_count == 2


def test_trials_traced_trials_and_latency_are_told_apart(tmp_path: Path) -> None:
    Journal.begin(tmp_path / "runs", PLAN)

    def finished() -> tuple[bool, bool, bool]:
        journal = Journal.resume(tmp_path / "runs")
        return (
            journal.has_trials("bare", "uvicorn", "idle"),
            journal.has_traced("bare", "uvicorn"),
            journal.has_latency("bare", "uvicorn"),
        )

    def keep(batch: Batch) -> None:
        Journal.resume(tmp_path / "runs").keep(batch)

    assert finished() == (False, False, False)
    keep(batch("idle"))
    assert finished() == (True, False, False)
    keep(Batch(app="bare", server="uvicorn", traced=(trial("idle", LEAVES, repeat=0),)))
    assert finished() == (True, True, False)
    # One that could not be measured is not measured again.
    keep(Batch(app="bare", server="uvicorn", latency=Latency()))
    assert finished() == (True, True, True)
    assert Journal.resume(tmp_path / "runs").trial_count == 2


def test_a_run_that_begins_drops_what_an_earlier_one_left(tmp_path: Path) -> None:
    begun = Journal.begin(tmp_path / "runs", PLAN)
    begun.keep(batch("idle"))
    Journal.begin(tmp_path / "runs", PLAN)
    assert Journal.resume(tmp_path / "runs").batches == []


def test_a_run_that_has_ended_cannot_be_resumed(tmp_path: Path) -> None:
    Journal.begin(tmp_path / "runs", PLAN).end()
    with pytest.raises(UserError, match="no unfinished run"):
        Journal.resume(tmp_path / "runs")


def test_a_half_written_batch_costs_only_itself(tmp_path: Path) -> None:
    begun = Journal.begin(tmp_path / "runs", PLAN)
    begun.keep(batch("idle"))
    begun.keep(batch("nested"))
    journal = begun.directory / "journal.jsonl"
    journal.write_bytes(journal.read_bytes()[:-30])
    resumed = Journal.resume(tmp_path / "runs")
    assert resumed.batches == [batch("idle")]
    resumed.keep(batch("nested"))
    resumed.keep(batch("post"))
    again = Journal.resume(tmp_path / "runs")
    assert again.batches == [batch("idle"), batch("nested"), batch("post")]
