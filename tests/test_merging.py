"""Newly measured trials among those that a stack has already."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from hangup.analysis.compaction import compacted
from hangup.analysis.outcomes import StackOutcomes
from hangup.errors import UserError
from hangup.model.exception_path import Step
from hangup.model.trace import NOT_KEPT, TRACED, Distribution, Environment, Latency, StackResult
from hangup.model.vocabulary import Word
from hangup.store.merging import check_mergeable, merged
from hangup.store.results import (
    read_stack_result,
    remove_stacks,
    stack_result_path,
    stack_result_paths,
    write_stack_result,
)
from tests.test_formats import write_format_1
from tests.traces import LEAVES, stack, stack_result, trial

CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
CLOSED = ("stream begin", LEAVES, "stream end GeneratorExit at a yield")
STEPS = [Step(event="raised", n=1, saw="CancelledError", file="apps/common/service.py")]


def measured_again(directory: Path, before: StackResult, after: StackResult) -> StackResult:
    """What is written when `after` is measured where `before` is."""
    write_stack_result(directory, compacted(before))
    write_stack_result(directory, compacted(merged(directory, after)))
    return read_stack_result(stack_result_path(directory, after.stack))


def test_what_is_measured_first_is_kept_as_it_is(tmp_path: Path) -> None:
    result = stack_result(trial("idle", *CANCELLED))
    check_mergeable(tmp_path, result)
    assert merged(tmp_path, result) == result


def test_scenarios_that_were_not_measured_again_keep_their_trials(tmp_path: Path) -> None:
    before = stack_result(trial("idle", *CANCELLED), trial("post", *CANCELLED))
    found = measured_again(tmp_path, before, stack_result(trial("idle", *CLOSED)))
    assert [(t.scenario, t.events) for t in found.trials] == [
        ("idle", trial("idle", *CLOSED).events),
        ("post", trial("post", *CANCELLED).events),
    ]


def test_the_numbers_are_right_after_a_scenario_was_measured_again(tmp_path: Path) -> None:
    before = stack_result(
        *(trial("idle", *CANCELLED, repeat=n) for n in (1, 2, 4)),
        trial("idle", *CLOSED, repeat=3),
        *(trial("post", *CANCELLED, repeat=n) for n in (1, 2)),
    )
    after = stack_result(
        trial("post", *CLOSED), *(trial("post", *CANCELLED, repeat=n) for n in (2, 3, 4))
    )
    found = measured_again(tmp_path, before, after)
    assert {
        (o.scenario, o.saw): (o.n, o.of)
        for o in StackOutcomes(found).observations
        if o.surface == "stream-end"
    } == {
        ("idle", Word.CANCELLED_AT_AWAIT): (3, 4),
        ("idle", Word.CLOSED_AT_YIELD): (1, 4),
        ("post", Word.CANCELLED_AT_AWAIT): (3, 4),
        ("post", Word.CLOSED_AT_YIELD): (1, 4),
    }
    assert len(found.trials) == 4


def test_a_traced_trial_no_longer_names_a_trial_that_was_measured_again(tmp_path: Path) -> None:
    before = stack_result(
        *(trial(name, *CANCELLED) for name in ("idle", "post")),
        traced=[trial(name, *CANCELLED, repeat=TRACED, steps=STEPS) for name in ("idle", "post")],
    )
    found = measured_again(tmp_path, before, stack_result(trial("idle", *CLOSED)))
    assert {t.scenario: t.same_as for t in found.traced} == {"idle": NOT_KEPT, "post": 1}
    outcomes = StackOutcomes(found)
    # What it saw is not known any more; what way its exceptions took is.
    assert set(outcomes.traced) == {"post"}
    assert set(outcomes.exception_paths) == {"idle", "post"}
    assert compacted(found) == found


def test_a_traced_trial_whose_events_were_kept_stays(tmp_path: Path) -> None:
    traced = trial("idle", *CLOSED, repeat=TRACED, steps=STEPS)
    before = stack_result(trial("idle", *CANCELLED), traced=[traced])
    found = measured_again(tmp_path, before, stack_result(trial("idle", *CANCELLED)))
    assert found.traced == (traced,)


def test_a_traced_trial_is_replaced_by_one_that_was_traced_again(tmp_path: Path) -> None:
    old, new = (trial("idle", *lines, repeat=TRACED, steps=STEPS) for lines in (CLOSED, CANCELLED))
    before = stack_result(trial("idle", *CANCELLED), traced=[old])
    after = stack_result(trial("idle", *CLOSED), traced=[new])
    assert measured_again(tmp_path, before, after).traced == (new,)


def test_what_belongs_to_no_scenario_is_put_together(tmp_path: Path) -> None:
    one, other = (Distribution(name=name, version="1") for name in ("one", "other"))
    before = msgspec.structs.replace(
        stack_result(
            trial("idle", *CANCELLED),
            trial("post", *CANCELLED),
            rejected_registrations={"handler": "no"},
            unattributed=["idle: error line", "post: error line"],
            latency=Latency(own_ns=(1, 2), bare_ns=(3, 4)),
        ),
        distributions={"x.py": one},
    )
    after = msgspec.structs.replace(
        stack_result(trial("idle", *CANCELLED), latency=None), distributions={"y.py": other}
    )
    found = measured_again(tmp_path, before, after)
    assert found.distributions == {"x.py": one, "y.py": other}
    assert found.latency == before.latency
    assert found.rejected_registrations == {"handler": "no"}
    assert found.unattributed == ("post: error line",)


@pytest.mark.parametrize(
    "changed",
    [
        {"window_s": 3.0},
        {"repeats": 9},
        {"hangup": "9.9"},
        {"command": "python -m other"},
        {"code_hash": "another"},
        {
            "environment": Environment(
                python="CPython 3.13.1", packages={}, os="an OS", cpu="a CPU", cores=2
            )
        },
    ],
    ids=lambda changed: next(iter(changed)),
)
def test_what_was_measured_under_other_conditions_is_not_merged(
    tmp_path: Path, changed: dict[str, Any]
) -> None:
    known = stack_result(trial("idle", *CANCELLED))
    write_stack_result(tmp_path, known)
    check_mergeable(tmp_path, known)
    with pytest.raises(UserError, match=r"run all of --app starlette --server uvicorn again"):
        check_mergeable(tmp_path, msgspec.structs.replace(known, **changed))


# --- What a run of everything supersedes.


def test_stacks_that_were_not_measured_again_are_removed_with_their_directories(
    tmp_path: Path,
) -> None:
    stacks = [
        stack("bare"),
        stack("bare", "hypercorn"),
        stack("quart"),
        stack("quart", python="3.11"),
        stack("quart", versions="article"),
    ]
    for of in stacks:
        write_stack_result(tmp_path, stack_result(trial("idle", *CANCELLED), of=of))
    older = stack_result_path(tmp_path, stack("quart")).with_name("hypercorn.jsonl.gz")
    older.write_bytes(b"of format 1")
    remove_stacks(tmp_path, "current", "3.13", {stacks[0]})
    assert stack_result_paths(tmp_path) == [
        stack_result_path(tmp_path, of) for of in (stacks[4], stacks[3], stacks[0])
    ]
    assert (tmp_path / "traces" / "current-py3.11").exists()
    assert not (tmp_path / "traces" / "current-py3.13" / "quart").exists()


def test_what_is_of_a_stack_that_had_this_name_once_is_not_put_beside_it(tmp_path: Path) -> None:
    write_format_1(tmp_path / "traces" / "current-py3.13" / "starlette" / "uvicorn.jsonl.gz")
    result = stack_result(trial("idle", *CANCELLED), of=stack("starlette"))
    check_mergeable(tmp_path, result)
    assert merged(tmp_path, result) == result
