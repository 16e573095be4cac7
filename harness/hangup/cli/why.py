"""`hangup why`: the path of the exception that a hang-up brought into the stream."""

from __future__ import annotations

import sys

import msgspec

from hangup.analysis.exception_path import exception_paths, through_the_stream
from hangup.cli.messages import print_message
from hangup.cli.options import (
    AppName,
    Json,
    OwnApps,
    ResultsToRead,
    ScenarioName,
    ServerName,
    results_to_read,
)
from hangup.cli.stack_results import find_stack_results
from hangup.environment.apps import find_apps
from hangup.environment.cache import cache_directory, in_use
from hangup.environment.source_lines import SourceLines
from hangup.errors import UserError
from hangup.report import exception_path


def why(
    app_id: AppName,
    server: ServerName,
    scenario: ScenarioName,
    json: Json = False,
    apps: OwnApps = None,
    results: ResultsToRead = None,
) -> None:
    """Print the path of what was raised in the stream: who cancelled it, what handled it.

    The lines of code beside it are those of the releases that were run; they are downloaded
    where they are not in the cache. Needs results of `hangup run --thorough`.
    """
    directory = results_to_read(results)
    stack_results = find_stack_results(directory, app_id, server, scenario)
    found = [
        (stack_result, trial)
        for stack_result in stack_results
        for trial in stack_result.traced
        if trial.scenario == scenario
    ]
    if not found:
        raise UserError(
            f"{directory} has no exception path for {scenario} with {app_id} on {server}; "
            "`hangup run --thorough` with these names traces exceptions."
        )
    traced = {stack_result.stack for stack_result, _ in found}
    for stack_result in stack_results:
        if stack_result.stack not in traced:
            print_message(
                f"Exceptions were not traced on {stack_result.stack.id}; "
                "`hangup run --thorough` does that."
            )
    if json:
        for _, trial in found:
            paths = through_the_stream(exception_paths(trial.steps))
            sys.stdout.write(msgspec.json.encode(paths).decode() + "\n")
        return
    cache = cache_directory()
    known_apps = find_apps(apps)
    with in_use(cache, read_only=True):
        for stack_result, trial in found:
            lines = SourceLines(stack_result, known_apps, cache)
            sys.stdout.write(f"{stack_result.stack.id}, {scenario}\n")
            paths = through_the_stream(exception_paths(trial.steps))
            if not paths:
                sys.stdout.write(f"\n{exception_path.nothing_thrown(trial)}\n")
            for path in paths:
                sys.stdout.write(f"\n{exception_path.text(path, stack_result, lines)}\n")
            if lines.missing:
                missing = ", ".join(sorted(lines.missing))
                print_message(f"Source lines not available: {missing}.")
