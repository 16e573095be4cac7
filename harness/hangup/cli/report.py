"""`hangup report`: the report computed anew from recorded traces."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hangup.analysis.outcomes import Outcomes
from hangup.cli.messages import displayed, print_message
from hangup.cli.options import ResultsToRead, results_to_read
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.errors import UserError
from hangup.report import pages, publish
from hangup.report.formats import DEFAULT, FORMATS, FormatId
from hangup.report.views import in_order
from hangup.store.results import read_stack_results, stack_result_paths
from hangup.store.run_lock import only_run_into


def report(
    excerpt: Annotated[
        bool,
        typer.Option(
            "--excerpt", help="Print what the README of the repository shows of it, and no more."
        ),
    ] = False,
    formats: Annotated[
        str,
        typer.Option(
            "--format",
            metavar="FORMAT,...",
            help="What to write: `md`, the pages to read; `html`, the page to explore "
            "(`hangup view` shows it); `json`, the statements for other programs, with the JSON "
            "schemas of what they may read. What there is in other formats is left as it is.",
        ),
    ] = ",".join(DEFAULT),
    results: ResultsToRead = None,
) -> None:
    """Build the report from the recorded traces, without running anything.

    Writes README.md and the pages beside it, the evidence (`md`), index.html and what it loads
    (`html`), report.json and the schemas (`json`); and always outcomes.csv, claims.csv and
    metadata.json.
    """
    chosen = _formats(formats)
    directory = results_to_read(results)
    stack_result_paths(directory)  # before anything is made in a directory without results
    if excerpt:
        sys.stdout.write(pages.excerpt(Outcomes(in_order(read_stack_results(directory)))))
        return
    with only_run_into(directory):
        publish.rebuild(directory, CodeExcerpts(), chosen)
    print_message(
        f"The report: {', '.join(displayed(directory / FORMATS[f].first) for f in chosen)}"
    )


def _formats(named: str) -> list[FormatId]:
    """The formats that are named, with commas between them; raises UserError if one is unknown."""
    known = {str(name): name for name in FORMATS}
    names = [name.strip() for name in named.split(",")]
    for name in names:
        if name not in known:
            raise UserError(f"There is no format {name!r}; there are {', '.join(known)}.")
    return [known[name] for name in dict.fromkeys(names)]
