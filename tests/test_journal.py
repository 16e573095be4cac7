"""The journal of a run that is interrupted, and of the one that resumes it."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hangup.errors import UserError
from hangup.model.trace import Latency
from hangup.store.journal import Batch, Journal, unfinished_trial_count
from tests.plans import a_plan
from tests.traces import LEAVES, trial

PLAN = a_plan("bare")


def begin(directory: Path) -> Journal:
    """A run that can be resumed."""
    journal = Journal.begin(directory / "runs", PLAN)
    journal.start()
    return journal


def batch(scenario: str) -> Batch:
    return Batch(app="bare", server="uvicorn", scenario=scenario, trials=(trial(scenario, LEAVES),))


def test_what_was_finished_is_resumed(tmp_path: Path) -> None:
    begun = begin(tmp_path)
    begun.keep(batch("idle"))
    begun.keep(batch("nested"))
    resumed = Journal.resume(tmp_path / "runs")
    assert resumed.plan == PLAN
    assert resumed.batches == [batch("idle"), batch("nested")]
    assert resumed.has_trials("bare", "uvicorn", "idle")
    assert not resumed.has_trials("bare", "uvicorn", "post")
    assert not resumed.has_trials("bare", "hypercorn", "idle")
    assert resumed.trial_count == 2


def test_what_outcomes_have_asked_for_is_told_from_what_was_planned(tmp_path: Path) -> None:
    begun = begin(tmp_path)
    begun.keep(batch("idle"))
    assert not begun.has_sample("bare", "uvicorn", "idle")
    begun.keep(msgspec.structs.replace(batch("idle"), sample=True))
    resumed = Journal.resume(tmp_path / "runs")
    assert resumed.has_sample("bare", "uvicorn", "idle")
    assert not resumed.has_sample("bare", "hypercorn", "idle")
    assert (resumed.trial_count, resumed.sample_count) == (2, 1)


def test_trials_traced_trials_and_latency_are_told_apart(tmp_path: Path) -> None:
    begin(tmp_path)

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


def test_a_run_that_starts_drops_what_an_earlier_one_left_and_not_before(tmp_path: Path) -> None:
    begin(tmp_path).keep(batch("idle"))
    other = Journal.begin(tmp_path / "runs", msgspec.structs.replace(PLAN, id="1badcafe"))
    assert not other.started
    assert unfinished_trial_count(tmp_path / "runs") == 1
    assert Journal.resume(tmp_path / "runs").batches == [batch("idle")]
    other.start()
    assert other.started
    assert Journal.resume(tmp_path / "runs").plan.id == "1badcafe"
    assert unfinished_trial_count(tmp_path / "runs") == 0


def test_a_run_that_is_abandoned_before_it_starts_leaves_earlier_ones(tmp_path: Path) -> None:
    assert unfinished_trial_count(tmp_path / "runs") is None
    begin(tmp_path).keep(batch("idle"))
    Journal.begin(tmp_path / "runs", msgspec.structs.replace(PLAN, id="1badcafe")).abandon()
    assert [path.name for path in (tmp_path / "runs").iterdir()] == [PLAN.id]


def test_a_run_is_not_resumed_by_another_hangup(tmp_path: Path) -> None:
    older = msgspec.structs.replace(PLAN, hangup="0.0.1")
    Journal.begin(tmp_path / "runs", older).start()
    with pytest.raises(UserError, match=r"was begun by hangup 0\.0\.1, and this is "):
        Journal.resume(tmp_path / "runs")


@pytest.mark.parametrize("damage", [b"{", b"\xff", b'{"app":"\xff"}'])
def test_a_plan_that_is_damaged_costs_a_sentence(tmp_path: Path, damage: bytes) -> None:
    (begin(tmp_path).directory / "plan.json").write_bytes(damage)
    with pytest.raises(UserError, match="is damaged"):
        Journal.resume(tmp_path / "runs")


@pytest.mark.parametrize("damage", [b'{"app":"\xff","server":"x"}\n', b"\0\0\0\n"])
def test_a_damaged_line_costs_only_itself(tmp_path: Path, damage: bytes) -> None:
    begun = begin(tmp_path)
    (begun.directory / "journal.jsonl").write_bytes(damage)
    begun.keep(batch("idle"))
    assert Journal.resume(tmp_path / "runs").batches == [batch("idle")]


def test_a_run_that_has_ended_cannot_be_resumed(tmp_path: Path) -> None:
    begin(tmp_path).end()
    with pytest.raises(UserError, match="no unfinished run"):
        Journal.resume(tmp_path / "runs")


def test_a_half_written_batch_costs_only_itself(tmp_path: Path) -> None:
    begun = begin(tmp_path)
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


def test_the_plan_that_follows_can_be_resumed_as_soon_as_a_run_has_ended(tmp_path: Path) -> None:
    later = [msgspec.structs.replace(PLAN, id=id_, then=()) for id_ in ("0badcaf1", "0badcaf2")]
    first = Journal.begin(tmp_path / "runs", msgspec.structs.replace(PLAN, then=tuple(later)))
    first.start()
    following = first.end()
    assert following is not None
    resumed = Journal.resume(tmp_path / "runs")
    assert resumed.plan == msgspec.structs.replace(later[0], then=(later[1],))
    assert (resumed.directory, resumed.batches) == (following.directory, [])


def test_nothing_follows_the_last_plan(tmp_path: Path) -> None:
    assert begin(tmp_path).end() is None
    assert unfinished_trial_count(tmp_path / "runs") is None
