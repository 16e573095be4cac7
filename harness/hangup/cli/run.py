"""`hangup run`: the comparison, or some of it, and the report on it."""

from __future__ import annotations

import asyncio
import datetime as dt
import secrets
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hangup.cli.execution import run_and_publish
from hangup.cli.messages import print_message
from hangup.cli.options import WRITTEN, OwnApps
from hangup.environment.apps import find_apps
from hangup.environment.cache import cache_directory, environments, in_use
from hangup.environment.interpreters import find_interpreter
from hangup.environment.machine import check_platform
from hangup.environment.version_sets import constraints_of, unsupported_apps, version_sets
from hangup.errors import UserError
from hangup.model import servers
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.runner.plan import choose, choose_scenarios, choose_servers
from hangup.store.journal import Journal, unfinished_plan
from hangup.store.run_lock import check_writable, only_run_into, runs_directory

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
            run_and_publish(Journal.resume(runs), results, cache)
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
            run_and_publish(Journal.begin(runs, plan), results, cache)


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
