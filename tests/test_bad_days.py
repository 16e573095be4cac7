"""What goes wrong: the user, an app, the package index, whoever presses Ctrl-C.

Whatever it is costs no more than itself, says so in a sentence, and leaves no process.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec
import psutil
import pytest

from hangup.cli.run import check_readable
from hangup.environment.apps import read_apps
from hangup.environment.interpreters import find_interpreter
from hangup.errors import UserError
from hangup.model import servers
from hangup.model.scenarios import SCENARIOS
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from hangup.runner.preconditions import EVENTS_UNTIL_STREAMING
from hangup.runner.prepare import without_unsupported_stacks
from hangup.runner.process_tree import LIFELINE
from hangup.store.journal import Batch, Journal, unfinished_trial_count
from hangup.store.results import read_stack_results, write_stack_result
from hangup.store.run_lock import only_run_into, runs_directory
from tests.command import (
    DEADLINE_S,
    ROOT,
    Hangup,
    a_short_run,
    contents,
    journalled,
    only_stack_result,
    processes_of,
    table,
    trials_of,
    wait_until,
    write_app,
)
from tests.plans import a_plan
from tests.traces import LEAVES
from tests.traces import stack_result as a_stack_result
from tests.traces import trial as a_trial

PROOFS = [scenario.id for scenario in SCENARIOS if scenario.proof]

AFTER_SENDING = """
import os, time

send_events_well = send_events

async def send_events(stream, send):
    sent = 0

    async def counted(message):
        nonlocal sent
        await send(message)
        sent += 1
        if sent == 1 + {events} and service.script_of_request().pause_ms == 5:
            {what}

    await send_events_well(stream, counted)
"""
"""In the scenario `ticking`, and no other, something happens after so many events."""


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[Path]:
    """A directory for apps; no process of a run into this test's directory is left behind."""
    directory = tmp_path / "apps"
    directory.mkdir()
    yield directory
    left = processes_of(tmp_path)
    for process in left:
        with suppress(psutil.NoSuchProcess):  # it has ended since
            psutil.Process(process).kill()
    assert not left


# --- The user is wrong.


def _one_sentence(done: subprocess.CompletedProcess[str]) -> str:
    assert done.returncode == 2, done.stderr
    assert done.stdout == ""
    assert done.stderr.startswith("hangup: ")
    assert done.stderr.count("\n") == 1
    return done.stderr


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["run", "--app", "quartz"], "There is no app 'quartz'; did you mean quart"),
        (["run", "--server", "uvicron"], "no server 'uvicron'; did you mean uvicorn"),
        (["run", "--scenario", "idel"], "no scenario 'idel'; did you mean idle"),
        (["run", "--versions", "curent"], "no version set 'curent'; did you mean current"),
        (["run", "--python", "2.3"], "No Python '2.3' was found"),
        (["run", "--python", "/no/python"], "No Python '/no/python' was found"),
        (["run", "--apps", "no/such"], "There are no app files in no/such"),
        (["run", "--app", "[/red] [bold]"], "There is no app '[/red] [bold]'"),
        (["report", "--results", "no/such"], "There are no results in no/such"),
        (
            ["show", "bare", "uvicorn", "idel", "--results", "results"],
            "no scenario 'idel'; did you mean idle",
        ),
        (["run", "--resume", "--app", "bare"], "give no other option than --results"),
        (["run", "--resume", "--window", "2"], "give no other option than --results"),
        (["run", "--window", "inf"], "The window must have an end"),
    ],
)
def test_what_there_is_not_costs_one_sentence(
    hangup: Hangup, arguments: list[str], said: str
) -> None:
    assert said in _one_sentence(hangup(*arguments))


@pytest.mark.parametrize("command", [["run"], ["why", "bare", "uvicorn", "idle"]], ids=" ".join)
def test_a_cache_that_is_a_file_costs_one_sentence(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "file").touch()
    hangup = Hangup(home=tmp_path / "file")
    if command[0] == "why":
        command = [*command, "--results", str(ROOT / "results")]
    else:
        command = [*command, "--results", str(tmp_path / "results")]
    said = _one_sentence(hangup(*command))
    assert "cannot be made or written" in said
    assert "set HANGUP_HOME" in said


