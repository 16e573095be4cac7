"""Results on disk: one compressed file of JSON lines a stack, and the table of outcomes.

`results/traces/<versions>-py<python>/<app>/<server>.jsonl.gz`: the head on the first line,
then a trial a line. Files are replaced whole, so that a reader never finds half of one.
"""

from __future__ import annotations

import csv
import gzip
import io
import os
import zlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from harness.errors import UserError
from harness.outcome import Sighting, outcomes
from harness.trace import Part, Stack, Trial

FORMAT = 1
TRACES = "traces"
OUTCOMES = "outcomes.csv"
CLAIMS = "claims.csv"
METADATA = "metadata.json"
COLUMNS = ("versions", "python", "app", "server", "scenario", "surface", "saw", "n", "of")

_encoder = msgspec.json.Encoder()


class _Head(msgspec.Struct):
    """What can be read of a head of any format."""

    format: int


class _Counted(msgspec.Struct):
    """A head as it is written: with the numbers of trials that follow."""

    format: int
    trials: int
    followed: int = 0


def part_path(results: Path, stack: Stack) -> Path:
    """Where a stack's trials are kept."""
    return results / TRACES / f"{stack.id}.jsonl.gz"


def write_part(results: Path, part: Part) -> None:
    """Write a stack's trials, sorted; the same part gives the same bytes."""
    lines = [msgspec.json.encode(_head(part), order="sorted")]
    for trials in (part.trials, part.followed):
        in_order = sorted(trials, key=lambda trial: (trial.scenario, trial.repeat))
        lines += [_encoder.encode(trial) for trial in in_order]
    data = gzip.compress(b"\n".join(lines) + b"\n", mtime=0)
    replace(part_path(results, part.stack), data)


def _head(part: Part) -> dict[str, Any]:
    """All of a part but its trials, and how many they are."""
    bare = msgspec.structs.replace(part, trials=(), followed=())
    head: dict[str, Any] = msgspec.to_builtins(bare)
    return head | {"trials": len(part.trials), "followed": len(part.followed)}


def metadata_json(parts: Iterable[Part]) -> bytes:
    """The heads of all parts: what was run, when, under what, and the latencies."""
    heads = [_head(part) for part in parts]
    return msgspec.json.format(msgspec.json.encode(heads, order="sorted"), indent=1) + b"\n"


def read_part(path: Path) -> Part:
    """Read a stack's trials; raises UserError if the file is damaged or too new."""
    app, server = path.parent.name, path.name.partition(".")[0]
    again = f"`hangup run --app {app} --server {server}` measures it again."
    try:
        head, *lines = gzip.decompress(path.read_bytes()).splitlines() or [b""]
        found = msgspec.json.decode(head, type=_Head).format
        if found > FORMAT:
            raise UserError(
                f"{path} has results format {found}, this hangup reads up to {FORMAT}; "
                "use the hangup that wrote it or a newer one."
            )
        counted = msgspec.json.decode(head, type=_Counted)
        count = counted.trials + counted.followed
        fields = msgspec.json.decode(head)
        part = msgspec.convert(fields | {"trials": (), "followed": ()}, Part)
        if len(lines) != count:
            raise UserError(f"{path} has {len(lines)} of its {count} trials; {again}")
        trials = tuple(msgspec.json.decode(line, type=Trial) for line in lines)
    except (OSError, EOFError, ValueError, zlib.error, msgspec.MsgspecError) as error:
        raise UserError(f"{path} is damaged ({error}); {again}") from None
    return msgspec.structs.replace(
        part, trials=trials[: counted.trials], followed=trials[counted.trials :]
    )


def read_parts(results: Path) -> list[Part]:
    """Read all there is, sorted by stack; raises UserError if there is nothing."""
    paths = sorted((results / TRACES).rglob("*.jsonl.gz"))
    if not paths:
        raise UserError(f"There are no results in {results}; `hangup run` makes them.")
    return sorted((read_part(path) for path in paths), key=lambda part: part.stack)


def outcomes_csv(sightings: Iterable[Sighting]) -> str:
    """The table of outcomes, one row a sighting, sorted."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    for row in sorted(sightings):
        s = row.stack
        table.writerow(
            (s.versions, s.python, s.app, s.server, row.scenario, row.surface, row.saw, row.n,
             row.of)
        )  # fmt: skip
    return text.getvalue()


def all_outcomes(parts: Sequence[Part]) -> list[Sighting]:
    """The sightings of all stacks, sorted."""
    return sorted(sighting for part in parts for sighting in outcomes(part))


def replace(path: Path, data: bytes) -> None:
    """Put a file in its place whole, or leave what is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    finally:
        unfinished.unlink(missing_ok=True)
