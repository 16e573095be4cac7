"""Results in formats that this hangup no longer writes."""

from __future__ import annotations

import gzip
import lzma
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hangup.analysis.outcomes import StackOutcomes
from hangup.errors import UserError
from hangup.model.exception_path import Step
from hangup.model.trace import Distribution, Environment, Event, Latency, StackResult, Trial
from hangup.model.vocabulary import Surface, Word
from hangup.store.formats import FORMAT
from hangup.store.results import read_stack_result, stack_result_path, write_stack_result
from tests.traces import stack

HEAD: dict[str, Any] = {
    "command": "python -m uvicorn",
    "date": "2025-01-31",
    "environment": {
        "cores": 2,
        "cpu": "a CPU",
        "os": "an OS",
        "packages": {"uvicorn": "1.0"},
        "python": "CPython 3.13.0",
    },
    "followed": 1,
    "format": 1,
    "hangup": "0.1.0",
    "lacks": ["sync"],
    "latency": {"bare_ns": [1, 2], "own_ns": [3, 4]},
    "origins": {"site-packages/x/y.py": {"name": "x", "repository": None, "version": "1"}},
    "refused": {"handler-cancelled": "TypeError: no"},
    "repeats": 1,
    "run": "0badcafe",
    "sources": "0123456789abcdef",
    "stack": {"app": "starlette", "python": "3.13", "server": "uvicorn", "versions": "current"},
    "surfaces": ["handler", "handler-cancelled"],
    "title": "an app made up for a test",
    "trials": 4,
    "unattributed": ["idle: error line"],
    "window_s": 2.0,
}
"""The head of a file as hangup 0.1.0 wrote it."""

POLLING: dict[str, Any] = {
    "scenario": "polling",
    "repeat": 1,
    "left_ns": 3,
    "closed_ns": 9,
    "events": [
        [1, "stream", "begin"],
        [2, "is_disconnected", "begin"],
        [3, "client", "leaves"],
        [4, "is_disconnected", "saw", "said so"],
        [5, "server-log", "saw", "said so", None, None, "a line that says so"],
        [6, "stream", "end"],
    ],
}
TRIALS: list[dict[str, Any]] = [
    {"scenario": "idle", "repeat": 1, "failure": "could not start", "note": "no such module"},
    {"scenario": "idle", "repeat": 2, "failure": "server died", "note": "exit code 1"},
    {"scenario": "idle", "repeat": 3, "failure": "state not reached"},
    POLLING,
]
TRACED: dict[str, Any] = {
    "scenario": "idle",
    "repeat": 0,
    "left_ns": 3,
    "closed_ns": 9,
    "events": [[1, "stream", "begin"], [3, "client", "leaves"]],
    "path": [
        ["asked", 1, "CancelledError", 0, "cancel", "python3.13/asyncio/tasks.py", 7, "a#1"],
        ["raised", 1, "CancelledError", 2, "stream", "apps/subject/service.py", 109, "b#2"],
    ],
}


