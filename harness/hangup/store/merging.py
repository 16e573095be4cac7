"""Putting newly measured trials of some scenarios among those a stack has already."""

from __future__ import annotations

from pathlib import Path

import msgspec

from hangup.errors import UserError
from hangup.model.trace import NOT_KEPT, StackResult
from hangup.store.results import find_stack_result_path, read_stack_result


def check_mergeable(results: Path, result: StackResult) -> None:
    """Raise UserError if this result's trials cannot be put beside those that are there.

    They must have been run under the very same conditions, or the report would compare what
    differs.
    """
    path = find_stack_result_path(results, result.stack)
    if path is None:
        return
    old = read_stack_result(path)
    differing = [
        name for name, value in _conditions(result).items() if _conditions(old)[name] != value
    ]
    if differing:
        stack = result.stack
        raise UserError(
            f"{path} was measured under other conditions ({', '.join(differing)}); run all of "
            f"--app {stack.app} --server {stack.server} again, or give another --results."
        )


def merged(results: Path, result: StackResult) -> StackResult:
    """The result with what there is of scenarios that were not measured again."""
    path = find_stack_result_path(results, result.stack)
    if path is None:
        return result
    old = read_stack_result(path)
    measured = {trial.scenario for trial in result.trials}
    traced = {trial.scenario for trial in result.traced}
    kept_traced = [
        # What it came out like is measured anew, and may come out in another way.
        msgspec.structs.replace(trial, same_as=NOT_KEPT)
        if trial.same_as is not None and trial.scenario in measured
        else trial
        for trial in old.traced
        if trial.scenario not in traced
    ]
    return msgspec.structs.replace(
        result,
        trials=result.trials + tuple(t for t in old.trials if t.scenario not in measured),
        traced=result.traced + tuple(kept_traced),
        distributions=old.distributions | result.distributions,
        latency=old.latency if result.latency is None else result.latency,
        rejected_registrations=old.rejected_registrations | result.rejected_registrations,
        unattributed=result.unattributed
        + tuple(line for line in old.unattributed if line.partition(":")[0] not in measured),
    )


def _conditions(result: StackResult) -> dict[str, object]:
    """What trials must have in common to be compared, by what it is called in a message."""
    return {
        "Python, packages or machine": result.environment,
        "window": result.window_s,
        "repeats": result.repeats,
        "hangup": result.hangup,
        "command": result.command,
        "app": result.code_hash,
    }
