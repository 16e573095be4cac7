"""Results files: what is written is read again, and what is damaged is said to be."""

from __future__ import annotations

import gzip
import lzma
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest

from hangup.errors import UserError
from hangup.files import write_whole
from hangup.model.exception_path import Step
from hangup.model.trace import TRACED, Distribution
from hangup.model.vocabulary import Word
from hangup.store.formats import FORMAT
from hangup.store.results import (
    find_stack_result_path,
    metadata_json,
    read_stack_result,
    read_stack_results,
    stack_result_path,
    stack_result_paths,
    write_stack_result,
)
from tests.test_formats import HEAD, write_format_1
from tests.traces import LEAVES, stack, stack_result, trial

IDLE = trial("idle", "stream begin", LEAVES, "stream end CancelledError at an await")
IDLE_2 = trial("idle", "stream begin", LEAVES, "stream end CancelledError", repeat=2, alike=(3,))
COMPLETE = trial("complete", "stream begin", "stream end", received=("1", "2", "é\u2028\n"))
DIED = trial("ticking", LEAVES, failure=Word.SERVER_EXITED)
TRACED_IDLE = msgspec.structs.replace(
    trial(
        "idle", LEAVES, repeat=TRACED, steps=[Step(event="raised", n=1, saw="OSError", file="x.py")]
    ),
    same_as=1,
)


@pytest.fixture
def written(tmp_path: Path) -> Path:
    known = stack_result(
        COMPLETE, IDLE, IDLE_2, DIED, surfaces=["handler"], rejected_registrations={"handler": "no"}
    )
    write_stack_result(tmp_path, known)
    return stack_result_path(tmp_path, known.stack)


def format_1_path(path: Path) -> Path:
    """The file of format 1 beside a file of results."""
    return path.with_name(path.name.partition(".")[0] + ".jsonl.gz")


# --- Files.


