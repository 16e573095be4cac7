"""What the probe records, and that it never raises into the app."""

from __future__ import annotations

import asyncio
import errno
import io
import json
import os
from collections.abc import Callable
from contextlib import suppress

import pytest

from apps.common import AppError
from hangup.agent import probe
from hangup.model.vocabulary import Word
from hangup.runner.trace_tail import TraceTail
from tests.agent_trace import AgentTrace


@pytest.mark.parametrize(
    ("error", "named"),
    [
        (ValueError("x"), "ValueError"),
        (asyncio.CancelledError(), "CancelledError"),
        (GeneratorExit(), "GeneratorExit"),
        (ExceptionGroup("x", [ValueError(), OSError()]), "ExceptionGroup[ValueError, OSError]"),
        (
            BaseExceptionGroup("x", [ExceptionGroup("y", [AppError()]), KeyboardInterrupt()]),
            "BaseExceptionGroup[ExceptionGroup[AppError], KeyboardInterrupt]",
        ),
    ],
)
def test_an_exception_is_named_by_its_type_and_a_group_by_its_members(
    error: BaseException, named: str
) -> None:
    assert probe.name(error) == named


def test_a_line_has_time_trial_surface_event_and_the_fields_that_are_given(
    trace: AgentTrace,
) -> None:
    probe.record("idle-1", "send", "end", n=3, saw=None, detail="ünï\ncode")
    (event,) = trace.events
    assert isinstance(event.pop("t"), int)
    assert event == {
        "trial": "idle-1",
        "surface": "send",
        "event": "end",
        "n": 3,
        "detail": "ünï\ncode",
    }


def test_the_end_of_a_span_without_an_exception_has_no_further_fields(trace: AgentTrace) -> None:
    with probe.Span("t", "endpoint"):
        pass
    assert trace.of("endpoint") == ["begin", "end"]


@pytest.mark.parametrize("at", ["await", "yield"])
def test_a_span_that_raises_records_the_exception_and_whether_at_yield_or_await(
    trace: AgentTrace, at: str
) -> None:
    with suppress(ValueError), probe.Span("t", "stream") as here:
        here.at = at
        raise ValueError("why")
    assert trace.of("stream") == ["begin", f"end ValueError at {at}"]
    assert trace.events[-1]["detail"] == "why"


def test_a_rejected_registration_is_recorded_and_not_raised(trace: AgentTrace) -> None:
    with probe.optional_registration("handler-cancelled"):
        raise TypeError("no such thing")
    with probe.optional_registration("handler-cancelled"):
        pass
    assert trace.of("handler-cancelled") == ["rejected TypeError"]


def test_a_hook_is_recorded_with_its_exception_or_as_called(trace: AgentTrace) -> None:
    probe.saw("hook:after")
    probe.saw("hook:after", ValueError())
    assert trace.of("hook:after") == [f"saw {Word.CALLED}", "saw ValueError"]


class UnprintableError(Exception):
    def __str__(self) -> str:
        raise RuntimeError("not even this")


REPORTS: list[Callable[[], object]] = [
    lambda: probe.record("t", "stream", "begin"),
    lambda: probe.record("t", "stream", "begin", detail=object()),
    lambda: probe.saw("handler", UnprintableError()),
    lambda: probe.span("endpoint").__exit__(UnprintableError, UnprintableError(), None),
    lambda: probe.span("endpoint").caught(UnprintableError()),
]


@pytest.mark.parametrize("report", REPORTS)
def test_recording_never_raises_whatever_is_recorded(
    trace: AgentTrace, report: Callable[[], object]
) -> None:
    report()


@pytest.mark.parametrize("descriptor", [-1, None])
@pytest.mark.parametrize("report", REPORTS)
def test_recording_never_raises_if_the_file_cannot_be_written(
    monkeypatch: pytest.MonkeyPatch, report: Callable[[], object], descriptor: int | None
) -> None:
    monkeypatch.setattr(probe, "_trace", descriptor)
    monkeypatch.setattr(probe, "_line_lost", False)
    report()


@pytest.mark.parametrize("written", [0, 10, None], ids=["nothing", "half a line", "no space"])
def test_a_line_that_was_not_written_whole_does_not_run_into_the_next_one(
    trace: AgentTrace, monkeypatch: pytest.MonkeyPatch, written: int | None
) -> None:
    write = os.write

    def write_on_a_full_disk(descriptor: int, data: bytes) -> int:
        if written is None:
            raise OSError(errno.ENOSPC, "No space left on device")
        return write(descriptor, data[:written])

    with monkeypatch.context() as full:
        full.setattr(os, "write", write_on_a_full_disk)
        probe.record("t", "stream", "begin")
    for _ in range(2):
        probe.record("t", "stream", "end")
    cut_off, *others = trace.path.read_bytes().splitlines()
    assert len(cut_off) == (written or 0)
    assert [json.loads(line)["event"] for line in others] == ["end", "end"]
    tail = TraceTail(io.BytesIO(trace.path.read_bytes()))
    tail.read()
    assert tail.damaged_lines == 1
    assert len(tail.events_of("t")) == 2


def test_a_registration_rejected_with_an_unprintable_exception_is_recorded(
    trace: AgentTrace,
) -> None:
    with probe.optional_registration("handler"):
        raise UnprintableError
    assert trace.of("handler") == ["rejected UnprintableError"]
