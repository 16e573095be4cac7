"""The batches of a journal, put together into the result of a stack."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hangup.environment.staging import code_hash
from hangup.model.servers import BY_ID
from hangup.model.trace import Latency
from hangup.runner import stack_result
from hangup.runner.prepare import PreparedStack
from hangup.store.journal import Batch
from tests.plans import a_plan, an_app
from tests.traces import LEAVES, trial


@pytest.fixture
def prepared(tmp_path: Path) -> PreparedStack:
    file = tmp_path / "bare.py"
    file.write_text("app = None\n")
    return PreparedStack(
        app=msgspec.structs.replace(an_app("bare", "sync"), path=file),
        server=BY_ID["uvicorn"],
        pins=("anyio==4.0", "uvicorn==1.0"),
        python=tmp_path / "python",
        staged=tmp_path,
    )


def batch(scenario: str, server: str = "uvicorn", line: str = "") -> Batch:
    return Batch(
        app="bare",
        server=server,
        scenario=scenario,
        trials=(trial(scenario, LEAVES),),
        rejected_registrations={scenario: "TypeError"},
        unattributed=(line,) if line else (),
    )


def test_what_batches_hold_is_put_together(prepared: PreparedStack) -> None:
    traced = Batch(app="bare", server="uvicorn", traced=(trial("idle", LEAVES, repeat=0),))
    latencies = [
        Batch(app="bare", server="uvicorn", latency=Latency(own_ns=(n,), bare_ns=(n,)))
        for n in (1, 2)
    ]
    batches = [batch("idle", line="idle: a line"), batch("post"), traced, *latencies]
    result = stack_result.assemble(a_plan("bare"), prepared, batches)
    assert result.trials == (trial("idle", LEAVES), trial("post", LEAVES))
    assert result.traced == traced.traced
    assert result.rejected_registrations == {"idle": "TypeError", "post": "TypeError"}
    assert result.unattributed == ("idle: a line",)
    assert result.latency == Latency(own_ns=(2,), bare_ns=(2,))


def test_samples_are_numbered_after_the_trials_that_were_asked_for_first(
    prepared: PreparedStack,
) -> None:
    samples = (trial("idle", LEAVES, repeat=1, alone=True), trial("idle", repeat=2, alone=True))
    sample = Batch(app="bare", server="uvicorn", scenario="idle", sample=True, trials=samples)
    batches = [batch("idle", line="idle: a line"), batch("post"), sample]
    result = stack_result.assemble(a_plan("bare"), prepared, batches)
    numbered = [(t.scenario, t.repeat, t.alone) for t in result.trials]
    assert numbered == [
        ("idle", 1, False),
        ("post", 1, False),
        ("idle", 2, True),
        ("idle", 3, True),
    ]
    assert result.unattributed == ("idle: a line",)


def test_samples_of_what_ends_its_server_are_in_the_place_of_the_others(
    prepared: PreparedStack,
) -> None:
    scenario = "waited-task-in-shutdown"
    alone = trial(scenario, LEAVES, alone=True)
    sample = Batch(app="bare", server="uvicorn", scenario=scenario, sample=True, trials=(alone,))
    result = stack_result.assemble(a_plan("bare"), prepared, [batch(scenario), sample])
    assert [(t.repeat, t.alone) for t in result.trials] == [(1, True)]


def test_what_belongs_to_another_stack_is_passed_over(prepared: PreparedStack) -> None:
    result = stack_result.assemble(
        a_plan("bare"), prepared, [batch("idle", server="hypercorn"), batch("post")]
    )
    assert [trial.scenario for trial in result.trials] == ["post"]
    assert result.latency is None


def test_it_says_what_the_trials_ran_under(prepared: PreparedStack) -> None:
    plan = a_plan("bare")
    result = stack_result.assemble(plan, prepared, [])
    assert result.stack.id == "current-py3.13/bare/uvicorn"
    assert result.environment.packages == {"anyio": "4.0", "uvicorn": "1.0"}
    assert result.environment.python == "CPython 3.13.0"
    assert result.unsupported == ("sync",)
    assert result.command.startswith("python -m uvicorn ")
    assert (result.run, result.date) == (plan.id, plan.date)


def test_it_says_what_code_the_trials_ran(prepared: PreparedStack, tmp_path: Path) -> None:
    plan = msgspec.structs.replace(a_plan("bare"), hangup="0.0.1")
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "bare.py").write_text("app = 'staged'\n")
    result = stack_result.assemble(plan, prepared, [])
    assert result.hangup == "0.0.1"
    assert result.code_hash == code_hash(prepared.app, prepared.staged)
    (tmp_path / "apps" / "bare.py").write_text("app = 'changed'\n")
    assert stack_result.assemble(plan, prepared, []).code_hash != result.code_hash
