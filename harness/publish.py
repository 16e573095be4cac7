"""From finished parts to a complete `results/`: traces, table, evidence and report."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import msgspec

from harness import report
from harness.errors import UserError
from harness.quotes import Quotes
from harness.results import (
    CLAIMS,
    METADATA,
    OUTCOMES,
    TRACES,
    all_outcomes,
    metadata_json,
    outcomes_csv,
    part_path,
    read_part,
    read_parts,
    replace,
    write_part,
)
from harness.trace import Part
from harness.verdicts import claims_csv, verdicts


def check_mergeable(results: Path, part: Part) -> None:
    """Raise UserError if this part's trials cannot stand beside those that are there.

    Trials of some scenarios only are put among the stack's others; they must have been
    run under the very same conditions, or the report would compare what differs.
    """
    path = part_path(results, part.stack)
    if not path.exists():
        return
    old = read_part(path)
    if _conditions(old) != _conditions(part):
        raise UserError(
            f"{path} was measured with another app, versions, machine, window or number of "
            f"repeats; run all of --app {part.stack.app} --server {part.stack.server} again, or "
            "give another --results."
        )


def publish(
    results: Path, parts: Sequence[Part], *, merge: bool, supersede: str | None = None
) -> None:
    """Put parts among the results and build everything that is computed from them.

    With `merge`, what was measured before of other scenarios is kept of their stacks. What
    there is of the version set `supersede` and was not measured again is removed.
    """
    for part in parts:
        write_part(results, _merged(results, part) if merge else part)
    if supersede is not None:
        _remove_others(results, supersede, parts)
    rebuild(results)


def rebuild(results: Path) -> None:
    """Compute the table, the evidence and the report from the traces."""
    parts = read_parts(results)
    sightings = all_outcomes(parts)
    found = verdicts(parts)
    pages = report.render(parts, sightings, found, Quotes())
    evidence = results / report.EVIDENCE
    shutil.rmtree(evidence, ignore_errors=True)
    replace(results / OUTCOMES, outcomes_csv(sightings).encode())
    replace(results / CLAIMS, claims_csv(found).encode())
    replace(results / METADATA, metadata_json(parts))
    for name, text in pages.items():
        replace(results / name, text.encode())


def _remove_others(results: Path, versions: str, parts: Sequence[Part]) -> None:
    keep = {part_path(results, part.stack) for part in parts}
    for path in sorted((results / TRACES).glob(f"{versions}-py*/*/*.jsonl.gz")):
        if path not in keep:
            path.unlink()
            for directory in (path.parent, path.parent.parent):
                if not any(directory.iterdir()):
                    directory.rmdir()


def _conditions(part: Part) -> tuple[object, ...]:
    return (part.environment, part.window_s, part.repeats, part.hangup, part.command, part.sources)


def _merged(results: Path, part: Part) -> Part:
    path = part_path(results, part.stack)
    if not path.exists():
        return part
    old = read_part(path)
    measured = {trial.scenario for trial in part.trials}
    followed = {trial.scenario for trial in part.followed}
    kept = tuple(trial for trial in old.trials if trial.scenario not in measured)
    return msgspec.structs.replace(
        part,
        trials=part.trials + kept,
        followed=part.followed
        + tuple(trial for trial in old.followed if trial.scenario not in followed),
        origins=old.origins | part.origins,
        latency=old.latency if part.latency is None else part.latency,
        refused=old.refused | part.refused,
        unattributed=part.unattributed
        + tuple(line for line in old.unattributed if line.partition(":")[0] not in measured),
    )
