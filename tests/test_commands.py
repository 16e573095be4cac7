"""The commands that read: which results they read, and which trial they show."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hangup.cli.options import results_to_read
from hangup.cli.show import show
from hangup.errors import UserError
from hangup.model.outcomes import Outcome
from hangup.store.results import write_stack_result
from tests.traces import LEAVES, stack_result, trial


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty directory that commands are run in."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_results_that_are_named_are_read_and_nothing_is_said(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert results_to_read(Path("mine")) == Path("mine")
    assert capsys.readouterr().err == ""


def test_results_of_ones_own_come_before_those_of_a_clone(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "results" / "traces").mkdir(parents=True)
    (here / "hangup-results" / ".hangup").mkdir(parents=True)
    assert results_to_read(None) == Path("results"), "a run has begun in the other and not ended"
    (here / "hangup-results" / "traces").mkdir()
    assert results_to_read(None) == Path("hangup-results")
    assert capsys.readouterr().err == "Reading results/\nReading hangup-results/\n"


def test_without_results_it_is_said_where_they_were_looked_for(here: Path) -> None:
    with pytest.raises(UserError, match=r"no results in \./hangup-results or \./results"):
        results_to_read(None)


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results in which one trial stands for two others."""
    first = trial("idle", "stream begin", LEAVES, "stream end CancelledError at an await")
    kept = msgspec.structs.replace(first, alike=(3, 4))
    other = trial("idle", "stream begin", LEAVES, "stream end GeneratorExit at a yield", repeat=2)
    write_stack_result(tmp_path / "results", stack_result(kept, other))
    return tmp_path / "results"


def shown_trial(results: Path, repeat: int, capsys: pytest.CaptureFixture[str]) -> tuple[int, str]:
    """Which trial is shown for a repeat, and what is said of that."""
    show("starlette", "uvicorn", "idle", repeat=repeat, json=True, results=results)
    printed = capsys.readouterr()
    return msgspec.json.decode(printed.out, type=Outcome).trial.repeat, printed.err


def test_a_trial_that_was_not_kept_is_shown_by_the_one_it_came_out_as(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shown, said = shown_trial(results, 4, capsys)
    assert shown == 1
    assert said.count("\n") == 1
    assert said.startswith("Trial 4 of current-py3.13/starlette/uvicorn came out as trial 1 did")


def test_a_trial_that_was_kept_is_shown_itself(
    results: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert shown_trial(results, 1, capsys) == (1, "")
    assert shown_trial(results, 2, capsys) == (2, "")


def test_a_trial_that_there_was_not_is_named(results: Path) -> None:
    with pytest.raises(UserError, match="no trial 5 of idle with starlette on uvicorn"):
        show("starlette", "uvicorn", "idle", repeat=5, results=results)
