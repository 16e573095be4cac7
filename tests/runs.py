"""Runs of real servers through the runner alone: no command, no results on disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence
from functools import partial
from pathlib import Path

import msgspec

from hangup.analysis.disturbance import settled
from hangup.analysis.exception_path import steps_through_apps
from hangup.environment.apps import find_apps
from hangup.environment.interpreters import find_interpreter
from hangup.environment.staging import stage, staged_directory
from hangup.model.plan import Plan
from hangup.model.trace import StackResult
from hangup.runner.scheduler import Hooks, Scheduler
from hangup.store.journal import Journal
from tests.command import Hangup
from tests.plans import a_plan


def run(
    hangup: Hangup,
    directory: Path,
    apps: Path,
    app: str,
    scenarios: Sequence[str],
    window_s: float = 2.0,
) -> StackResult:
    """The result of an app on uvicorn, each scenario run once."""
    plan = msgspec.structs.replace(
        a_plan(app, scenarios=scenarios, directory=str(apps)), window_s=window_s
    )
    (result,) = asyncio.run(run_plan(hangup, directory, plan))
    return result


async def run_plan(
    hangup: Hangup,
    directory: Path,
    plan: Plan,
    to_sample: Callable[[StackResult], Collection[str]] = lambda _: (),
) -> list[StackResult]:
    """The results of a plan, on the Python that runs the tests."""
    plan = msgspec.structs.replace(plan, interpreter=await find_interpreter(None))
    hooks = Hooks(
        select_steps=steps_through_apps,
        settle=partial(settled, window_s=plan.window_s),
        check=lambda result: None,
        trials_finished=lambda count: None,
        phase_begins=lambda phase: None,
        to_sample=to_sample,
    )
    journal = Journal.begin(directory / "runs", plan)
    apps = find_apps(Path(plan.apps_directory) if plan.apps_directory else None)
    stage(staged_directory(journal.directory), apps.values())
    return await Scheduler(journal, apps, hangup.home / "environments", hooks).run()
