"""Running a plan with a progress bar, and publishing what comes of it.

A run that is interrupted keeps what it has finished, and says how to go on.
"""

from __future__ import annotations

import shlex
from functools import partial
from pathlib import Path

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hangup.analysis.cleanup import recipes_in, scenarios_to_sample
from hangup.analysis.disturbance import settled
from hangup.analysis.exception_path import steps_through_apps
from hangup.cli.interruption import EXIT_CODE, Interrupted, run_until_interrupted
from hangup.cli.messages import console, displayed, print_message
from hangup.cli.options import WRITTEN
from hangup.environment.apps import find_apps, read_apps
from hangup.environment.cache import environments
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.environment.staging import replaced_apps, stage, staged_apps, staged_directory
from hangup.errors import choose
from hangup.model import scenarios
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from hangup.report import publish
from hangup.report.links import OVERVIEW
from hangup.runner.plan import choose_servers, count_trials
from hangup.runner.scheduler import Hooks, Scheduler
from hangup.store.journal import Journal
from hangup.store.merging import check_mergeable


def run_and_publish(journal: Journal, results: Path, cache: Path) -> tuple[bool, Journal | None]:
    """Run what is left of a journal's plan and put all of it among the results.

    Returns whether every stack could be started, and the journal of the plan that follows, if one
    does. Exits with 130 if it is interrupted.
    """
    plan = journal.plan
    root = staged_directory(journal.directory)
    try:
        apps = _staged_apps(plan, root)
        total = count_trials(plan, apps) + journal.sample_count
    except BaseException:
        if not journal.started:
            journal.abandon()
        raise
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=total, completed=journal.trial_count)

        def add(count: int) -> None:
            nonlocal total
            total += count
            progress.update(task, total=total)

        hooks = Hooks(
            select_steps=steps_through_apps,
            settle=partial(settled, window_s=plan.window_s),
            check=partial(check_mergeable, results) if plan.by_name else _accept,
            trials_finished=lambda count: progress.advance(task, count),
            phase_begins=lambda text: progress.update(task, description=text),
            to_sample=recipes_in if plan.by_name else scenarios_to_sample,
            trials_added=add,
        )
        scheduler = Scheduler(journal, apps, environments(cache), hooks)
        try:
            stack_results = run_until_interrupted(scheduler.run)
        except Interrupted:
            progress.stop()
            if journal.started:
                print_message(
                    f"Interrupted: {journal.trial_count} of {total} trials are kept; "
                    f"`{resume_command(results)}` does the rest."
                )
            else:
                print_message("Interrupted before the first trial.")
            raise typer.Exit(EXIT_CODE) from None
        except BaseException:
            if journal.started:
                progress.stop()
                print_message(
                    f"{journal.trial_count} of {total} trials are kept; when what stopped the run "
                    f"is put right, `{resume_command(results)}` does the rest."
                )
            raise
        finally:
            if not journal.started:
                journal.abandon()
    try:
        publish.publish(
            results,
            stack_results,
            CodeExcerpts(replaced=replaced_apps(root)),
            merge=plan.by_name,
            supersede=(plan.versions, plan.interpreter.feature) if plan.whole else None,
        )
    except KeyboardInterrupt:
        print_message(
            f"Interrupted while the results were written: all {total} trials are kept; "
            f"`{resume_command(results)}` writes them."
        )
        raise typer.Exit(EXIT_CODE) from None
    following = journal.end(keep_logs=bool(scheduler.failed_to_start))
    not_started = sum(
        trial.count
        for result in stack_results
        for trial in (*result.trials, *result.traced)
        if trial.failure == Word.FAILED_TO_START
    )
    trials = f"{total - not_started} of {total} trials" if not_started else f"{total} trials"
    print_message(f"{trials}; the report: {displayed(results / OVERVIEW)}")
    for name, failure in scheduler.failed_to_start.items():
        log = displayed(failure.log)
        print_message(f"{name} could not be started: {failure.reason}; its log: {log}", style="red")
    return not scheduler.failed_to_start, following


def resume_command(results: Path) -> str:
    """What to type to finish an interrupted run into these results."""
    named = "" if results == WRITTEN.resolve() else f" --results {shlex.quote(displayed(results))}"
    return f"hangup run --resume{named}"


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