def test_a_file_in_the_way_of_what_a_run_keeps_costs_one_sentence(
    hangup: Hangup, tmp_path: Path
) -> None:
    (tmp_path / ".hangup").touch()
    said = _one_sentence(hangup(*a_short_run("bare", "--results", tmp_path)))
    assert f"{tmp_path / '.hangup'} cannot be made or written" in said


def test_results_that_cannot_be_read_cost_no_trials(hangup: Hangup, tmp_path: Path) -> None:
    damaged = tmp_path / "traces" / "other-py3.13" / "bare" / "uvicorn.jsonl.xz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no such format")
    before = contents(tmp_path)
    said = _one_sentence(hangup(*a_short_run("bare", "--results", tmp_path)))
    assert f"{damaged} is damaged" in said
    assert contents(tmp_path) == before


def test_a_damaged_stack_can_be_measured_again(hangup: Hangup, tmp_path: Path) -> None:
    arguments = a_short_run("bare", "--results", tmp_path)
    python = asyncio.run(find_interpreter(None)).feature
    damaged = tmp_path / "traces" / f"current-py{python}" / "bare" / "uvicorn.jsonl.xz"
    damaged.parent.mkdir(parents=True)
    damaged.write_bytes(b"no such format")
    assert "is damaged" in _one_sentence(hangup(*arguments, "--scenario", "idle"))
    plan = a_plan("bare")
    plan = msgspec.structs.replace(
        plan, interpreter=msgspec.structs.replace(plan.interpreter, version=f"CPython {python}.0")
    )
    check_readable(tmp_path, plan)


def test_a_report_is_not_written_while_a_run_is_under_way(hangup: Hangup, tmp_path: Path) -> None:
    write_stack_result(tmp_path, a_stack_result())
    with only_run_into(tmp_path):
        said = _one_sentence(hangup("report", "--results", tmp_path))
    assert f"Another run into {tmp_path} is under way" in said


def _unfinished(results: Path, scenario: str = "idle") -> Journal:
    """A run into these results that holds one trial."""
    journal = Journal.begin(runs_directory(results), a_plan("bare"))
    journal.start()
    trials = (a_trial(scenario, LEAVES),)
    journal.keep(Batch(app="bare", server="uvicorn", scenario=scenario, trials=trials))
    return journal


def test_an_unfinished_run_is_dropped_with_a_word_on_how_to_finish_it(
    hangup: Hangup, tmp_path: Path
) -> None:
    results = tmp_path / "my results"
    _unfinished(results)
    done = hangup(*a_short_run("bare", "--scenario", "complete", "--results", results))
    assert done.returncode == 0, done.stderr
    first, *_ = done.stderr.splitlines()
    assert first.startswith("The unfinished run that holds 1 trial is dropped when ")
    assert f"`hangup run --resume --results '{results}'`" in first
    assert "no unfinished run" in _one_sentence(hangup("run", "--resume", "--results", results))


