"""`hangup report`: the report computed anew from recorded traces."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hangup.analysis.outcomes import Outcomes
from hangup.cli.messages import displayed, print_message
from hangup.cli.options import ResultsToRead, results_to_read
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.report import pages, publish
from hangup.report.links import OVERVIEW
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
    results: ResultsToRead = None,
) -> None:
    """Build the report from the recorded traces, without running anything.

    Writes README.md and the pages beside it, the evidence, outcomes.csv, claims.csv and
    metadata.json.
    """
    directory = results_to_read(results)
    stack_result_paths(directory)  # before anything is made in a directory without results
    if excerpt:
        sys.stdout.write(pages.excerpt(Outcomes(in_order(read_stack_results(directory)))))
        return
    with only_run_into(directory):
        publish.rebuild(directory, CodeExcerpts())
    print_message(f"The report: {displayed(directory / OVERVIEW)}")