def write_format_1(
    path: Path, head: dict[str, Any] = HEAD, trials: list[dict[str, Any]] | None = None
) -> None:
    """A file as hangup 0.1.0 wrote it."""
    lines = [head, *([*TRIALS, TRACED] if trials is None else trials)]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(b"\n".join(map(msgspec.json.encode, lines)) + b"\n", mtime=0))


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A file of format 1 among results."""
    path = tmp_path / "traces" / "current-py3.13" / "starlette" / "uvicorn.jsonl.gz"
    write_format_1(path)
    return path


@pytest.fixture
def read(path: Path) -> StackResult:
    return read_stack_result(path)


def test_the_head_of_format_1_is_read_with_todays_names(read: StackResult) -> None:
    assert msgspec.structs.replace(read, trials=(), traced=()) == StackResult(
        format=FORMAT,
        stack=stack("starlette+function-middleware"),
        title="an app made up for a test",
        surfaces=("handler", "handler-cancelled"),
        unsupported=("sync",),
        rejected_registrations={"handler-cancelled": "TypeError: no"},
        run="0badcafe",
        date="2025-01-31",
        hangup="0.1.0",
        window_s=2.0,
        repeats=1,
        command="python -m uvicorn",
        code_hash="0123456789abcdef",
        environment=Environment(
            python="CPython 3.13.0", packages={"uvicorn": "1.0"}, os="an OS", cpu="a CPU", cores=2
        ),
        latency=Latency(own_ns=(3, 4), bare_ns=(1, 2)),
        unattributed=("idle: error line",),
        distributions={"site-packages/x/y.py": Distribution(name="x", version="1")},
    )


def test_failures_of_format_1_are_read_as_todays_words(read: StackResult) -> None:
    assert [trial.failure for trial in read.trials] == [
        Word.FAILED_TO_START,
        Word.SERVER_EXITED,
        Word.NOT_REACHED,
        None,
    ]
    assert read.trials[0].note == "no such module"


def test_an_answer_of_format_1_is_read_as_todays_word_on_its_surface_only(
    read: StackResult,
) -> None:
    saws = {(event.surface, event.saw) for event in read.trials[3].events if event.saw}
    assert saws == {
        (Surface.IS_DISCONNECTED, Word.RETURNED_TRUE),
        (Surface.SERVER_LOG, "said so"),
    }


def test_events_of_format_1_are_read_as_they_are(read: StackResult) -> None:
    first, *_, last = read.trials[3].events
    assert first == Event(t_ns=1, surface="stream", event="begin")
    assert last == Event(t_ns=6, surface="stream", event="end")
    assert read.trials[3].events[4].detail == "a line that says so"


def test_steps_of_format_1_are_read_with_todays_names(read: StackResult) -> None:
    (traced,) = read.traced
    assert traced.steps == (
        Step(
            event="cancelled-by",
            n=1,
            saw="CancelledError",
            frame=0,
            function="cancel",
            file="python3.13/asyncio/tasks.py",
            line=7,
            task="a#1",
        ),
        Step(
            event="raised",
            n=1,
            saw="CancelledError",
            frame=2,
            function="stream",
            file="apps/subject/service.py",
            line=109,
            task="b#2",
        ),
    )
    assert [event.event for event in traced.events] == ["begin", "leaves"]


def test_results_of_format_1_are_classified_as_if_they_were_written_today(
    read: StackResult,
) -> None:
    outcomes = StackOutcomes(read)
    (polling,) = outcomes.of("polling")
    assert polling.saws["is_disconnected"] == (Word.RETURNED_TRUE,)
    assert polling.saws["stream-end"] == (Word.ENDED_ITSELF,)
    assert polling.saws["handler-cancelled"] == (Word.REJECTED,)
    (path,) = outcomes.exception_paths["idle"]
    assert [location.function for location in path.cancelled_by] == ["cancel"]


def test_a_file_of_format_1_without_traced_trials_is_read(path: Path) -> None:
    head = {name: value for name, value in HEAD.items() if name != "followed"}
    write_format_1(path, head, TRIALS)
    result = read_stack_result(path)
    assert (len(result.trials), result.traced) == (4, ())


def test_what_was_read_in_format_1_is_written_in_todays(path: Path, read: StackResult) -> None:
    results = path.parents[3]
    assert stack_result_path(results, read.stack) == path
    write_stack_result(results, read)
    assert not path.exists()
    today = stack_result_path(results, read.stack)
    assert today.name == "uvicorn.jsonl.xz"
    assert read_stack_result(today) == read


def test_what_is_written_today_has_no_names_of_format_1(tmp_path: Path, read: StackResult) -> None:
    write_stack_result(tmp_path, read)
    text = lzma.decompress(stack_result_path(tmp_path, read.stack).read_bytes()).decode()
    for old in ("lacks", "refused", "sources", "origins", "followed", "path", "asked"):
        assert f'"{old}"' not in text
    assert "could not start" not in text
    assert "server died" not in text


# --- Damaged files of format 1.


def _cut_off(data: bytes) -> bytes:
    return data[: len(data) // 2]


def _with(trial: object) -> Any:
    def change(data: bytes) -> bytes:
        head, *lines = gzip.decompress(data).splitlines()
        return gzip.compress(b"\n".join([head, *lines[:-1], msgspec.json.encode(trial)]))

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (_cut_off, "damaged"),
        (lambda data: data[:-3], "damaged"),
        (lambda data: b"", "damaged"),
        (lambda data: data[:40] + bytes([data[40] ^ 0xFF]) * 9 + data[49:], "damaged"),
        (lambda data: gzip.compress(gzip.decompress(data)[:-20]), "damaged"),
        (_with([1]), "damaged"),
        (_with(1), "damaged"),
        (_with(TRACED | {"path": [[]]}), "damaged"),
        (_with(TRACED | {"path": [1]}), "damaged"),
        (_with(TRACED | {"events": [1]}), "damaged"),
        (_with(TRACED | {"events": None}), "damaged"),
        (
            lambda data: gzip.compress(b"\n".join(gzip.decompress(data).splitlines()[:-1])),
            "has 4 of its 5 trials",
        ),
    ],
)
def test_a_damaged_file_of_format_1_is_named_in_a_sentence(
    path: Path, change: Any, said: str
) -> None:
    path.write_bytes(change(path.read_bytes()))
    with pytest.raises(UserError) as raised:
        read_stack_result(path)
    message = str(raised.value)
    assert message.startswith(f"{path} ")
    assert said in message
    again = "`hangup run --versions current --python 3.13 --app starlette --server uvicorn`"
    assert message.endswith(f"{again} measures it again.")


def test_a_trial_without_events_is_read(path: Path) -> None:
    write_format_1(path, HEAD | {"trials": 1, "followed": 0}, [{"scenario": "idle", "repeat": 1}])
    assert read_stack_result(path).trials == (Trial(scenario="idle", repeat=1),)
