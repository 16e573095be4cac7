"""From measured results to a complete directory: traces, tables, evidence and report."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path

from hangup.analysis.claims import verdicts
from hangup.analysis.compaction import compacted
from hangup.analysis.outcomes import Outcomes
from hangup.files import write_whole
from hangup.model.trace import StackResult
from hangup.report.claim_rows import CLAIM_COLUMNS, claim_rows
from hangup.report.cleanup import Excerpts
from hangup.report.formats import DEFAULT, FORMATS, Format, FormatId
from hangup.report.links import DIRECTORIES
from hangup.report.pages import Context
from hangup.report.views import in_order
from hangup.store.merging import merged
from hangup.store.results import (
    metadata_json,
    read_stack_results,
    remove_stacks,
    write_stack_result,
)
from hangup.store.tables import CLAIMS, METADATA, OUTCOMES, csv_text, outcomes_csv


def publish(
    directory: Path,
    results: Sequence[StackResult],
    excerpts: Excerpts,
    *,
    merge: bool,
    supersede: tuple[str, str] | None = None,
) -> None:
    """Put results among those that are there and build everything that is computed from them.

    With `merge`, what was measured before of other scenarios is kept of their stacks. What
    there is of the version set and the Python in `supersede` and was not measured again is removed.
    """
    for result in results:
        whole = merged(directory, result) if merge else result
        write_stack_result(directory, compacted(whole))
    if supersede is not None:
        remove_stacks(directory, *supersede, {result.stack for result in results})
    rebuild(directory, excerpts)


def rebuild(directory: Path, excerpts: Excerpts, formats: Collection[FormatId] = DEFAULT) -> None:
    """Compute the tables and the report from the traces, the report in these formats.

    What there is in other formats is left as it is. Raises UserError if there are no traces.
    """
    results = read_stack_results(directory)
    outcomes = Outcomes(in_order(results))
    found = verdicts(outcomes)
    in_repository = (directory.resolve().parent / "apps" / "recipes").is_dir()
    context = Context(outcomes, found, excerpts, link_code=in_repository)
    rendered = {format_id: FORMATS[format_id].pages(context) for format_id in formats}
    write_whole(directory / OUTCOMES, outcomes_csv(outcomes.observations).encode())
    write_whole(directory / CLAIMS, csv_text(CLAIM_COLUMNS, claim_rows(found)).encode())
    write_whole(directory / METADATA, metadata_json(results))
    for format_id, pages in rendered.items():
        _remove_older_files(directory, FORMATS[format_id], pages.keys())
        for name, text in pages.items():
            write_whole(directory / name, text.encode())


def _remove_older_files(directory: Path, of: Format, but: Collection[str]) -> None:
    """Remove files that an earlier report had and this one has not; nobody else's files."""
    if not of.mark:
        return
    below = [path for name in DIRECTORIES for path in (directory / name).rglob("*.*")]
    for path in sorted([*directory.glob("*.*"), *below], reverse=True):
        if path.suffix not in of.suffixes or str(path.relative_to(directory)) in but:
            continue
        if path.read_bytes().startswith(of.mark.encode()):
            path.unlink()
            for parent in path.parents[: len(path.relative_to(directory).parents) - 1]:
                if not any(parent.iterdir()):
                    parent.rmdir()
