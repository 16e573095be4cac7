"""`hangup report`: the report computed anew from recorded traces."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from hangup.analysis.classification import all_outcomes
from hangup.cli.messages import displayed, print_message
from hangup.cli.options import ResultsToRead, results_to_read
from hangup.report import pages, publish
from hangup.store.results import read_stack_results


def report(
    excerpt: Annotated[
        bool, typer.Option("--excerpt", help="Print the table that the README shows, and no more.")
    ] = False,
    results: ResultsToRead = None,
) -> None:
    """Build the report from the recorded traces, without running anything.

    Writes report.md, the pages of evidence, outcomes.csv and claims.csv.
    """
    directory = results_to_read(results)
    if excerpt:
        stack_results = read_stack_results(directory)
        sys.stdout.write(pages.excerpt(stack_results, all_outcomes(stack_results)))
        return
    publish.rebuild(directory)
    print_message(f"The report is {displayed(directory / pages.REPORT)}.")
