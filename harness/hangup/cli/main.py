"""The command `hangup`."""

from __future__ import annotations

import asyncio
import datetime as dt
import os
import secrets
import signal
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

import hangup
from hangup.analysis.classification import all_outcomes, classify
from hangup.analysis.exception_path import exception_paths, steps_through_apps
from hangup.environment import machine
from hangup.environment.apps import find_apps
from hangup.environment.installations import find_interpreter
from hangup.environment.source_lines import SourceLines
from hangup.environment.staging import code_hash
from hangup.environment.version_sets import LATEST, constraints_of, unsupported_apps
from hangup.errors import UserError
from hangup.model import scenarios as catalogue
from hangup.model import servers
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.model.trace import StackResult
from hangup.report import exception_path as why
from hangup.report import pages as report
from hangup.report import publish, timeline
from hangup.runner import plan
from hangup.runner.scheduler import Hooks, Scheduler
from hangup.store.journal import Journal
from hangup.store.results import read_stack_results

ROOT = Path(hangup.__file__).resolve().parent.parent.parent
HOME = Path(os.environ.get("HANGUP_HOME", ROOT / ".hangup")).resolve()
"""Where environments, and the runs under way with their servers' logs, are kept."""
VERSIONS = ROOT / "apps" / "versions"

app = typer.Typer(
    help="Find out what ASGI frameworks do when a server-sent events client hangs up.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
messages = Console(stderr=True)

Results = Annotated[Path, typer.Option(help="Where results are kept.", show_default="results/")]
Apps = Annotated[Path, typer.Option("--apps", help="Where app files are.", show_default="apps/")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON instead, for other programs.")]


@app.command("run")
def run_command(
    app_: Annotated[
        list[str] | None, typer.Option("--app", help="Only this app; may be repeated.")
    ] = None,
    server: Annotated[
        list[str] | None, typer.Option(help="Only this server; may be repeated.")
    ] = None,
    scenario: Annotated[
        list[str] | None,
        typer.Option(help="Only this scenario, and the controls; may be repeated."),
    ] = None,
    repeats: Annotated[
        int,
        typer.Option(
            min=1,
            help="Trials of each scenario; 3 at most of recipes and of what takes its server "
            "along, more of races.",
        ),
    ] = 5,
    latency: Annotated[
        int, typer.Option(min=0, help="Latencies to take of each stack; 0 for none.")
    ] = 30,
    window: Annotated[
        float, typer.Option(min=0.5, help="Seconds until what was not seen counts as not seen.")
    ] = 2.0,
    thorough: Annotated[
        bool,
        typer.Option(
            "--thorough",
            help="Also follow every exception (for `hangup why`), try recipes for clean-up, "
            "relay an upstream and poll for the disconnect.",
        ),
    ] = False,
    python: Annotated[
        str | None,
        typer.Option(help="Python of the subjects: a version or a path; else the harness's."),
    ] = None,
    versions: Annotated[
        str, typer.Option(help="Version set: a file in apps/versions, or 'latest' for no pins.")
    ] = "current",
    resume: Annotated[
        bool,
        typer.Option(
            "--resume", help="Do the rest of a run that was cut off, as it was asked for."
        ),
    ] = False,
    results: Results = ROOT / "results",
    apps: Apps = ROOT / "apps",
) -> None:
    """Run the comparison, or a part of it, and write results/ with the report."""
    machine.check_platform()
    _be_the_only_run()
    if resume:
        if app_ or server or scenario or python:
            raise UserError("--resume does the rest of what was asked for then; give no filters.")
        journal = Journal.resume(HOME / "runs")
        found = find_apps(Path(journal.plan.apps_directory))
        plan.choose("app", journal.plan.apps, found)
        plan.choose("scenario", journal.plan.scenarios, catalogue.BY_ID)
        plan.choose_servers(journal.plan.servers)
        results = Path(journal.plan.results)
    else:
        found = find_apps(apps)
        known = [LATEST, *(path.stem for path in VERSIONS.glob("*.txt"))]
        plan.choose("version set", [versions], known)
        chosen = Plan(
            id=secrets.token_hex(4),
            date=dt.datetime.now(dt.UTC).date().isoformat(),
            apps_directory=str(apps.resolve()),
            apps=plan.choose("app", app_ or (), found),
            servers=plan.choose_servers(server or ()),
            scenarios=plan.choose_scenarios(scenario or (), thorough=thorough),
            versions=versions,
            interpreter=asyncio.run(find_interpreter(python)),
            repeats=repeats,
            latency=latency,
            window_s=window,
            trace_exceptions=thorough,
            by_name=bool(scenario),
            results=str(_writable(results)),
            whole=not (app_ or server or scenario) and apps == ROOT / "apps",
        )
        if not app_:
            chosen = _what_can_be_had(chosen, found)
        journal = Journal.begin(HOME / "runs", chosen)
    _run(journal, found, results)


def _what_can_be_had(asked: Plan, apps: dict[str, App]) -> Plan:
    """The plan without the apps that its version set cannot hold; says which, and why.

    Raises UserError if it can hold none.
    """
    reasons = asyncio.run(
        unsupported_apps(
            [apps[each] for each in asked.apps],
            [servers.BY_ID[each] for each in asked.servers],
            constraints_of(VERSIONS, asked.versions),
            asked.interpreter,
            HOME / "environments",
        )
    )
    held = tuple(each for each in asked.apps if each not in reasons)
    if not held:
        raise UserError(next(iter(reasons.values())))
    for app_id, reason in reasons.items():
        _tell(f"{app_id} is left out of version set {asked.versions}: {reason}")
    return msgspec.structs.replace(asked, apps=held)


def _be_the_only_run() -> None:
    """Raise UserError if another run uses the same directory; released with the process."""
    import fcntl  # which there is none of where `check_platform` has said so

    HOME.mkdir(parents=True, exist_ok=True)
    lock = os.open(HOME / "lock", os.O_RDWR | os.O_CREAT)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise UserError(
            f"Another run is under way in {HOME}; wait for it, or set HANGUP_HOME to a "
            "directory of this run's own."
        ) from None


def _run(journal: Journal, apps: dict[str, App], results: Path) -> None:
    """Run what is left of a journal's plan and publish all of it."""
    asked = journal.plan
    total = plan.count_trials(asked, apps)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("trials"),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=messages, disable=not messages.is_terminal) as progress:
        task = progress.add_task("starting", total=total, completed=journal.trial_count)
        hooks = Hooks(
            select_steps=steps_through_apps,
            check=partial(publish.check_mergeable, results) if asked.by_name else _any_part,
            trials_finished=lambda count: progress.advance(task, count),
            phase_begins=lambda text: progress.update(task, description=text),
        )
        scheduler = Scheduler(journal, apps, HOME / "environments", hooks)
        try:
            stack_results = _interruptible(scheduler.run)
        except (KeyboardInterrupt, asyncio.CancelledError):
            progress.stop()
            _tell(
                f"Interrupted: {journal.trial_count} of {total} trials are kept; "
                "`hangup run --resume` does the rest."
            )
            raise typer.Exit(130) from None
    publish.publish(
        results,
        stack_results,
        merge=asked.by_name,
        supersede=asked.versions if asked.whole else None,
    )
    journal.end()
    _tell(f"{total} trials; the report is {_shown(results / 'report.md')}.")
    for name, failure in scheduler.failed_to_start.items():
        _tell(
            f"{name} could not be started: {failure.reason}; its log is {failure.log}.",
            style="red",
        )
    if scheduler.failed_to_start:
        raise typer.Exit(1)


def _writable(results: Path) -> Path:
    """Raise UserError, before anything is measured for it, if this cannot be written."""
    results = results.resolve()
    nearest = next(path for path in (results, *results.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise UserError(f"{results} cannot be made or written; give another --results.")
    return results


def _any_part(stack_result: StackResult) -> None:
    """Nothing has to be said against a part that stands for itself."""


def _interruptible(main: Callable[[], Any]) -> Any:
    """Run to the end; SIGTERM ends it in the same order as Ctrl-C does."""

    async def guarded() -> Any:
        task = asyncio.current_task()
        assert task is not None
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
        return await main()

    return asyncio.run(guarded())


@app.command("report")
def report_command(
    excerpt: Annotated[
        bool,
        typer.Option("--excerpt", help="Only print the table that the README quotes."),
    ] = False,
    results: Results = ROOT / "results",
) -> None:
    """Build the report, the evidence and outcomes.csv anew from the recorded traces."""
    if excerpt:
        stack_results = read_stack_results(results)
        sys.stdout.write(report.excerpt(stack_results, all_outcomes(stack_results)))
        return
    publish.rebuild(results)
    _tell(f"The report is {_shown(results / 'report.md')}.")


@app.command()
def show(
    app_: Annotated[str, typer.Argument(metavar="APP")],
    server: Annotated[str, typer.Argument(metavar="SERVER")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO")],
    repeat: Annotated[int, typer.Option(min=1, help="Which of the repeats.")] = 1,
    json: Json = False,
    results: Results = ROOT / "results",
) -> None:
    """Print the trace of one trial as a timeline."""
    found = [
        (stack_result, each)
        for stack_result in _measured(app_, server, scenario, results)
        for each in classify(stack_result)
        if (each.trial.scenario, each.trial.repeat) == (scenario, repeat)
    ]
    if not found:
        raise UserError(
            f"{results} has no trial {repeat} of {scenario} with {app_} on {server}; "
            "`hangup run` with these names makes one."
        )
    for stack_result, each in found:
        if json:
            sys.stdout.write(msgspec.json.encode(each).decode() + "\n")
        else:
            sys.stdout.write(f"{stack_result.stack.id}, {scenario}, trial {repeat}\n\n")
            sys.stdout.write(timeline.text(each) + "\n")


@app.command("why")
def why_command(
    app_: Annotated[str, typer.Argument(metavar="APP")],
    server: Annotated[str, typer.Argument(metavar="SERVER")],
    scenario: Annotated[str, typer.Argument(metavar="SCENARIO")],
    json: Json = False,
    results: Results = ROOT / "results",
) -> None:
    """Print the path of what was thrown into the stream, frame by frame."""
    measured = _measured(app_, server, scenario, results)
    found = [
        (stack_result, trial)
        for stack_result in measured
        for trial in stack_result.traced
        if trial.scenario == scenario
    ]
    if not found:
        raise UserError(
            f"{results} has no path for {scenario} with {app_} on {server}; "
            "`hangup run --thorough` with these names follows one."
        )
    traced = {stack_result.stack for stack_result, _ in found}
    for stack_result in measured:
        if stack_result.stack not in traced:
            _tell(f"{stack_result.stack.id} was not followed; `hangup run --thorough` does that.")
    for stack_result, trial in found:
        paths = why.own_paths(exception_paths(trial.steps))
        if json:
            sys.stdout.write(msgspec.json.encode(paths).decode() + "\n")
            continue
        file = ROOT / "apps" / f"{app_.replace('-', '_')}.py"
        same = file.exists() and code_hash(file) == stack_result.code_hash
        quotes = SourceLines(stack_result, ROOT, HOME, same_apps=same)
        sys.stdout.write(f"{stack_result.stack.id}, {scenario}\n")
        if not paths:
            sys.stdout.write(f"\n{why.nothing(trial)}\n")
        for path in paths:
            sys.stdout.write(f"\n{why.text(path, stack_result, quotes)}\n")
        if quotes.missing:
            _tell(f"The source lines of {', '.join(sorted(quotes.missing))} are not at hand.")


def _measured(app_id: str, server: str, scenario: str, results: Path) -> list[StackResult]:
    """What there is of an app on a server; raises UserError for a name there is not."""
    plan.choose("scenario", [scenario], catalogue.BY_ID)
    stack_results = read_stack_results(results)
    plan.choose("app", [app_id], {stack_result.stack.app for stack_result in stack_results})
    plan.choose("server", [server], {stack_result.stack.server for stack_result in stack_results})
    return [p for p in stack_results if (p.stack.app, p.stack.server) == (app_id, server)]


@app.command("list")
def list_command(json: Json = False, apps: Apps = ROOT / "apps") -> None:
    """List the apps, servers, scenarios and version sets there are."""
    found = find_apps(apps)
    listed = {
        "apps": {each.id: each.about.title for each in found.values()},
        "servers": {each.id: each.title for each in servers.SERVERS},
        "scenarios": {each.id: each.question for each in catalogue.SCENARIOS},
        "versions": {
            LATEST: "whatever the package index has",
            **{path.stem: f"pinned in {path.name}" for path in sorted(VERSIONS.glob("*.txt"))},
        },
    }
    if json:
        sys.stdout.write(msgspec.json.encode(listed).decode() + "\n")
        return
    width = max(len(name) for names in listed.values() for name in names) + 2
    for kind, names in listed.items():
        sys.stdout.write(f"{kind}\n")
        for name, text in names.items():
            sys.stdout.write(f"  {name:{width}}{text}\n")


def _tell(text: str, style: str | None = None) -> None:
    """Say one sentence on standard error, as it is."""
    messages.print(text, style=style, soft_wrap=True, highlight=False, markup=False)


def _shown(path: Path) -> str:
    """A path as the user would type it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)


def main() -> None:
    """Run the command; a user's mistake costs one sentence and exit code 2."""
    try:
        app()
    except* UserError as group:
        error: BaseException = group
        while isinstance(error, BaseExceptionGroup):
            error = error.exceptions[0]
        _tell(f"hangup: {error}", style="red")
        sys.exit(UserError.exit_code)
