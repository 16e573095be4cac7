"""Results files: what is written is read again, and what is damaged is said to be."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hangup.analysis.classification import all_outcomes
from hangup.errors import UserError
from hangup.files import write_whole
from hangup.model.outcomes import Observation
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from hangup.store.formats import FORMAT
from hangup.store.results import (
    read_stack_result,
    read_stack_results,
    stack_result_path,
    write_stack_result,
)
from hangup.store.tables import OUTCOME_COLUMNS as COLUMNS
from hangup.store.tables import outcomes_csv
from tests.traces import LEAVES, stack, stack_result, trial

IDLE = trial("idle", "stream begin", LEAVES, "stream end CancelledError at an await")
IDLE_2 = trial("idle", "stream begin", LEAVES, "stream end CancelledError", repeat=2)
COMPLETE = trial("complete", "stream begin", "stream end", received=("1", "2", "é\u2028\n"))
DIED = trial("ticking", LEAVES, failure=Word.SERVER_EXITED)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    known = stack_result(
        COMPLETE, IDLE, IDLE_2, DIED, surfaces=["handler"], rejected_registrations={"handler": "no"}
    )
    write_stack_result(tmp_path, known)
    return stack_result_path(tmp_path, known.stack)


def test_a_part_is_kept_under_its_versions_python_app_and_server(tmp_path: Path) -> None:
    path = stack_result_path(tmp_path, stack("bare", "hypercorn", versions="old", python="3.12"))
    assert path == tmp_path / "traces" / "old-py3.12" / "bare" / "hypercorn.jsonl.gz"


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    known = stack_result(
        COMPLETE, IDLE, IDLE_2, DIED, unsupported=["sync"], rejected_registrations={"handler": "no"}
    )
    write_stack_result(tmp_path, known)
    assert read_stack_result(stack_result_path(tmp_path, known.stack)) == known


def test_trials_are_written_sorted(tmp_path: Path) -> None:
    known = stack_result(DIED, IDLE_2, COMPLETE, IDLE)
    write_stack_result(tmp_path, known)
    assert read_stack_result(stack_result_path(tmp_path, known.stack)).trials == (
        COMPLETE,
        IDLE,
        IDLE_2,
        DIED,
    )


def test_the_same_part_gives_the_same_bytes(tmp_path: Path) -> None:
    first = stack_result(IDLE, COMPLETE, rejected_registrations={"a": "1", "b": "2"})
    second = stack_result(COMPLETE, IDLE, rejected_registrations={"b": "2", "a": "1"})
    for directory, known in (("first", first), ("second", second)):
        write_stack_result(tmp_path / directory, known)
    assert (
        stack_result_path(tmp_path / "first", first.stack).read_bytes()
        == stack_result_path(tmp_path / "second", second.stack).read_bytes()
    )


def test_the_bytes_do_not_depend_on_the_time(written: Path) -> None:
    modified = written.read_bytes()[4:8]  # RFC 1952, MTIME
    assert modified == bytes(4)


def test_nothing_but_the_part_is_left_in_its_directory(written: Path) -> None:
    assert list(written.parent.iterdir()) == [written]


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "report.md"
    write_whole(path, b"first")
    with pytest.raises(TypeError):
        write_whole(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"first"
    assert list(tmp_path.iterdir()) == [path]


def test_a_file_that_cannot_be_put_in_its_place_leaves_nothing_behind(tmp_path: Path) -> None:
    (tmp_path / "report.md").mkdir()
    with pytest.raises(OSError, match="directory"):
        write_whole(tmp_path / "report.md", b"first")
    assert list(tmp_path.iterdir()) == [tmp_path / "report.md"]


# --- Files that cannot be read: (what is wrong, how it got so, what is said of it).


def _without_last_line(data: bytes) -> bytes:
    return gzip.compress(b"\n".join(gzip.decompress(data).splitlines()[:-1]))


def _with_half_a_line(data: bytes) -> bytes:
    return gzip.compress(gzip.decompress(data)[:-20])


def _with_head(**changed: object) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        head, *lines = gzip.decompress(data).splitlines()
        fields = msgspec.json.decode(head) | changed
        return gzip.compress(b"\n".join([msgspec.json.encode(fields), *lines]))

    return change


def _with_flipped_bits(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


DAMAGES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("empty", lambda data: b"", "damaged"),
    ("not compressed", lambda data: b"not gzip at all", "damaged"),
    ("cut off", lambda data: data[: len(data) // 2], "damaged"),
    ("without its last bytes", lambda data: data[:-3], "damaged"),
    ("with flipped bits", _with_flipped_bits, "damaged"),
    ("nothing, compressed", lambda data: gzip.compress(b""), "damaged"),
    ("without its last trial", _without_last_line, "has 3 of its 4 trials"),
    ("with half a trial", _with_half_a_line, "damaged"),
    ("no JSON", lambda data: gzip.compress(b"[\n"), "damaged"),
    ("JSON of another kind", lambda data: gzip.compress(b"[1]\n"), "damaged"),
    ("not UTF-8", lambda data: gzip.compress(b'{"format": "\xff"}\n'), "damaged"),
    ("with a stack of another kind", _with_head(stack="bare"), "damaged"),
    (
        "of a newer format",
        _with_head(format=FORMAT + 1, stack="unheard of"),
        f"has results format {FORMAT + 1}, this hangup reads up to {FORMAT}",
    ),
]


@pytest.mark.parametrize(
    ("damage", "said"), [each[1:] for each in DAMAGES], ids=[each[0] for each in DAMAGES]
)
def test_a_damaged_file_is_named_in_a_sentence(
    written: Path, damage: Callable[[bytes], bytes], said: str
) -> None:
    written.write_bytes(damage(written.read_bytes()))
    with pytest.raises(UserError) as raised:
        read_stack_result(written)
    assert str(written) in str(raised.value)
    assert said in str(raised.value)
    assert str(raised.value).endswith(".")
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"nowhere\.jsonl\.gz"):
        read_stack_result(tmp_path / "nowhere.jsonl.gz")


def test_a_directory_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There are no results in .*; `hangup run` makes"):
        read_stack_results(tmp_path)


def test_parts_are_read_sorted_by_stack(tmp_path: Path) -> None:
    stacks = [
        stack("quart", "hypercorn"),
        stack("bare", "uvicorn-fast"),
        stack("bare", "uvicorn"),
        stack("starlette", "uvicorn", versions="before"),
    ]
    for each in stacks:
        write_stack_result(tmp_path, stack_result(IDLE, of=each))
    assert [known.stack for known in read_stack_results(tmp_path)] == sorted(stacks)


# --- The table of outcomes.


def _rows(stack_results: list[StackResult]) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(outcomes_csv(all_outcomes(stack_results)))))


def test_the_table_has_the_columns_other_tools_rely_on() -> None:
    first = outcomes_csv([]).splitlines()[0]
    assert first == "versions,python,app,server,scenario,surface,saw,n,of"
    assert tuple(first.split(",")) == COLUMNS


def test_a_row_says_in_how_many_of_how_many_trials_a_surface_saw_it() -> None:
    (row,) = (
        row
        for row in _rows([stack_result(IDLE, IDLE_2)])
        if (row["scenario"], row["surface"]) == ("idle", "stream")
    )
    assert row == {
        "versions": "current",
        "python": "3.13",
        "app": "starlette",
        "server": "uvicorn",
        "scenario": "idle",
        "surface": "stream",
        "saw": "CancelledError",
        "n": "2",
        "of": "2",
    }


def test_the_table_is_sorted_by_its_columns_however_the_parts_come() -> None:
    stack_results = [
        stack_result(IDLE, COMPLETE, of=stack(app)) for app in ("starlette", "bare", "quart")
    ]
    rows = _rows(stack_results)
    keys = [tuple(row[column] for column in COLUMNS[:7]) for row in rows]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert outcomes_csv(all_outcomes(stack_results[::-1])) == outcomes_csv(
        all_outcomes(stack_results)
    )


def test_rows_that_come_unsorted_are_written_sorted() -> None:
    one, other = (
        Observation(stack=stack(), scenario="idle", surface=surface, saw="nothing", n=1, of=1)
        for surface in ("asgi", "stream")
    )
    assert outcomes_csv([other, one]) == outcomes_csv([one, other])


def test_a_sighting_with_a_comma_stays_one_field() -> None:
    saw = "ExceptionGroup[ValueError, OSError]"
    known = stack_result(trial("idle", "stream begin", f"stream end {saw}"))
    assert saw in {row["saw"] for row in _rows([known])}


def test_lines_end_as_diffs_like_them() -> None:
    assert "\r" not in outcomes_csv(all_outcomes([stack_result(IDLE)]))
