"""Results on disk: one compressed file of JSON lines a stack.

`traces/<versions>-py<python>/<app>/<server>.jsonl.xz`: the head on the first line, then a
trial a line, those in which exceptions were traced last. Files are replaced whole.
"""

from __future__ import annotations

import gzip
import lzma
import zlib
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import Any

import msgspec

from hangup.errors import UserError
from hangup.files import write_whole
from hangup.model.trace import Stack, StackResult, Trial
from hangup.store.formats import FORMAT, head_as_now, older_names, trial_as_now

TRACES = "traces"
SUFFIX = ".jsonl.xz"
_SUFFIX_OF_FORMAT_1 = ".jsonl.gz"

_encoder = msgspec.json.Encoder()
_decoder = msgspec.json.Decoder(Trial)
_fields = msgspec.json.Decoder(dict[str, Any])


class _Head(msgspec.Struct):
    """What can be read of a head of any format."""

    format: int


def stack_result_path(results: Path, stack: Stack) -> Path:
    """Where a stack's trials are, or else are to be written."""
    return find_stack_result_path(results, stack) or _path(results, stack)


def find_stack_result_path(results: Path, stack: Stack) -> Path | None:
    """The file that has a stack's trials, in the place of an older format if need be; or None.

    What is in the place of this stack may be of another, which was once called as it is now.
    """
    app, server = older_names(stack.app, stack.server)
    older = msgspec.structs.replace(stack, app=app, server=server)
    suffixes = (SUFFIX, _SUFFIX_OF_FORMAT_1)
    files = [_path(results, stack), *(_path(results, older, suffix) for suffix in suffixes)]
    return next((path for path in files if _stack_in(path) == stack), None)


def _path(results: Path, stack: Stack, suffix: str = SUFFIX) -> Path:
    return results / TRACES / f"{stack.id}{suffix}"


def _stack_in(path: Path) -> Stack | None:
    """The stack that a file says it is of; None if it is not there or cannot be read."""
    open_ = gzip.open if path.name.endswith(_SUFFIX_OF_FORMAT_1) else lzma.open
    try:
        with open_(path) as file:
            return msgspec.convert(
                head_as_now(msgspec.json.decode(file.readline()))["stack"], Stack
            )
    except (OSError, EOFError, LookupError, TypeError, ValueError, zlib.error, lzma.LZMAError):
        return None


def write_stack_result(results: Path, result: StackResult) -> None:
    """Write a stack's trials, sorted; the same result gives the same bytes."""
    lines = [msgspec.json.encode(_head(result), order="sorted")]
    for trials in (result.trials, result.traced):
        in_order = sorted(trials, key=lambda trial: (trial.scenario, trial.repeat))
        lines += [_encoder.encode(trial) for trial in in_order]
    path, before = _path(results, result.stack), stack_result_path(results, result.stack)
    for suffix in (SUFFIX, _SUFFIX_OF_FORMAT_1):
        _make_way(results, _path(results, result.stack, suffix), result.stack)
    write_whole(path, lzma.compress(b"\n".join(lines) + b"\n", preset=6))
    if before != path:
        before.unlink(missing_ok=True)


def _make_way(results: Path, path: Path, stack: Stack) -> None:
    """Write where it belongs what a file holds of a stack that had this one's name once."""
    found = _stack_in(path)
    if found == stack:
        return
    if found is not None and stack_result_path(results, found) == path:
        write_stack_result(results, read_stack_result(path))
    path.unlink(missing_ok=True)


def _head(result: StackResult) -> dict[str, Any]:
    """All of a stack's result but its trials, and how many lines they are."""
    bare = msgspec.structs.replace(result, format=FORMAT, trials=(), traced=())
    head: dict[str, Any] = msgspec.to_builtins(bare)
    return head | {"trials": len(result.trials), "traced": len(result.traced)}


