"""`hangup run`: the comparison, or some of it, and the report on it."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
import signal
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from hangup.cli.messages import console, displayed, print_message
from hangup.cli.options import WRITTEN, OwnApps
from hangup.environment.apps import find_apps, read_apps
from hangup.environment.cache import cache_directory, environments, in_use
from hangup.environment.interpreters import find_interpreter
from hangup.environment.machine import check_platform
from hangup.environment.staging import stage, staged_apps
from hangup.environment.version_sets import constraints_of, unsupported_apps, version_sets
from hangup.errors import UserError
from hangup.model import scenarios, servers
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.model.trace import StackResult
from hangup.report import pages, publish
from hangup.runner.plan import choose, choose_scenarios, choose_servers, count_trials
from hangup.runner.run import Run
from hangup.store.journal import Journal, unfinished_plan
from hangup.store.run_directory import check_writable, only_run_into, runs_directory

T = TypeVar("T")

_WHAT = "What to run"
_HOW = "How to run it"
_WHERE = "Where"


def run(
    context: typer.Context,
    app_ids: Annotated[
        list[str] | None,
        typer.Option("--app", help="Only this app. May be repeated.", rich_help_panel=_WHAT),
    ] = None,
    server_ids: Annotated[
        list[str] | None,
        typer.Option("--server", help="Only this server. May be repeated.", rich_help_panel=_WHAT),
    ] = None,
    scenario_ids: Annotated[
        list[str] | None,
        typer.Option(
            "--scenario",
            help="Only this scenario, and the controls that show which handlers are in place. "
            "May be repeated.",
            rich_help_panel=_WHAT,
        ),
    ] = None,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Also trace every exception (for `hangup why`), try the recipes for clean-up, "
            "relay an upstream server and poll for the disconnect.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    versions: Annotated[
        str,
        typer.Option(
            help="Version set: one that `hangup list` names; `latest` has no pins.",
            rich_help_panel=_WHAT,
        ),
    ] = "current",
    python: Annotated[
        str | None,
        typer.Option(
            help="Python to run apps and servers under, by version or path: on the PATH, in "
            "pyenv or installed by uv. By default the one that runs hangup.",
            rich_help_panel=_WHAT,
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            min=1,
            help="Trials of each scenario. At most 3 are run of recipes and where a trial may "
            "end or hang its server, more of races.",
            rich_help_panel=_HOW,
        ),
    ] = 5,
    latency: Annotated[
        int,
        typer.Option(
            min=0,
            help="Latencies to measure on each stack; 0 for none.",
            rich_help_panel=_HOW,
        ),
    ] = 30,
    window: Annotated[
        float,
        typer.Option(
            min=0.5,
            help="Seconds after the hang-up in which something must be seen to count as seen.",
            rich_help_panel=_HOW,
        ),
    ] = 2.0,
    resume: Annotated[
        bool,
        typer.Option(
            "--resume",
            help="Finish the run into these results that was cut off, as it was asked for.",
            rich_help_panel=_HOW,
        ),
    ] = False,
    results: Annotated[
        Path,
        typer.Option(
            metavar="DIRECTORY",
            help="Where to write the results. What is there of other stacks is kept.",
            rich_help_panel=_WHERE,
        ),
    ] = WRITTEN,
    apps: OwnApps = None,
) -> None:
    """Run the comparison and write the report.

    Makes the environments it needs, starts every app on every server, hangs up on them in every
    scenario, and writes the results with a report in Markdown. Name apps, servers or scenarios to
    run less.
    """
    check_platform()
    results = results.resolve()
    cache = cache_directory()
    if resume:
        _check_nothing_else_is_asked(context)
        unfinished_plan(runs_directory(results))
        with in_use(cache), only_run_into(results) as runs:
            _run(Journal.resume(runs), results, cache)
        return
    found = find_apps(apps)
    choose("version set", [versions], version_sets())
    check_writable(results)
    plan = Plan(
        id=secrets.token_hex(4),
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        apps_directory=str(apps.resolve()) if apps is not None else "",
        apps=choose("app", app_ids or (), found),
        servers=choose_servers(server_ids or ()),
        scenarios=choose_scenarios(scenario_ids or (), thorough=thorough),
        versions=versions,
        interpreter=asyncio.run(find_interpreter(python)),
        repeats=repeats,
        latency=latency,
        window_s=window,
        trace_exceptions=thorough,
        by_name=bool(scenario_ids),
        whole=not (app_ids or server_ids or scenario_ids or apps),
    )
    with in_use(cache):
        if not app_ids:
            plan = without_unsupported_apps(plan, found, environments(cache))
        with only_run_into(results) as runs:
            _run(Journal.begin(runs, plan), results, cache)


def _check_nothing_else_is_asked(context: typer.Context) -> None:
    """Raise UserError if an option was given that a run being resumed has its own answer to."""
    given = [
        name
        for name in context.params
        if name not in ("resume", "results")
        and (source := context.get_parameter_source(name)) is not None
        and source.name != "DEFAULT"
    ]
    if given:
        raise UserError(
            "--resume finishes a run as it was asked for; give no other option than --results."
        )


def without_unsupported_apps(plan: Plan, apps: Mapping[str, App], cache: Path) -> Plan:
    """The plan without the apps that its version set cannot be installed with; says which and why.

    Raises UserError if there is none left.
    """
    reasons = asyncio.run(
        unsupported_apps(
            [apps[app_id] for app_id in plan.apps],
            [servers.BY_ID[server_id] for server_id in plan.servers],
            constraints_of(plan.versions),
            plan.interpreter,
            cache,
        )
    )
    supported = tuple(app_id for app_id in plan.apps if app_id not in reasons)
    if not supported:
        raise UserError(next(iter(reasons.values())))
    for app_id, reason in reasons.items():
        print_message(f"{app_id} is left out of version set {plan.versions}: {reason}")
    return msgspec.structs.replace(plan, apps=supported)


def _run(journal: Journal, results: Path, cache: Path) -> None:
    """Run what is left of a journal's plan and publish all of it."""
    plan = journal.plan
    root = journal.directory / "staged"
    apps = _stage(plan, root)
    total = count_trials(plan, apps)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        task = progress.add_task("starting", total=total, completed=_count_finished(journal))
        trial_run = Run(
            root=root,
            environments=environments(cache),
            apps=apps,
            journal=journal,
            check=partial(publish.check_mergeable, results) if plan.by_name else _accept,
            advance=lambda count: progress.advance(task, count),
            say=lambda text: progress.update(task, description=text),
        )
        try:
            stack_results = _run_until_signalled(trial_run.run)
        except (KeyboardInterrupt, asyncio.CancelledError):
            progress.stop()
            print_message(
                f"Interrupted: {_count_finished(journal)} of {total} trials are kept; "
                f"`{_resume_command(results)}` does the rest."
            )
            raise typer.Exit(130) from None
    publish.publish(
        results,
        stack_results,
        merge=plan.by_name,
        supersede=plan.versions if plan.whole else None,
    )
    journal.end(keep_logs=bool(trial_run.failed_to_start))
    print_message(f"{total} trials; the report is {displayed(results / pages.REPORT)}.")
    for name, reason in trial_run.failed_to_start.items():
        log = displayed(trial_run.logs[name])
        print_message(f"{name} could not be started: {reason}; its log is {log}.", style="red")
    if trial_run.failed_to_start:
        raise typer.Exit(1)


def _stage(plan: Plan, root: Path) -> dict[str, App]:
    """The apps as they are staged; a run that is resumed has those it began with.

    Raises UserError if one that the plan names is not there, or a scenario or a server.
    """
    if not root.exists():
        stage(root, find_apps(Path(plan.apps_directory) if plan.apps_directory else None).values())
    apps = read_apps(staged_apps(root))
    choose("app", plan.apps, apps)
    choose("scenario", plan.scenarios, scenarios.BY_ID)
    choose_servers(plan.servers)
    return apps


def _count_finished(journal: Journal) -> int:
    return sum(len(batch.trials) + len(batch.traced) for batch in journal.batches)


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
