"""The agent's events are read while they are written, and sorted by trial."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from hangup.model.trace import Event
from hangup.runner.trace_tail import TraceTail


class AgentFile:
    """A file that an agent appends to, and its tail."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._written = path.open("ab", buffering=0)
        self._read = path.open("rb", buffering=0)
        self.tail = TraceTail(self._read)

    def write(self, data: bytes) -> None:
        self._written.write(data)

    def close(self) -> None:
        self._written.close()
        self._read.close()


@pytest.fixture
def agent(tmp_path: Path) -> Iterator[AgentFile]:
    file = AgentFile(tmp_path / "events.jsonl")
    yield file
    file.close()


def line(trial: str | None, surface: str, event: str, **fields: object) -> bytes:
    about = {"t": 1, "trial": trial, "surface": surface, "event": event}
    return json.dumps(about | fields).encode() + b"\n"


def an_event(surface: str, event: str, **fields: str) -> Event:
    return Event(t_ns=1, surface=surface, event=event, **fields)  # type: ignore[arg-type]


def test_events_are_sorted_by_trial(agent: AgentFile) -> None:
    agent.write(line("a-1", "asgi", "begin") + line("b-1", "asgi", "begin"))
    agent.write(line("a-1", "stream", "end", saw="CancelledError", at="await"))
    assert agent.tail.read()
    assert agent.tail.events_of("a-1") == [
        an_event("asgi", "begin"),
        an_event("stream", "end", saw="CancelledError", at="await"),
    ]
    assert agent.tail.events_of("b-1") == [an_event("asgi", "begin")]
    assert agent.tail.unattributed_events == []


def test_what_belongs_to_no_trial_is_kept_apart(agent: AgentFile) -> None:
    agent.write(line(None, "process", "loaded") + line("a-1", "asgi", "begin"))
    agent.tail.read()
    assert agent.tail.unattributed_events == [an_event("process", "loaded")]


def test_a_line_that_is_not_whole_waits_for_the_rest(agent: AgentFile) -> None:
    whole = line("a-1", "asgi", "begin") + line("a-1", "asgi", "end")
    for at in range(len(whole)):
        agent.write(whole[at : at + 1])
        assert agent.tail.read()
        written = whole[: at + 1].count(b"\n")
        assert len(agent.tail.events_of("a-1")) == written
    assert [event.event for event in agent.tail.events_of("a-1")] == ["begin", "end"]


def test_nothing_new_is_nothing(agent: AgentFile) -> None:
    assert not agent.tail.read()
    agent.write(line("a-1", "asgi", "begin"))
    assert agent.tail.read()
    assert not agent.tail.read()
    assert len(agent.tail.events_of("a-1")) == 1


def test_a_trial_that_is_over_is_forgotten(agent: AgentFile) -> None:
    agent.write(line("a-1", "asgi", "begin") + line("b-1", "asgi", "begin"))
    agent.write(line("a-1", "path", "raised", n=1, saw="ValueError", frame=1))
    agent.tail.read()
    agent.tail.forget("a-1")
    assert agent.tail.events_of("a-1") == []
    assert agent.tail.steps_of("a-1") == []
    assert len(agent.tail.events_of("b-1")) == 1


def test_steps_are_no_events(agent: AgentFile) -> None:
    agent.write(line("a-1", "path", "raised", n=1, saw="ValueError", frame=7, function="f"))
    agent.tail.read()
    assert agent.tail.events_of("a-1") == []
    (step,) = agent.tail.steps_of("a-1")
    assert (step.event, step.n, step.saw, step.frame, step.function) == (
        "raised", 1, "ValueError", 7, "f",
    )  # fmt: skip


@pytest.mark.parametrize("written", [b"", b"Traceback:", b'{"t": 1, "tri', b'{"t": "\xff"}'])
def test_a_line_that_is_not_whole_is_counted_and_passed_over(
    agent: AgentFile, written: bytes
) -> None:
    agent.write(written + b"\n" + line("a-1", "asgi", "begin"))
    agent.tail.read()
    assert agent.tail.damaged_lines == 1
    assert len(agent.tail.events_of("a-1")) == 1
