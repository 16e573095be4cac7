"""What the outcomes of a run ask for is run again by itself, beside what there was."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path

from hangup.model.trace import StackResult
from tests.command import Hangup
from tests.plans import a_plan
from tests.runs import run_plan

IDLE, SHUTDOWN, OTHER = "try-finally-in-idle", "try-finally-in-shutdown", "waited-task-in-shutdown"


def test_what_outcomes_ask_for_is_run_by_itself_until_they_ask_for_no_more(
    hangup: Hangup, tmp_path: Path
) -> None:
    asked: list[StackResult] = []

    def to_sample(result: StackResult) -> list[str]:
        asked.append(result)
        return [IDLE, SHUTDOWN] if len(asked) == 1 else [IDLE]

    plan = a_plan("bare", scenarios=[IDLE, SHUTDOWN, OTHER])
    (result,) = asyncio.run(run_plan(hangup, tmp_path, plan, to_sample))
    # The second answer holds nothing that was not sampled.
    assert len(asked) == 2
    assert Counter(t.scenario for t in asked[0].trials) == {IDLE: 1, SHUTDOWN: 1, OTHER: 1}
    # A trial that ends its server is replaced, the others are kept beside the samples.
    assert Counter(t.scenario for t in result.trials) == {IDLE: 5, SHUTDOWN: 1, OTHER: 1}
    assert asked[1].trials == result.trials
    added = {(t.scenario, t.repeat) for t in result.trials if t not in asked[0].trials}
    assert added == {(IDLE, 2), (IDLE, 3), (IDLE, 4), (IDLE, 5), (SHUTDOWN, 1)}
    by_itself = {(t.scenario, t.repeat) for t in result.trials if t.alone}
    assert by_itself == added
    assert all(t.failure is None for t in result.trials)
