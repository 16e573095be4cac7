"""`hangup diff`: what changes from one stack, version set, Python or result to another."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from hangup.analysis.effects import confirmed, effect, to_confirm
from hangup.analysis.exact_test import can_decide
from hangup.cli import compared as compare
from hangup.cli.compared import Compared
from hangup.cli.messages import print_message
from hangup.cli.options import Json, OwnApps, ResultsToRead, only
from hangup.cli.run import run
from hangup.errors import UserError, choose
from hangup.model import scenarios
from hangup.model.effect import Effect
from hangup.model.trace import Stack
from hangup.report import effects as report
from hangup.report.effect_text import markdown_text, text

DIFFERENT = 1
"""The exit status where something differs."""

_WHAT = "What to compare"


def diff(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", show_default=False)],
    app_ids: Annotated[list[str] | None, only("app", _WHAT)] = None,
    server_ids: Annotated[list[str] | None, only("server", _WHAT)] = None,
    versions: Annotated[
        list[str] | None,
        typer.Option(help="Only this version set. May be repeated.", rich_help_panel=_WHAT),
    ] = None,
    python: Annotated[
        list[str] | None,
        typer.Option(
            help="Only this Python, such as 3.13. May be repeated.", rich_help_panel=_WHAT
        ),
    ] = None,
    scenario_ids: Annotated[list[str] | None, only("scenario", _WHAT)] = None,
    confirm: Annotated[
        int,
        typer.Option(
            min=0,
            metavar="TRIALS",
            help="Run the scenarios that differ, are not decided, or are races with a p of 5 % at "
            "most again, so many trials each on both stacks, and decide by these alone; 0 for not. "
            "For two stacks only.",
        ),
    ] = 0,
    json: Json = False,
    markdown: Annotated[
        bool, typer.Option("--markdown", help="Print a table in Markdown.")
    ] = False,
    results: ResultsToRead = None,
    apps: OwnApps = None,
) -> None:
    """Print what changes from A to B: observations, hazards, and verdicts on claims and recipes.

    A and B are two of a kind: **stacks** (`APP/SERVER` or `VERSIONS-pyX.Y/APP/SERVER`), **apps**,
    **servers**, **version sets**, **Pythons** (`3.13`), **version sets under a Python**
    (`current-py3.13`), or **results**: directories, tables (`outcomes.csv`) or files of traces.
    They are looked up among the names in the results that are read; if both are paths and not both
    are such names, they are results. What begins with `.` or `/` is always a path (`./current`).
    Compared are the stacks that are alike in all that A and B leave open.

    Two cells differ only if Fisher's exact test, two-sided, says so at 1 %: 5 trials against 5 can
    decide, 3 against 3 cannot. Of tables each observation is tested by itself, at 1 % divided by
    how many a cell has. What repeats may explain is a race, or is not decided; neither is a
    difference.

    `--json` prints one document: `a`, `b`, the `pairs` of stacks, how many `cells` were compared
    and would differ `by_chance` at most, the `differences`, what is `undecided`, `races`,
    `verdicts` that change, what is `only_a` and `only_b`, and the scenarios that were `disturbed`.

    Exit status: 0 if nothing differs, 1 if something does, 2 if they could not be compared.
    """
    scenario_names = tuple(scenario_ids or ())
    choose("scenario", scenario_names, scenarios.BY_ID)
    if json and markdown:
        raise UserError("Give --json or --markdown, not both.")
    narrowed: compare.Narrowed = {
        "app": app_ids or (),
        "server": server_ids or (),
        "versions": versions or (),
        "python": python or (),
    }
    found = compare.find(a, b, results, narrowed)
    effects = [effect(found.a[p.a], found.b[p.b], scenario_names) for p in found.pairs]
    if not any(one.comparisons for one in effects):
        raise UserError(f"{a} and {b} have no trials of the same scenarios to compare.")
    if confirm:
        effects = [_confirmed(context, found, effects, confirm, apps)]
    compared = report.diff(a, b, effects, found.alone)
    if json:
        sys.stdout.write(msgspec.json.encode(compared).decode() + "\n")
    else:
        sys.stdout.write(markdown_text(compared) if markdown else text(compared))
    if compared.differences:
        raise typer.Exit(DIFFERENT)


def _confirmed(
    context: typer.Context,
    found: Compared,
    effects: Sequence[Effect],
    trials: int,
    apps: Path | None,
) -> Effect:
    """What a fresh sample says of the one pair that is compared."""
    if found.results or len(effects) > 1:
        raise UserError(
            "--confirm is for two stacks of the same results; name them as "
            "VERSIONS-pyX.Y/APP/SERVER, or narrow what is compared."
        )
    if not can_decide(trials, trials):
        raise UserError(f"{trials} trials against {trials} decide nothing; --confirm needs 5.")
    (first,) = effects
    asked = to_confirm(effects).get(first.pair, ())
    if not asked:
        return first
    a, b = first.pair.a, first.pair.b
    windows = {found.a[a].window_s, found.b[b].window_s}
    window_s = windows.pop()
    if windows or window_s is None:
        raise UserError("--confirm is for traces with one window, which it runs the trials with.")
    results = Path(tempfile.mkdtemp(prefix="hangup-confirm-"))
    for stack in (a, b):
        _measure(context, stack, asked, trials, window_s, results, apps)
    print_message(
        f"Decided by fresh trials of {', '.join(asked)}; they are in {results}. As in any run, "
        "there are fewer where a trial ends or may hang its server."
    )
    fresh = compare.read(results)
    return confirmed(first, effect(fresh[a], fresh[b], asked))


def _measure(
    context: typer.Context,
    stack: Stack,
    scenario_ids: Sequence[str],
    trials: int,
    window_s: float,
    results: Path,
    apps: Path | None,
) -> None:
    """Run some scenarios on a stack, as `hangup run` does."""
    try:
        run(
            context,
            app_ids=[stack.app],
            server_ids=[stack.server],
            scenario_ids=list(scenario_ids),
            versions=[stack.versions],
            python=[stack.python],
            repeats=trials,
            latency=0,
            window=window_s,
            results=results,
            apps=apps,
        )
    except typer.Exit as ended:
        if ended.exit_code == DIFFERENT:  # which a run says that could not start its server
            raise UserError(f"{stack.id} could not be run again.") from None
        raise
