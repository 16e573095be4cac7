"""`hangup run`: the comparison, or some of it, and the report on it."""

from __future__ import annotations

import datetime as dt
import math
import secrets
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Annotated, TypeVar

import msgspec
import typer

import hangup
from hangup.cli.execution import resume_command, run_and_publish
from hangup.cli.interruption import EXIT_CODE, Interrupted, run_until_interrupted
from hangup.cli.messages import print_message
from hangup.cli.options import WRITTEN, OwnApps, only
from hangup.environment.apps import find_apps
from hangup.environment.cache import cache_directory, environments, in_use
from hangup.environment.interpreters import find_interpreter
from hangup.environment.machine import check_platform
from hangup.environment.version_sets import check_python, version_sets
from hangup.errors import UserError, choose
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.model.trace import Stack
from hangup.runner.plan import choose_scenarios, choose_stacks
from hangup.runner.prepare import without_unsupported_stacks
from hangup.store.journal import Journal, unfinished_plan, unfinished_trial_count
from hangup.store.results import (
    TRACES,
    read_stack_result,
    stack_result_path,
    stack_result_paths,
)
from hangup.store.run_lock import check_writable, only_run_into, runs_directory

T = TypeVar("T")

DEFAULT_VERSIONS = "current"
_WHAT = "What to run"
_HOW = "How to run it"
_WHERE = "Where"


def run(
    context: typer.Context,
    app_ids: Annotated[list[str] | None, only("app", _WHAT)] = None,
    server_ids: Annotated[list[str] | None, only("server", _WHAT)] = None,
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
            help="Also run the variants of apps and servers, trace every exception (for `hangup "
            "why`), try the recipes for clean-up, relay an upstream server and poll for the "
            "disconnect.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    baselines: Annotated[
        bool,
        typer.Option(
            "--baselines",
            help="With `--thorough`: leave out variants and the recipes for clean-up.",
            rich_help_panel=_WHAT,
        ),
    ] = False,
    versions: Annotated[
        list[str] | None,
        typer.Option(
            help="Version set: one that `hangup list` names; `latest` has no pins. May be "
            "repeated: each is run under every Python. By default `current`.",
            rich_help_panel=_WHAT,
            show_default=False,
        ),
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(
            help="Python to run apps and servers under, by version or path: on the PATH, in "
            "pyenv or installed by uv. May be repeated. By default the one that runs hangup.",
            rich_help_panel=_WHAT,
            show_default=False,
        ),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            min=1,
            help="Trials of each scenario. At most 5 are run of recipes and where a trial may "
            "end or hang its server; more of races, and of recipes that are recommended.",
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
            help="Finish the interrupted run into these results, with its own options.",
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

    Makes the environments it needs, starts the apps on the servers, hangs up on them in every
    scenario, and writes the results with a report in Markdown. Name apps, servers or scenarios to
    run less. A variant runs if it is named or the run is thorough: one of an app on uvicorn, one of
    a server with some apps, and any with what else is named.
    """
    check_platform()
    results = results.resolve()
    cache = cache_directory()
    if resume:
        _check_nothing_else_is_asked(context)
        unfinished_plan(runs_directory(results))
        with in_use(cache), only_run_into(results) as runs:
            journal = Journal.resume(runs)
            for plan in (journal.plan, *journal.plan.then):
                check_readable(results, plan)
            _run_all(journal, results, cache)
        return
    if not math.isfinite(window):
        raise UserError("The window must have an end; give --window a number of seconds.")
    found = find_apps(apps)
    version_set_ids = tuple(dict.fromkeys(versions or [DEFAULT_VERSIONS]))
    choose("version set", version_set_ids, version_sets())
    check_writable(results)
    named: list[str] | list[None] = python or [None]
    interpreters = [_prepare(partial(find_interpreter, name)) for name in named]
    for version_set in version_set_ids:
        for interpreter in interpreters:
            check_python(version_set, interpreter)
    plan = Plan(
        id="",
        hangup=hangup.__version__,
        date=dt.datetime.now(dt.UTC).date().isoformat(),
        apps_directory=str(apps.resolve()) if apps is not None else "",
        stacks=choose_stacks(
            app_ids or (), server_ids or (), found, variants=thorough and not baselines
        ),
        scenarios=choose_scenarios(scenario_ids or (), thorough=thorough, recipes=not baselines),
        versions="",
        interpreter=interpreters[0],
        repeats=repeats,
        latency=latency,
        window_s=window,
        trace_exceptions=thorough,
        by_name=bool(scenario_ids),
        whole=not (app_ids or server_ids or scenario_ids or apps),
    )
    plans = [
        msgspec.structs.replace(
            plan, id=secrets.token_hex(4), versions=versions_, interpreter=interpreter
        )
        for versions_ in version_set_ids
        for interpreter in {found.feature: found for found in interpreters}.values()
    ]
    with in_use(cache):
        if not app_ids:
            plans = [_supported(plan, found, cache) for plan in plans]
        with only_run_into(results) as runs:
            for plan in plans:
                check_readable(results, plan)
            _announce_what_is_dropped(runs, results)
            first = msgspec.structs.replace(plans[0], then=tuple(plans[1:]))
            _run_all(Journal.begin(runs, first), results, cache)


def _supported(plan: Plan, apps: Mapping[str, App], cache: Path) -> Plan:
    """The plan without what its version set cannot be installed with; says which that is."""
    plan, reasons = _prepare(partial(without_unsupported_stacks, plan, apps, environments(cache)))
    for left_out, reason in reasons.items():
        print_message(f"{left_out} is left out of version set {plan.versions}: {reason}")
    return plan


def _run_all(journal: Journal, results: Path, cache: Path) -> None:
    """Run a journal's plan and those that follow it; exits with 1 if a stack did not start."""
    started, following = run_and_publish(journal, results, cache)
    while following is not None:
        also_started, following = run_and_publish(following, results, cache)
        started &= also_started
    if not started:
        raise typer.Exit(1)


def _prepare(main: Callable[[], Awaitable[T]]) -> T:
    """Run what stands before a run; exits with 130 if it is interrupted."""
    try:
        return run_until_interrupted(main)
    except Interrupted:
        print_message("Interrupted before the first trial.")
        raise typer.Exit(EXIT_CODE) from None


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
            "--resume finishes a run with its own options; give no other option than --results."
        )


def check_readable(results: Path, plan: Plan) -> None:
    """Raise UserError for results that cannot be read and that the run would leave as they are.

    The report is computed from all of them, hours later.
    """
    if not (results / TRACES).is_dir():
        return
    stacks = (
        Stack(versions=plan.versions, python=plan.interpreter.feature, app=app, server=server)
        for app, server in plan.stacks
    )
    measured = {stack_result_path(results, stack) for stack in stacks}
    for path in stack_result_paths(results):
        if plan.by_name or path not in measured:
            read_stack_result(path)


def _announce_what_is_dropped(runs: Path, results: Path) -> None:
    """Say that an unfinished run will be dropped, and what would have finished it."""
    count = unfinished_trial_count(runs)
    if count is not None:
        kept = f"{count} trial{'' if count == 1 else 's'}"
        print_message(
            f"The unfinished run that holds {kept} is dropped when the environments of this one "
            f"are made; `{resume_command(results)}` would finish it instead."
        )