def read_stack_result(path: Path) -> StackResult:
    """Read a stack's trials; raises UserError if the file is damaged or too new."""
    versions, _, python = path.parent.parent.name.rpartition("-py")
    app, server = path.parent.name, path.name.partition(".")[0]
    again = (
        f"`hangup run --versions {versions} --python {python} --app {app} --server {server}` "
        "measures it again."
    )
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UserError(f"{path} cannot be read: {error.strerror}.") from None
    decompress = gzip.decompress if path.name.endswith(_SUFFIX_OF_FORMAT_1) else lzma.decompress
    try:
        first, *lines = decompress(data).splitlines() or [b""]
        found = msgspec.json.decode(first, type=_Head).format
        if found < 1:
            raise ValueError(f"there is no results format {found}")
        if found > FORMAT:
            raise UserError(
                f"{path} has results format {found}, this hangup reads up to {FORMAT}; "
                "use the hangup that wrote it or a newer one."
            )
        head = head_as_now(msgspec.json.decode(first))
        counted, traced = head["trials"], head.get("traced", 0)
        result = msgspec.convert(head | {"trials": (), "traced": ()}, StackResult)
        if len(lines) != counted + traced:
            raise UserError(f"{path} has {len(lines)} of its {counted + traced} trials; {again}")
        if found < FORMAT:
            trials = tuple(
                msgspec.convert(trial_as_now(_fields.decode(line), found), Trial) for line in lines
            )
        else:
            trials = tuple(map(_decoder.decode, lines))
    except (
        EOFError,
        LookupError,
        TypeError,
        ValueError,
        zlib.error,
        lzma.LZMAError,
        msgspec.MsgspecError,
    ) as error:
        raise UserError(f"{path} is damaged ({error}); {again}") from None
    return msgspec.structs.replace(result, trials=trials[:counted], traced=trials[counted:])


def stack_result_paths(results: Path) -> list[Path]:
    """The files of all stacks, sorted; raises UserError if there are none."""
    traces = results / TRACES
    current = set(traces.rglob(f"*{SUFFIX}"))
    older = {
        path
        for path in traces.rglob(f"*{_SUFFIX_OF_FORMAT_1}")
        if path.with_name(path.name.removesuffix(_SUFFIX_OF_FORMAT_1) + SUFFIX) not in current
    }
    if not current | older:
        raise UserError(f"There are no results in {results}; `hangup run` makes them.")
    return sorted(current | older)


def read_stack_results(results: Path) -> list[StackResult]:
    """Read all there is, sorted by stack; raises UserError if there is nothing."""
    found: dict[Stack, StackResult] = {}
    for path in stack_result_paths(results):
        result = read_stack_result(path)
        # What was measured under its name of today replaces what it was once called.
        if result.stack not in found or path == _path(results, result.stack):
            found[result.stack] = result
    return sorted(found.values(), key=lambda r: r.stack)


def remove_stacks(results: Path, versions: str, python: str, but: Collection[Stack]) -> None:
    """Remove the traces of a version set's stacks under a Python, but for some."""
    keep = {results / TRACES / f"{stack.id}{SUFFIX}" for stack in but}
    for path in sorted((results / TRACES).glob(f"{versions}-py{python}/*/*.jsonl.?z")):
        if path not in keep:
            path.unlink()
            for directory in (path.parent, path.parent.parent):
                if not any(directory.iterdir()):
                    directory.rmdir()


def metadata_json(results: Iterable[StackResult]) -> bytes:
    """The heads of all stacks: what was run, when, under what, and the latencies.

    An array of objects, one a line. The distributions are left out: which files they installed is
    kept with the traces.
    """
    heads = []
    for result in results:
        head = _head(result)
        del head["distributions"]
        head["trials"] = sum(trial.count for trial in result.trials)
        heads.append(head)
    lines = [msgspec.json.encode(head, order="sorted") for head in heads]
    return b"[\n" + b",\n".join(lines) + b"\n]\n"
