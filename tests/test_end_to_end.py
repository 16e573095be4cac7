"""A whole run of `bare` on uvicorn, whose outcomes follow from how it is built."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import msgspec
import pytest

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.upstream import cost_rows
from hangup.model.cleanup import BY_ID as RECIPE
from hangup.model.outcomes import Outcome
from hangup.model.scenarios import BY_ID, SCENARIOS
from hangup.model.servers import SERVERS
from hangup.model.vocabulary import Word
from hangup.store.run_lock import runs_directory
from tests import github
from tests.command import (
    Hangup,
    Table,
    a_short_run,
    contents,
    only_stack_result,
    table,
    trials_of,
)

PROOFS = {scenario.id for scenario in SCENARIOS if scenario.proof}


@pytest.fixture(scope="module")
def measured(hangup: Hangup, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The results of one run; not to be changed."""
    results = tmp_path_factory.mktemp("measured") / "results"
    options = ["--app", "bare", "--server", "uvicorn", "--repeats", "1", "--latency", "2"]
    done = hangup("run", "--thorough", *options, "--results", results)
    assert done.returncode == 0, done.stderr
    return results


@pytest.fixture(scope="module")
def outcomes(measured: Path) -> Table:
    return table(measured)


@pytest.fixture
def results(measured: Path, tmp_path: Path) -> Path:
    """A copy of the results that a test may change."""
    return Path(shutil.copytree(measured, tmp_path / "results"))


# --- Outcomes.

ONCE = (1, 1)
SAMPLED = {"try-finally-in-idle"}

KNOWN: list[tuple[str, str, str]] = [
    # It cancels the task that streams when it hears of the disconnect.
    ("idle", "stream", "CancelledError"),
    ("idle", "stream-end", Word.CANCELLED_AT_AWAIT),
    ("idle", "source", "CancelledError"),
    ("idle", "receive", Word.DISCONNECT),
    ("idle", "endpoint", Word.ALREADY_FINISHED),
    ("idle", "asgi", Word.FINISHED),
    ("idle", "handler", Word.NOT_APPLICABLE),
    ("idle", "server-log", Word.NOTHING),
    ("idle", "liveness", Word.ANSWERED),
    ("idle-rst", "stream-end", Word.CANCELLED_AT_AWAIT),
    ("post", "stream-end", Word.CANCELLED_AT_AWAIT),
    # What it cancels closes the connection that it holds.
    ("relay", "source", "CancelledError"),
    ("relay", "upstream", Word.CLOSED),
    ("cleanup-await", "cleanup", Word.FINISHED),
    ("cleanup-swallow", "stream-end", Word.SWALLOWED),
    # It does not ask before it answers.
    ("before-response", "receive", Word.NOT_AWAITED),
    ("before-response", "stream-end", Word.NEVER_STARTED),
    ("before-response", "endpoint", Word.STILL_RUNNING),
    # Nothing of its stream hears of a stream that ends by itself.
    ("complete", "stream", Word.NOTHING),
    ("complete", "stream-end", Word.FINISHED),
    ("complete", "asgi", Word.FINISHED),
    # It handles no error: all of them are the server's to log.
    ("plain-error", "endpoint", "ValueError"),
    ("plain-error", "asgi", "ValueError"),
    ("plain-error", "server-log", "ValueError"),
    ("plain-app-error", "asgi", "AppError"),
    ("error-mid-stream", "stream", "ValueError"),
    ("error-mid-stream", "stream-end", Word.RAISED),
    ("error-mid-stream", "server-log", "ValueError"),
    ("timeout-in-stream", "source", "CancelledError"),
    ("timeout-in-stream", "stream", "TimeoutError"),
    # Its clean-up is cut short where the stream that ended is cancelled once more.
    ("try-finally-in-idle", "cleanup", Word.FINISHED),
    ("detached-task-in-idle", "cleanup", Word.FINISHED_AFTER_APP),
    ("except-cancelled-in-error", "cleanup", Word.DID_NOT_RUN),
    ("waited-task-in-error", "cleanup", Word.FINISHED),
    # A stream that listens for SIGTERM ends with it.
    ("shutdown-aware-task-in-shutdown", "cleanup", Word.FINISHED),
    # A stream that never awaits has the event loop for itself.
    ("firehose", "liveness", Word.NO_ANSWER),
]