def test_an_unfinished_run_is_kept_where_the_next_one_cannot_begin(
    hangup: Hangup, apps: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    _unfinished(results)
    write_app(apps, "mine", needs="hangup-no-such-package-zz")
    done = hangup(*a_short_run("mine", "--apps", apps, "--results", results))
    assert done.returncode == 2
    assert "cannot be installed" in done.stderr
    assert unfinished_trial_count(runs_directory(results)) == 1
    assert len(list(runs_directory(results).iterdir())) == 1


def test_an_app_without_a_block_costs_one_sentence(hangup: Hangup, apps: Path) -> None:
    (apps / "mine.py").write_text("async def app(scope, receive, send): ...\n")
    said = _one_sentence(hangup("run", "--apps", apps))
    assert "mine.py has no `# /// script` blocks" in said


def test_without_an_unfinished_run_there_is_nothing_to_resume(
    hangup: Hangup, tmp_path: Path
) -> None:
    assert "There is no unfinished run" in _one_sentence(hangup("run", "--resume", cwd=tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_an_app_that_is_gone_when_a_run_is_resumed_is_named(
    hangup: Hangup, tmp_path: Path, apps: Path
) -> None:
    results = tmp_path / "results"
    write_app(apps, "bare")
    Journal.begin(runs_directory(results), a_plan("bare", "gone", directory=str(apps))).start()
    assert "no app 'gone'" in _one_sentence(hangup("run", "--resume", "--results", results))


def test_a_second_run_into_the_same_results_is_rejected_and_one_into_others_is_not(
    hangup: Hangup, tmp_path: Path
) -> None:
    with only_run_into(tmp_path / "mine"):
        rejected = hangup(*a_short_run("bare", "--results", tmp_path / "mine"))
        other = hangup(
            *a_short_run("bare", "--scenario", "complete", "--results", tmp_path / "other")
        )
    assert f"Another run into {tmp_path / 'mine'} is under way" in _one_sentence(rejected)
    assert other.returncode == 0, other.stderr


def test_there_may_be_no_results_to_read(hangup: Hangup, tmp_path: Path) -> None:
    said = _one_sentence(hangup("report", cwd=tmp_path))
    assert "no results in ./hangup-results or ./results" in said


def test_a_package_that_cannot_be_had_is_named_and_nothing_is_measured(
    hangup: Hangup, apps: Path, tmp_path: Path
) -> None:
    write_app(apps, "bare")
    write_app(apps, "mine", needs="hangup-no-such-package-zz")
    done = hangup(
        *a_short_run("mine", "--app", "bare"),
        *("--apps", apps, "--results", tmp_path / "results"),
    )
    said = _one_sentence(done)
    assert "hangup-no-such-package-zz" in said
    assert "cannot be installed" in said
    assert contents(tmp_path / "results") == {}


def test_an_app_for_another_python_is_not_run_when_asked_for(
    hangup: Hangup, apps: Path, tmp_path: Path
) -> None:
    _for_another_python(write_app(apps, "newer"))
    done = hangup(*a_short_run("newer", "--apps", apps, "--results", tmp_path / "results"))
    assert "newer needs Python >=3.99, and the servers' Python is 3." in _one_sentence(done)


def test_apps_that_a_version_set_cannot_hold_are_left_out_with_the_reasons(
    apps: Path, tmp_path: Path
) -> None:
    write_app(apps, "bare")
    write_app(apps, "mine", needs="hangup-no-such-package-zz")
    _for_another_python(write_app(apps, "newer"))
    found = read_apps(apps)
    interpreter = asyncio.run(find_interpreter(None))
    asked = msgspec.structs.replace(a_plan(*found), interpreter=interpreter)
    plan, reasons = asyncio.run(without_unsupported_stacks(asked, found, tmp_path / "cache"))
    assert plan.apps == ("bare",)
    assert reasons.keys() == {"mine", "newer"}
    assert "hangup-no-such-package-zz was not found" in reasons["mine"]
    assert reasons["newer"].startswith("newer needs Python >=3.99")

    nothing_left = msgspec.structs.replace(asked, stacks=(("mine", "uvicorn"),))
    with pytest.raises(UserError, match="hangup-no-such-package-zz"):
        asyncio.run(without_unsupported_stacks(nothing_left, found, tmp_path / "cache"))


def test_a_server_that_cannot_be_installed_costs_what_runs_on_it_only(
    apps: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_app(apps, "bare")
    needs = ("uvicorn", "hangup-no-such-package-zz")
    broken = msgspec.structs.replace(servers.BY_ID["hypercorn"], requirements=needs)
    monkeypatch.setitem(servers.BY_ID, "hypercorn", broken)
    interpreter = asyncio.run(find_interpreter(None))
    both = (("bare", "uvicorn"), ("bare", "hypercorn"))
    asked = msgspec.structs.replace(a_plan("bare"), interpreter=interpreter, stacks=both)
    found = read_apps(apps)
    plan, reasons = asyncio.run(without_unsupported_stacks(asked, found, tmp_path / "cache"))
    assert plan.stacks == (("bare", "uvicorn"),)
    assert reasons.keys() == {"bare on hypercorn"}


def _for_another_python(app: Path) -> None:
    app.write_text(app.read_text().replace('">=3.11"', '">=3.99"'))


# --- An app misbehaves.


def _by_app(results: Path) -> dict[str, StackResult]:
    return {stack_result.stack.app: stack_result for stack_result in read_stack_results(results)}


def test_an_app_that_cannot_be_imported_costs_its_own_results_only(
    hangup: Hangup, apps: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    write_app(apps, "bare")
    write_app(apps, "broken", "raise RuntimeError('no such thing as [/red]')")
    done = hangup(
        *a_short_run("bare", "--app", "broken", "--scenario", "idle"),
        *("--apps", apps, "--results", results),
    )
    assert done.returncode == 1
    assert "broken-on-uvicorn could not be started" in done.stderr
    assert "no such thing as [/red]" in done.stderr

    (log,) = (word for word in done.stderr.split() if "server.log" in word)
    assert "Traceback" in Path(log).read_text()

    stack_results = _by_app(results)
    assert {trial.failure for trial in stack_results["bare"].trials} == {None}
    assert {trial.failure for trial in stack_results["broken"].trials} == {Word.FAILED_TO_START}
    assert {trial.scenario for trial in stack_results["broken"].trials} == set(PROOFS)
    assert table(results)["broken", "idle", "stream"] == {Word.FAILED_TO_START: (1, 1)}
    for trial in stack_results["broken"].trials:
        assert trial.note is not None
        assert "no such thing" in trial.note
        assert str(hangup.home) not in trial.note


@pytest.mark.parametrize(
    "events", [3, EVENTS_UNTIL_STREAMING], ids=["too early", "when the client leaves"]
)
def test_an_app_whose_process_dies_costs_its_own_trials_only(
    hangup: Hangup, apps: Path, tmp_path: Path, events: int
) -> None:
    results = tmp_path / "results"
    write_app(apps, "dying", AFTER_SENDING.format(events=events, what="os._exit(7)"))
    done = hangup(
        *a_short_run("dying", "--scenario", "ticking"),
        *("--apps", apps, "--results", results),
    )
    assert done.returncode == 0, done.stderr
    stack_result = only_stack_result(results)
    for trial in trials_of(stack_result, "ticking"):
        assert trial.failure == Word.SERVER_EXITED, trial.note
        assert trial.note is not None
        assert "exit code 7" in trial.note
    others = {trial.scenario: trial.failure for trial in stack_result.trials}
    del others["ticking"]
    assert others == dict.fromkeys(PROOFS)


LITTERING = """
import gc, logging

class Litter:
    def __init__(self):
        self.itself = self

    def __del__(self):
        logging.error("left behind")

async def before_answering():
    if service.script_of_request().pause_ms == 5:
        gc.collect()
    elif service.script_of_request().then == "wait":
        Litter()

service.before_answering = before_answering
"""
"""Something is left by `idle`, and comes to light in `ticking` at the latest."""


def test_what_an_earlier_trial_has_left_is_not_put_down_to_a_later_one(
    hangup: Hangup, apps: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    write_app(apps, "littering", LITTERING)
    done = hangup(
        *a_short_run("littering", "--scenario", "ticking"),
        *("--apps", apps, "--results", results),
    )
    assert done.returncode == 0, done.stderr
    # Nor is it said that nothing was logged: the line may be of an earlier trial of `ticking`.
    assert set(table(results)["littering", "ticking", "server-log"]) == {Word.INCONCLUSIVE}
    assert {line.partition(": ")[2] for line in only_stack_result(results).unattributed} == {
        f"{Word.ERROR_LINE}: root: left behind"
    }


def test_an_app_that_blocks_its_event_loop_is_given_up_and_the_run_goes_on(
    hangup: Hangup, apps: Path, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    blocks = AFTER_SENDING.format(events=EVENTS_UNTIL_STREAMING, what="time.sleep(3600)")
    write_app(apps, "blocking", blocks)
    done = hangup(
        *a_short_run("blocking", "--scenario", "ticking", "--window", "0.5"),
        *("--apps", apps, "--results", results),
    )
    assert done.returncode == 0, done.stderr
    found = table(results)
    ((blocked, (n, of)),) = found["blocking", "ticking", "liveness"].items()
    assert (blocked, n) == (Word.NO_ANSWER, of)
    assert found["blocking", "ticking", "stream-end"] == {Word.SUSPENDED_OR_RUNNING: (of, of)}
    for scenario in PROOFS:
        assert found["blocking", scenario, "liveness"] == {Word.ANSWERED: (1, 1)}


# --- The run is ended.

BARRIER = """
import pathlib, time

def encode(data):
    if service.script_of_request().pause_ms == 1 and pathlib.Path({barrier!r}).exists():
        pathlib.Path({reached!r}).touch()
        time.sleep(3600)
    return f"data: {{data}}\\n\\n".encode()
"""
"""In the scenario `complete`, which comes after `idle`, the stream stops at a barrier."""


@contextmanager
def _a_run_at_the_barrier(
    hangup: Hangup, apps: Path, results: Path
) -> Iterator[subprocess.Popen[str]]:
    """A run that has finished `idle` and is in the middle of `complete`.

    Afterwards there is no barrier.
    """
    barrier, reached = apps / "barrier", apps / "reached"
    barrier.touch()
    write_app(apps, "stopped", BARRIER.format(barrier=str(barrier), reached=str(reached)))
    with hangup.start(
        *a_short_run("stopped", "--scenario", "idle", "--window", "60"),
        *("--apps", apps, "--results", results),
    ) as running:
        try:
            wait_until(lambda: reached.exists() or running.poll() is not None, "at the barrier")
            assert running.poll() is None, running.stderr and running.stderr.read()
            assert processes_of(results) - {running.pid}
            yield running
        finally:
            running.kill()
    barrier.unlink()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_run_that_is_interrupted_leaves_nothing_behind_and_can_be_resumed(
    hangup: Hangup, apps: Path, tmp_path: Path, how: signal.Signals
) -> None:
    results = tmp_path / "results"
    results.mkdir()
    (results / "outcomes.csv").write_text("of an earlier run\n")
    with _a_run_at_the_barrier(hangup, apps, results) as running:
        running.send_signal(how)
        _, said = running.communicate(timeout=DEADLINE_S)
    assert running.returncode == 130
    assert "Traceback" not in said
    assert f"hangup run --resume --results {results}" in said
    assert processes_of(results) == set()
    assert contents(results) == {"outcomes.csv": b"of an earlier run\n"}
    (kept,) = journalled(results)
    assert kept.scenario == "idle"

    (apps / "stopped.py").unlink()  # it goes on with the app that it began with

    done = hangup("run", "--resume", "--results", results)
    assert done.returncode == 0, done.stderr
    stack_result = only_stack_result(results)
    assert [trial.scenario for trial in stack_result.trials] == sorted(PROOFS)
    assert {trial.failure for trial in stack_result.trials} == {None}
    assert tuple(trials_of(stack_result, "idle")) == kept.trials
    again = hangup("run", "--resume", "--results", results)
    assert "no unfinished run" in _one_sentence(again)


def test_a_run_that_is_killed_leaves_no_process(hangup: Hangup, apps: Path, tmp_path: Path) -> None:
    with _a_run_at_the_barrier(hangup, apps, tmp_path / "results") as running:
        running.kill()
        running.wait()
        wait_until(lambda: not processes_of(tmp_path), "the server's process ends")
    assert contents(tmp_path / "results") == {}

    done = hangup("run", "--resume", "--results", tmp_path / "results")
    assert done.returncode == 0, done.stderr
    assert len(only_stack_result(tmp_path / "results").trials) == len(PROOFS)


def test_what_a_killed_run_has_left_without_an_agent_is_ended_by_the_next_one(
    hangup: Hangup, tmp_path: Path
) -> None:
    results = tmp_path / "results"
    lifeline = _unfinished(results).directory / "bare-on-uvicorn-0" / "lifeline"
    sleeps = [sys.executable, "-c", "import time; time.sleep(3600)"]
    with subprocess.Popen(sleeps, env={LIFELINE: str(lifeline)}) as left:
        try:
            done = hangup(*a_short_run("bare", "--scenario", "complete", "--results", results))
            assert done.returncode == 0, done.stderr
            assert left.wait(DEADLINE_S) == -signal.SIGKILL
        finally:
            left.kill()


HANGS = """\
#!/bin/sh
touch {reached}
while :; do sleep 0.1; done
"""


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_a_run_that_is_interrupted_before_its_first_trial_leaves_nothing(
    hangup: Hangup, apps: Path, tmp_path: Path, how: signal.Signals
) -> None:
    """uv asks an interpreter, which does not answer."""
    python, reached = tmp_path / "python3", tmp_path / "reached"
    python.write_text(HANGS.format(reached=reached))
    python.chmod(0o755)
    results = tmp_path / "results"
    with hangup.start("run", "--python", python, "--results", results) as running:
        try:
            wait_until(lambda: reached.exists() or running.poll() is not None, "it is asked")
            running.send_signal(how)
            _, said = running.communicate(timeout=DEADLINE_S)
        finally:
            running.kill()
    assert said == "Interrupted before the first trial.\n"
    assert running.returncode == 130
    assert processes_of(tmp_path) == set()
    assert not results.exists()


def test_results_that_cannot_be_written_cost_no_trials(hangup: Hangup, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    said = _one_sentence(hangup("run", "--results", str(tmp_path / "file" / "results")))
    assert "cannot be made or written" in said