def test_a_result_is_kept_under_its_versions_python_app_and_server(tmp_path: Path) -> None:
    path = stack_result_path(tmp_path, stack("bare", "hypercorn", versions="old", python="3.12"))
    assert path == tmp_path / "traces" / "old-py3.12" / "bare" / "hypercorn.jsonl.xz"


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    known = stack_result(
        COMPLETE,
        IDLE,
        IDLE_2,
        DIED,
        unsupported=["sync"],
        rejected_registrations={"handler": "no"},
        unattributed=["idle: error line"],
        traced=[TRACED_IDLE],
    )
    known = msgspec.structs.replace(
        known, distributions={"x.py": Distribution(name="x", version="1")}
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


def test_the_same_result_gives_the_same_bytes(tmp_path: Path) -> None:
    first = stack_result(IDLE, COMPLETE, rejected_registrations={"a": "1", "b": "2"})
    second = stack_result(COMPLETE, IDLE, rejected_registrations={"b": "2", "a": "1"})
    for directory, known in (("first", first), ("second", second)):
        write_stack_result(tmp_path / directory, known)
    assert (
        stack_result_path(tmp_path / "first", first.stack).read_bytes()
        == stack_result_path(tmp_path / "second", second.stack).read_bytes()
    )


def test_writing_what_was_read_gives_the_same_bytes(written: Path, tmp_path: Path) -> None:
    before = written.read_bytes()
    write_stack_result(tmp_path, read_stack_result(written))
    assert written.read_bytes() == before


def test_the_format_is_the_one_that_is_written(tmp_path: Path) -> None:
    older = msgspec.structs.replace(stack_result(IDLE), format=FORMAT - 1)
    write_stack_result(tmp_path, older)
    path = stack_result_path(tmp_path, older.stack)
    head = msgspec.json.decode(lzma.decompress(path.read_bytes()).splitlines()[0])
    assert head["format"] == read_stack_result(path).format == FORMAT


def test_nothing_but_the_result_is_left_in_its_directory(written: Path) -> None:
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
    return lzma.compress(b"\n".join(lzma.decompress(data).splitlines()[:-1]))


def _with_half_a_line(data: bytes) -> bytes:
    return lzma.compress(lzma.decompress(data)[:-20])


def _with_last_line(line: bytes) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        return lzma.compress(b"\n".join([*lzma.decompress(data).splitlines()[:-1], line]))

    return change


def _with_head(**changed: object) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        head, *lines = lzma.decompress(data).splitlines()
        fields = msgspec.json.decode(head) | changed
        return lzma.compress(b"\n".join([msgspec.json.encode(fields), *lines]))

    return change


def _without_field_of_head(name: str) -> Callable[[bytes], bytes]:
    def change(data: bytes) -> bytes:
        head, *lines = lzma.decompress(data).splitlines()
        fields = msgspec.json.decode(head)
        del fields[name]
        return lzma.compress(b"\n".join([msgspec.json.encode(fields), *lines]))

    return change


def _with_flipped_bits(data: bytes) -> bytes:
    middle = len(data) // 2
    return data[:middle] + bytes([data[middle] ^ 0xFF]) + data[middle + 1 :]


DAMAGES: list[tuple[str, Callable[[bytes], bytes], str]] = [
    ("empty", lambda data: b"", "damaged"),
    ("not compressed", lambda data: b"not xz at all", "damaged"),
    ("compressed otherwise", lambda data: gzip.compress(lzma.decompress(data)), "damaged"),
    ("cut off", lambda data: data[: len(data) // 2], "damaged"),
    ("without its last bytes", lambda data: data[:-3], "damaged"),
    ("with flipped bits", _with_flipped_bits, "damaged"),
    ("nothing, compressed", lambda data: lzma.compress(b""), "damaged"),
    ("without its last trial", _without_last_line, "has 3 of its 4 trials"),
    ("with half a trial", _with_half_a_line, "damaged"),
    ("with a trial that is a list", _with_last_line(b"[1]"), "damaged"),
    ("no JSON", lambda data: lzma.compress(b"[\n"), "damaged"),
    ("JSON of another kind", lambda data: lzma.compress(b"[1]\n"), "damaged"),
    ("not UTF-8", lambda data: lzma.compress(b'{"format": "\xff"}\n'), "damaged"),
    ("with a stack of another kind", _with_head(stack="bare"), "damaged"),
    ("with a number of trials that is none", _with_head(trials="4"), "damaged"),
    ("without its number of trials", _without_field_of_head("trials"), "damaged"),
    ("without its stack", _without_field_of_head("stack"), "damaged"),
    (
        "of a newer format",
        _with_head(format=FORMAT + 1, stack="unheard of"),
        f"has results format {FORMAT + 1}, this hangup reads up to {FORMAT}",
    ),
    (
        "of a newer format, with trials it cannot read",
        lambda data: _with_head(format=FORMAT + 1)(_with_half_a_line(data)),
        f"has results format {FORMAT + 1}, this hangup reads up to {FORMAT}",
    ),
]


@pytest.mark.parametrize(
    ("damage", "said"), [damage[1:] for damage in DAMAGES], ids=[damage[0] for damage in DAMAGES]
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
    with pytest.raises(UserError, match=r"nowhere\.jsonl\.xz"):
        read_stack_result(tmp_path / "nowhere.jsonl.xz")


def test_a_directory_without_results_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"There are no results in .*; `hangup run` makes"):
        read_stack_results(tmp_path)


def test_results_are_read_sorted_by_stack(tmp_path: Path) -> None:
    stacks = [
        stack("quart", "hypercorn"),
        stack("bare", "uvicorn-fast"),
        stack("bare", "uvicorn"),
        stack("starlette", "uvicorn", versions="before"),
    ]
    for of in stacks:
        write_stack_result(tmp_path, stack_result(IDLE, of=of))
    assert [known.stack for known in read_stack_results(tmp_path)] == sorted(stacks)


# --- Beside files of format 1.


def test_writing_a_result_removes_its_file_of_format_1_and_no_other(tmp_path: Path) -> None:
    directory = tmp_path / "traces" / "current-py3.13" / "starlette"
    directory.mkdir(parents=True)
    for server in ("uvicorn", "hypercorn"):
        (directory / f"{server}.jsonl.gz").write_bytes(b"older")
    write_stack_result(tmp_path, stack_result(IDLE, of=stack("starlette", "uvicorn")))
    assert sorted(path.name for path in directory.iterdir()) == [
        "hypercorn.jsonl.gz",
        "uvicorn.jsonl.xz",
    ]


def test_a_file_of_format_1_is_found_only_where_there_is_none_of_today(tmp_path: Path) -> None:
    of = stack("bare")
    write_stack_result(tmp_path, stack_result(IDLE, of=of))
    written = stack_result_path(tmp_path, of)
    older, newer = format_1_path(written), written.read_bytes()
    write_format_1(older, HEAD | {"stack": msgspec.to_builtins(of)})
    assert stack_result_path(tmp_path, of) == written
    assert stack_result_paths(tmp_path) == [written]
    written.unlink()
    assert stack_result_path(tmp_path, of) == older
    assert stack_result_paths(tmp_path) == [older]
    written.write_bytes(newer)
    assert read_stack_results(tmp_path)[0].trials == (IDLE,)


@pytest.fixture
def renamed(tmp_path: Path) -> Path:
    """A file of format 1 whose stack has another name today, and its name is another stack's."""
    path = tmp_path / "traces" / "current-py3.13" / "starlette" / "uvicorn.jsonl.gz"
    write_format_1(path)
    return path


def test_a_stack_that_was_renamed_is_found_where_it_was_written(
    tmp_path: Path, renamed: Path
) -> None:
    assert stack_result_path(tmp_path, stack("starlette+function-middleware")) == renamed
    assert not stack_result_path(tmp_path, stack("starlette")).exists()
    assert find_stack_result_path(tmp_path, stack("starlette")) is None


def test_what_has_the_name_of_a_stack_that_was_renamed_does_not_replace_it(
    tmp_path: Path, renamed: Path
) -> None:
    write_stack_result(tmp_path, stack_result(IDLE, of=stack("starlette")))
    names = [result.stack.app for result in read_stack_results(tmp_path)]
    assert names == ["starlette", "starlette+function-middleware"]
    assert not renamed.exists()


def test_a_stack_that_was_renamed_is_replaced_when_it_is_measured_again(
    tmp_path: Path, renamed: Path
) -> None:
    again = stack_result(IDLE, of=stack("starlette+function-middleware"))
    write_stack_result(tmp_path, again)
    assert read_stack_results(tmp_path) == [again]
    assert not renamed.exists()


# --- The heads of all results.


def test_the_metadata_are_the_heads_without_the_distributions() -> None:
    known = msgspec.structs.replace(
        stack_result(IDLE, IDLE_2, traced=[TRACED_IDLE]),
        distributions={"x.py": Distribution(name="x", version="1")},
    )
    text = metadata_json([known, stack_result(of=stack("bare"))])
    first, second = msgspec.json.decode(text)
    assert (first["stack"]["app"], second["stack"]["app"]) == ("starlette", "bare")
    assert (first["trials"], first["traced"]) == (3, 1)
    assert first["format"] == FORMAT
    assert first["latency"] == {"own_ns": [3, 4], "bare_ns": [1, 2]}
    assert "distributions" not in first
    assert text.endswith(b"\n")