@pytest.mark.parametrize(("scenario", "surface", "saw"), KNOWN)
def test_bare_is_seen_to_do_what_it_is_built_to_do(
    outcomes: Table, scenario: str, surface: str, saw: str
) -> None:
    # A recipe that is recommended is run more often.
    times = (5, 5) if scenario in SAMPLED else ONCE
    assert outcomes["bare", scenario, surface] == {saw: times}


PLANNED = [scenario.id for scenario in SCENARIOS if not scenario.only_recommended]


@pytest.mark.parametrize("scenario", PLANNED)
def test_every_scenario_is_in_the_table(outcomes: Table, scenario: str) -> None:
    assert any(key[1] == scenario for key in outcomes)


def test_what_bare_does_not_support_is_not_applicable(outcomes: Table) -> None:
    sync = [saw for (_, scenario, _), saw in outcomes.items() if scenario == "sync"]
    assert sync
    assert all(saw == {Word.NOT_APPLICABLE: (0, 0)} for saw in sync)


def test_the_operator_is_told_whether_the_process_exits(outcomes: Table) -> None:
    (saw,) = outcomes["bare", "shutdown", "exit"]
    assert saw in (Word.EXITED, Word.STILL_RUNNING)


def test_a_stream_that_completes_gives_the_client_all_five_events(measured: Path) -> None:
    (trial,) = trials_of(only_stack_result(measured), "complete")
    assert [json.loads(data)["number"] for data in trial.received] == [1, 2, 3, 4, 5]


def test_what_bare_has_no_place_for_is_not_applicable(outcomes: Table) -> None:
    assert outcomes["bare", "dependency-in-idle", "cleanup"] == {Word.NOT_APPLICABLE: (0, 0)}


def test_the_page_on_clean_up_says_what_to_write_and_shows_it(measured: Path) -> None:
    text = (measured / "cleanup.md").read_text(encoding="utf-8")
    (row,) = [line for line in text.splitlines() if line.startswith("| **bare** | `")][:1]
    (*_, recipe) = re.findall(r"`([a-z-]+)`:", row)
    for function in RECIPE[recipe].functions:
        assert f"async def {function}(" in text
    code = (measured / "cleanup-code.md").read_text(encoding="utf-8")
    assert "async def try_finally(" in code


def test_every_page_leads_to_evidence_that_is_there(measured: Path) -> None:
    assert len(list(github.pages(measured))) > len(SCENARIOS) / 5
    assert github.dead_links(measured) == []


def test_no_trial_failed(measured: Path) -> None:
    assert {t.scenario: t.note for t in only_stack_result(measured).trials if t.failure} == {}


def test_the_reference_is_compared_with_itself(measured: Path) -> None:
    latency = only_stack_result(measured).latency
    assert latency is not None
    assert len(latency.own_ns) == 2
    assert latency.own_ns == latency.bare_ns
    assert min(latency.own_ns) > 0


def test_the_conditions_are_kept_with_the_trials(measured: Path) -> None:
    stack_result = only_stack_result(measured)
    assert {"uvicorn", "anyio"} <= stack_result.environment.packages.keys()
    assert stack_result.repeats == 1
    assert stack_result.command.startswith("python -m uvicorn ")


def test_the_results_tell_nobody_whose_machine_it_was(measured: Path, hangup: Hangup) -> None:
    for part_of_it in (str(hangup.home), str(Path.home())):
        for trial in only_stack_result(measured).trials:
            assert part_of_it.encode() not in msgspec.json.encode(trial)


# --- The other verbs.


def test_report_gives_the_same_bytes_again(hangup: Hangup, results: Path) -> None:
    before = contents(results)
    for name in before:
        path = results / name
        if "traces" not in path.parts:
            path.unlink()
    done = hangup("report", "--results", results)
    assert done.returncode == 0, done.stderr
    assert contents(results) == before


