"""Looking up what was measured of an app on a server, for the commands that show one scenario."""

from __future__ import annotations

from pathlib import Path

from hangup.errors import choose
from hangup.model import scenarios
from hangup.model.trace import StackResult
from hangup.report.views import in_order
from hangup.store.results import read_stack_results


def find_stack_results(
    results: Path, app_id: str, server_id: str, scenario_id: str
) -> list[StackResult]:
    """The results of an app on a server, one for each version set and Python, the current first.

    Raises UserError for a scenario, app or server that there is not.
    """
    choose("scenario", [scenario_id], scenarios.BY_ID)
    stack_results = read_stack_results(results)
    stacks = [stack_result.stack for stack_result in stack_results]
    choose("app", [app_id], {stack.app for stack in stacks})
    choose("server", [server_id], {stack.server for stack in stacks})
    return [
        stack_result
        for stack_result in in_order(stack_results)
        if (stack_result.stack.app, stack_result.stack.server) == (app_id, server_id)
    ]
