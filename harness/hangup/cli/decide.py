"""`hangup decide`: what was measured of an app as a decision record, for a team to keep."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hangup.analysis.claims import verdicts
from hangup.analysis.effects import from_outcomes
from hangup.analysis.outcomes import Outcomes
from hangup.cli.messages import displayed, print_message
from hangup.cli.options import AppName, ResultsToRead, results_to_read
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.errors import UserError, choose
from hangup.files import write_whole
from hangup.model import servers
from hangup.model.trace import Stack, StackResult
from hangup.report.decision_comparison import decision_comparison
from hangup.report.decision_record import decision_record
from hangup.report.decision_text import comparison_text, record_text
from hangup.report.links import EVIDENCE, Links, LinksFromOutside, NoLinks
from hangup.report.views import in_order
from hangup.store.results import read_stack_results


def decide(
    app_id: AppName,
    server: Annotated[str, typer.Argument(metavar="SERVER", help="A server.")] = servers.REFERENCE,
    against: Annotated[
        str | None,
        typer.Option(metavar="APP", help="Decide between APP and this one.", show_default=False),
    ] = None,
    versions: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The version set. By default the first that has the app, current first.",
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option(
            metavar="X.Y", help="The Python, such as 3.13. By default the newest that has the app."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "--output",
            "-o",
            metavar="FILE",
            help="Write the record to this file, with links that lead from there to the evidence.",
        ),
    ] = None,
    json: Annotated[
        bool, typer.Option("--json", help="Print what the record is made of as one JSON document.")
    ] = False,
    results: ResultsToRead = None,
) -> None:
    """Print a decision record on where APP's clean-up goes, filled from what was measured.

    The record is Markdown with the headings of [MADR](https://adr.github.io/madr/), to be committed
    to your own repository: it names the versions and the date, and explains its words. Its options
    are the ways of cleaning up that were tried on this app and server, each with the hang-ups,
    errors and shutdowns that it survived, in how many trials; its decision is the one that failed
    in the fewest situations, with the code to paste; its consequences are those of that option and
    what app and server do by themselves on a hang-up, on an error and at a shutdown. It ends with
    what was not measured. Its status is *proposed*: to accept it is up to you.

    With `--against` the options are the two apps. The one is taken that answers more of seven
    questions well (those that the report ranks apps by), and the record lists what `hangup diff`
    finds to differ.

    Links lead to the evidence beside the report, from the directory that you are in or from that
    of `--output`; without evidence there are none. Clean-up that was not tried is said not to have
    been tried: `hangup run --thorough` tries it.

        hangup decide fastapi-streaming
        hangup decide sse-starlette hypercorn --output docs/decisions/0007-clean-up.md
        hangup decide fastapi-streaming --against sse-starlette
    """
    directory = results_to_read(results)
    found = in_order(read_stack_results(directory))
    stack = _stack(found, app_id, server, versions, python, directory)
    outcomes = Outcomes(r for r in found if _is_beside(r.stack, stack, against))
    links = _links(directory, output)
    if against is None:
        record = decision_record(outcomes, stack, CodeExcerpts())
        text = _json(record) if json else record_text(record, outcomes, stack, links)
    else:
        if against == app_id:
            raise UserError(f"{against} is the app itself; --against names another.")
        other = _stack(found, against, server, stack.versions, stack.python, directory)
        comparable = from_outcomes(outcomes, verdicts(outcomes))
        comparison = decision_comparison(outcomes, stack, other, comparable, CodeExcerpts())
        text = (
            _json(comparison)
            if json
            else comparison_text(comparison, outcomes, (stack, other), links)
        )
    if output is None:
        sys.stdout.write(text)
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    write_whole(output, text.encode())
    print_message(f"The record: {displayed(output)}")


def _json(record: object) -> str:
    return msgspec.json.encode(record).decode() + "\n"


def _is_beside(other: Stack, stack: Stack, against: str | None) -> bool:
    """Whether it is a stack of one of the apps with the same versions and Python."""
    return (other.versions, other.python) == (stack.versions, stack.python) and other.app in (
        stack.app,
        against,
    )


def _stack(
    found: Sequence[StackResult],
    app: str,
    server: str,
    versions: str | None,
    python: str | None,
    directory: Path,
) -> Stack:
    """The first stack of these names; raises UserError if there is none."""
    stacks = [result.stack for result in found]
    choose("app", [app], {stack.app for stack in stacks})
    choose("server", [server], {stack.server for stack in stacks})
    choose("version set", [versions] if versions else [], {stack.versions for stack in stacks})
    choose("Python", [python] if python else [], {stack.python for stack in stacks})
    of_app = [
        stack
        for stack in stacks
        if stack.app == app
        and versions in (None, stack.versions)
        and python in (None, stack.python)
    ]
    named = next((stack for stack in of_app if stack.server == server), None)
    if named is not None:
        return named
    under = (
        f"{f' with {versions}' if versions else ''}{f' under Python {python}' if python else ''}"
    )
    on = ", ".join(dict.fromkeys(stack.server for stack in of_app))
    raise UserError(
        f"{directory} has no trials of {app} on {server}{under}"
        + (f", but on {on}" if on else "")
        + f"; `hangup run --thorough --app {app} --server {server}` makes them."
    )


def _links(directory: Path, output: Path | None) -> Links:
    """The links to the evidence from where the record is; none if it is not beside or below it."""
    if not (directory / EVIDENCE).is_dir():
        return NoLinks("")
    start = (Path.cwd() if output is None else output.parent).resolve()
    if not directory.resolve().is_relative_to(start) and not start.is_relative_to(
        directory.resolve().parent
    ):
        return NoLinks("")  # where it is committed, nobody has what is elsewhere on this machine
    return LinksFromOutside(Path(os.path.relpath(directory, start)).as_posix())