def test_show_prints_a_trial_and_what_was_concluded(hangup: Hangup, measured: Path) -> None:
    done = hangup("show", "bare", "uvicorn", "idle", "--results", measured)
    assert done.returncode == 0, done.stderr
    lines = [line.split() for line in done.stdout.splitlines()]
    assert ["stream-end", "cancelled", "at", "an", "await"] in lines
    assert any(line[2:5] == ["client", "leaves", "close()"] for line in lines)


def test_what_was_seen_upstream_is_shown_and_agrees_with_the_probe(
    hangup: Hangup, measured: Path
) -> None:
    shown = hangup("show", "bare", "uvicorn", "relay", "--results", measured).stdout
    lines = [line.split()[2:] for line in shown.splitlines()]
    assert ["upstream", "accepts"] in lines
    assert ["upstream", "#5", "sends"] in lines
    (row,) = (
        row for row in cost_rows(Outcomes([only_stack_result(measured)])) if row.scenario == "relay"
    )
    assert (len(row.costs), row.disagreements) == (1, 0)


def test_show_prints_a_trial_for_other_programs(hangup: Hangup, measured: Path) -> None:
    done = hangup("show", "bare", "uvicorn", "idle", "--json", "--results", measured)
    shown = msgspec.json.decode(done.stdout, type=Outcome)
    assert [shown.trial] == trials_of(only_stack_result(measured), "idle")
    assert shown.saws["stream"] == ("CancelledError",)


def test_show_names_the_trial_there_is_not(hangup: Hangup, measured: Path) -> None:
    done = hangup("show", "bare", "uvicorn", "idle", "--repeat", "9", "--results", measured)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "no trial 9 of idle with bare on uvicorn" in done.stderr


def test_list_names_everything_there_is(hangup: Hangup, tmp_path: Path) -> None:
    listed = json.loads(hangup("list", "--json", cwd=tmp_path).stdout)
    assert listed["scenarios"] == {scenario.id: scenario.question for scenario in SCENARIOS}
    assert listed["servers"] == {server.id: server.title for server in SERVERS}
    assert next(iter(listed["apps"])) == "bare"
    assert {"latest", "current"} <= listed["versions"].keys()


def test_list_shows_people_the_same(hangup: Hangup) -> None:
    shown = hangup("list").stdout
    for scenario in BY_ID.values():
        assert scenario.question in shown


# --- Parts of a run.


def test_a_run_of_one_scenario_from_elsewhere_is_that_and_its_proofs(
    hangup: Hangup, tmp_path: Path
) -> None:
    done = hangup(*a_short_run("bare", "--scenario", "nested", "--results", "mine"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    ran = {key[1] for key in table(tmp_path / "mine") if BY_ID[key[1]].needs is None}
    assert ran == PROOFS | {"nested"}
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]
    assert list(runs_directory(tmp_path / "mine").iterdir()) == []


def test_a_scenario_run_again_is_put_among_the_others(hangup: Hangup, results: Path) -> None:
    before = only_stack_result(results)
    done = hangup(*a_short_run("bare", "--scenario", "nested", "--results", results))
    assert done.returncode == 0, done.stderr
    after = only_stack_result(results)
    again = PROOFS | {"nested"}
    assert {t for t in before.trials if t.scenario not in again} == {
        t for t in after.trials if t.scenario not in again
    }
    assert len(after.trials) == len(before.trials)
    assert trials_of(after, "nested") != trials_of(before, "nested")
    assert after.latency == before.latency
    assert [t.steps for t in after.traced] == [t.steps for t in before.traced]


def test_a_run_that_is_not_thorough_says_what_it_leaves_out(
    hangup: Hangup, measured: Path, tmp_path: Path
) -> None:
    done = hangup(*a_short_run("bare", "--scenario", "nested", "--results", tmp_path / "mine"))
    assert done.returncode == 0, done.stderr
    not_run = "Recipes for clean-up were not run; `hangup run --thorough` does."
    assert not_run in (tmp_path / "mine" / "README.md").read_text()
    assert not_run not in (measured / "README.md").read_text()


def test_what_was_measured_under_other_conditions_is_not_mixed(
    hangup: Hangup, results: Path
) -> None:
    before = contents(results)
    done = hangup(
        *a_short_run("bare", "--scenario", "nested", "--window", "1", "--results", results)
    )
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "uvicorn.jsonl.xz" in done.stderr
    assert contents(results) == before
