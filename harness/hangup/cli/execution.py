"""Running a plan with a progress bar, and publishing what comes of it.

A run that is interrupted keeps what it has finished, and says how to go on.
"""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hangup.analysis.exception_path import steps_through_apps
from hangup.cli.messages import console, displayed, print_message
from hangup.cli.options import WRITTEN
from hangup.environment.apps import find_apps, read_apps
from hangup.environment.cache import environments
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.environment.staging import stage, staged_apps, staged_directory
from hangup.model import scenarios
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.model.trace import StackResult
from hangup.report import publish
from hangup.report.links import REPORT
from hangup.runner.plan import choose, choose_servers, count_trials
from hangup.runner.scheduler import Hooks, Scheduler
from hangup.store.journal import Journal
from hangup.store.merging import check_mergeable

T = TypeVar("T")


def run_and_publish(journal: Journal, results: Path, cache: Path) -> None:
    """Run what is left of a journal's plan and put all of it among the results.

    Exits with 130 if it is interrupted, with 1 if a stack could not be started.
    """
    plan = journal.plan
    root = staged_directory(journal.directory)
    apps = _staged_apps(plan, root)
    total = count_trials(plan, apps)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=total, completed=journal.trial_count)
        hooks = Hooks(
            select_steps=steps_through_apps,
            check=partial(check_mergeable, results) if plan.by_name else _accept,
            trials_finished=lambda count: progress.advance(task, count),
            phase_begins=lambda text: progress.update(task, description=text),
        )
        scheduler = Scheduler(journal, apps, environments(cache), hooks)
        try:
            stack_results = _run_until_signalled(scheduler.run)
        except (KeyboardInterrupt, asyncio.CancelledError):
            progress.stop()
            print_message(
                f"Interrupted: {journal.trial_count} of {total} trials are kept; "
                f"`{_resume_command(results)}` does the rest."
            )
            raise typer.Exit(130) from None
    publish.publish(
        results,
        stack_results,
        CodeExcerpts(),
        merge=plan.by_name,
        supersede=(plan.versions, plan.interpreter.feature) if plan.whole else None,
    )
    journal.end(keep_logs=bool(scheduler.failed_to_start))
    print_message(f"{total} trials; the report is {displayed(results / REPORT)}.")
    for name, failure in scheduler.failed_to_start.items():
        log = displayed(failure.log)
        print_message(
            f"{name} could not be started: {failure.reason}; its log is {log}.", style="red"
        )
    if scheduler.failed_to_start:
        raise typer.Exit(1)


def _staged_apps(plan: Plan, root: Path) -> dict[str, App]:
    """The apps by id, staged below `root`; a run that is resumed has those it began with.

    Raises UserError if one that the plan names is not there, or a scenario or a server.
    """
    if not root.exists():
        stage(root, find_apps(Path(plan.apps_directory) if plan.apps_directory else None).values())
    apps = read_apps(staged_apps(root))
    choose("app", plan.apps, apps)
    choose("scenario", plan.scenarios, scenarios.BY_ID)
    choose_servers(plan.servers)
    return apps


def _accept(stack_result: StackResult) -> None:
    """Accept any result: where whole stacks are measured, they replace what is there."""


def _resume_command(results: Path) -> str:
    named = "" if results == WRITTEN.resolve() else f" --results {displayed(results)}"
    return f"hangup run --resume{named}"


def _run_until_signalled(main: Callable[[], Awaitable[T]]) -> T:
    """Run to the end; SIGTERM ends it in the same order as Ctrl-C does."""

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await main()

    return asyncio.run(guarded())
