"""From finished parts to a complete `results/`: traces, table, evidence and report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from hangup.analysis.claims import claims_csv, verdicts
from hangup.analysis.classification import all_outcomes
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.errors import UserError
from hangup.files import write_whole
from hangup.model.trace import StackResult
from hangup.report import pages as report
from hangup.store.results import (
    TRACES,
    metadata_json,
    read_stack_result,
    read_stack_results,
    stack_result_path,
    write_stack_result,
)
from hangup.store.tables import CLAIMS, METADATA, OUTCOMES, outcomes_csv


def check_mergeable(results: Path, stack_result: StackResult) -> None:
    """Raise UserError if this part's trials cannot stand beside those that are there.

    Trials of some scenarios only are put among the stack's others; they must have been
    run under the very same conditions, or the report would compare what differs.
    """
    path = stack_result_path(results, stack_result.stack)
    if not path.exists():
        return
    old = read_stack_result(path)
    if _conditions(old) != _conditions(stack_result):
        raise UserError(
            f"{path} was measured with another app, versions, machine, window or number of "
            f"repeats; run all of --app {stack_result.stack.app} --server {stack_result.stack.server} again, or "
            "give another --results."
        )


def publish(
    results: Path,
    stack_results: Sequence[StackResult],
    *,
    merge: bool,
    supersede: str | None = None,
) -> None:
    """Put parts among the results and build everything that is computed from them.

    With `merge`, what was measured before of other scenarios is kept of their stacks. What
    there is of the version set `supersede` and was not measured again is removed.
    """
    for stack_result in stack_results:
        write_stack_result(results, _merged(results, stack_result) if merge else stack_result)
    if supersede is not None:
        _remove_others(results, supersede, stack_results)
    rebuild(results)


def rebuild(results: Path) -> None:
    """Compute the table, the evidence and the report from the traces."""
    stack_results = read_stack_results(results)
    observations = all_outcomes(stack_results)
    found = verdicts(stack_results)
    pages = report.render(stack_results, observations, found, CodeExcerpts())
    evidence = results / report.EVIDENCE
    shutil.rmtree(evidence, ignore_errors=True)
    write_whole(results / OUTCOMES, outcomes_csv(observations).encode())
    write_whole(results / CLAIMS, claims_csv(found).encode())
    write_whole(results / METADATA, metadata_json(stack_results))
    for name, text in pages.items():
        write_whole(results / name, text.encode())


def _remove_others(results: Path, versions: str, stack_results: Sequence[StackResult]) -> None:
    keep = {stack_result_path(results, stack_result.stack) for stack_result in stack_results}
    for path in sorted((results / TRACES).glob(f"{versions}-py*/*/*.jsonl.gz")):
        if path not in keep:
            path.unlink()
            for directory in (path.parent, path.parent.parent):
                if not any(directory.iterdir()):
                    directory.rmdir()


def _conditions(stack_result: StackResult) -> tuple[object, ...]:
    return (
        stack_result.environment,
        stack_result.window_s,
        stack_result.repeats,
        stack_result.hangup,
        stack_result.command,
        stack_result.code_hash,
    )


def _merged(results: Path, stack_result: StackResult) -> StackResult:
    path = stack_result_path(results, stack_result.stack)
    if not path.exists():
        return stack_result
    old = read_stack_result(path)
    measured = {trial.scenario for trial in stack_result.trials}
    traced = {trial.scenario for trial in stack_result.traced}
    kept = tuple(trial for trial in old.trials if trial.scenario not in measured)
    return msgspec.structs.replace(
        stack_result,
        trials=stack_result.trials + kept,
        traced=stack_result.traced
        + tuple(trial for trial in old.traced if trial.scenario not in traced),
        distributions=old.distributions | stack_result.distributions,
        latency=old.latency if stack_result.latency is None else stack_result.latency,
        rejected_registrations=old.rejected_registrations | stack_result.rejected_registrations,
        unattributed=stack_result.unattributed
        + tuple(line for line in old.unattributed if line.partition(":")[0] not in measured),
    )
