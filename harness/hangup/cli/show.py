"""`hangup show`: the trace of one trial as a timeline."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Annotated

import msgspec
import typer

from hangup.analysis.classification import classify
from hangup.cli.messages import print_message
from hangup.cli.options import (
    AppName,
    Json,
    ResultsToRead,
    ScenarioName,
    ServerName,
    results_to_read,
)
from hangup.cli.stack_results import find_stack_results
from hangup.errors import UserError
from hangup.model.outcomes import Outcome
from hangup.report import timeline


def show(
    app_id: AppName,
    server: ServerName,
    scenario: ScenarioName,
    repeat: Annotated[int, typer.Option(min=1, help="Which of the scenario's trials.")] = 1,
    json: Json = False,
    results: ResultsToRead = None,
) -> None:
    """Print what was observed in one trial, event by event, and what was concluded from it."""
    directory = results_to_read(results)
    found = [
        (stack_result.stack, classified)
        for stack_result in find_stack_results(directory, app_id, server, scenario)
        for classified in _trials(classify(stack_result), scenario, repeat)
    ]
    if not found:
        raise UserError(
            f"{directory} has no trial {repeat} of {scenario} with {app_id} on {server}; "
            "`hangup run` with these names, and --repeats if need be, makes one."
        )
    for stack, classified in found:
        kept = classified.trial.repeat
        if kept != repeat:
            print_message(
                f"Trial {repeat} of {stack.id} came out as trial {kept} did, and only that one's "
                "trace was kept: this is it."
            )
        if json:
            sys.stdout.write(msgspec.json.encode(classified).decode() + "\n")
            continue
        sys.stdout.write(f"{stack.id}, {scenario}, trial {kept}\n\n")
        sys.stdout.write(timeline.text(classified) + "\n")


def _trials(classified_trials: Iterable[Outcome], scenario: str, repeat: int) -> list[Outcome]:
    """The trial that is this repeat of a scenario, or that was kept in place of it."""
    return [
        classified
        for classified in classified_trials
        if classified.trial.scenario == scenario
        and repeat in (classified.trial.repeat, *classified.trial.alike)
    ]
