"""Which steps are written, in which order: exceptions are reported to the tracer by hand."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any

import pytest

from hangup.agent import probe
from hangup.agent.exception_tracer import paths
from tests.agent_trace import AgentTrace


@pytest.fixture(autouse=True)
def this_file_knows_its_trial(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(paths, "_trial_aware", ())
    paths.set_trial_aware([Path(__file__).parent])
    monkeypatch.setattr(paths, "_steps_written", Counter())
    probe.trial_of_request.set(None)


def passes(error: BaseException, frame: FrameType) -> paths.TracedException | None:
    """Report that an exception is raised in a frame and leaves it."""
    exception = paths.raised(error, frame, 1)
    if exception is not None:
        paths.left(exception, frame, 1)
    return exception


def raised_without_a_trial(error: BaseException) -> paths.TracedException | None:
    return passes(error, sys._getframe())


def raised_in_the_trial(error: BaseException) -> paths.TracedException | None:
    trial = "t"  # noqa: F841 - read by the tracer
    return passes(error, sys._getframe())


def steps(trace: AgentTrace) -> list[tuple[str, str]]:
    """The steps in short, without those at which a frame is left."""
    return [(e["event"], e["saw"]) for e in trace.events if e["event"] != "left"]


def caused_by(other: BaseException) -> BaseException:
    error = KeyError()
    error.__cause__ = other
    return error


def in_context_of(other: BaseException) -> BaseException:
    error = KeyError()
    error.__context__ = other
    return error


def group_of(other: BaseException) -> BaseException:
    return BaseExceptionGroup("", [OSError(), other])


REASONS: dict[str, Callable[[BaseException], BaseException]] = {
    "cause": caused_by,
    "context": in_context_of,
    "member": group_of,
}


@pytest.mark.parametrize("how", REASONS)
def test_what_an_exception_names_as_its_reason_is_written_before_it(
    trace: AgentTrace, how: str
) -> None:
    other = ValueError()
    raised_without_a_trial(other)
    error = REASONS[how](other)
    raised_in_the_trial(error)
    name = probe.name(error)
    assert steps(trace) == [("raised", "ValueError"), ("replaces", name), ("raised", name)]
    (replaces,) = (event for event in trace.events if event["event"] == "replaces")
    assert (replaces["of"], replaces["at"]) == (trace.events[0]["n"], how)


def test_what_is_being_handled_is_replaced_even_if_the_exception_was_raised_before(
    trace: AgentTrace,
) -> None:
    error, other = KeyError(), ValueError()
    raised_in_the_trial(error)
    raised_in_the_trial(other)
    try:
        raise other
    except ValueError:
        raised_in_the_trial(error)
    assert steps(trace) == [
        ("raised", "KeyError"),
        ("raised", "ValueError"),
        ("replaces", "KeyError"),
        ("raised", "KeyError"),
    ]


def test_an_exception_does_not_refer_to_one_that_is_not_written(trace: AgentTrace) -> None:
    error, other = KeyError(), ValueError()
    raised_in_the_trial(error)
    raised_without_a_trial(other)
    try:
        raise other
    except ValueError:
        raised_in_the_trial(error)
    assert {saw for _, saw in steps(trace)} == {"KeyError"}
    assert "replaces" not in {event for event, _ in steps(trace)}


def test_an_exception_that_never_comes_to_its_trial_is_not_written(
    trace: AgentTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    error = ValueError()
    raised_without_a_trial(error)
    paths.set_trial_aware([Path("/somewhere/else")])
    raised_in_the_trial(error)
    assert trace.events == []


def test_the_context_of_the_request_tells_the_trial(trace: AgentTrace) -> None:
    probe.trial_of_request.set("of the context")
    raised_without_a_trial(ValueError())
    assert {event["trial"] for event in trace.events} == {"of the context"}


@pytest.mark.parametrize("error", [StopIteration(), StopAsyncIteration()])
def test_the_end_of_an_iteration_is_not_traced(trace: AgentTrace, error: Exception) -> None:
    assert raised_in_the_trial(error) is None
    assert trace.events == []


def test_an_exception_is_raised_once_in_a_frame_until_it_has_left_it(trace: AgentTrace) -> None:
    trial = "t"  # noqa: F841
    error, frame = ValueError(), sys._getframe()
    exception = paths.raised(error, frame, 1)
    assert exception is not None
    paths.handled(exception, frame, 2)
    paths.raised(error, frame, 3)
    paths.left(exception, frame, 1)
    paths.raised(error, frame, 4)
    assert [(event["event"], event["line"]) for event in trace.events] == [
        ("raised", 1),
        ("handled", 2),
        ("left", 1),
        ("raised", 4),
    ]


def test_no_more_than_a_number_of_steps_is_written_for_a_trial(
    trace: AgentTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(paths, "MAX_STEPS", 3)
    for _ in range(5):
        raised_in_the_trial(ValueError())
    assert len(trace.events) == 3


def test_tracing_does_not_refer_to_the_exception_or_its_frames() -> None:
    exception = raised_in_the_trial(ValueError())
    kept = vars(exception).values()
    assert not any(isinstance(value, BaseException | FrameType) for value in kept)


def test_every_step_has_the_number_and_the_name_of_its_exception(trace: AgentTrace) -> None:
    errors: list[BaseException] = [ValueError(), KeyError()]
    known: list[Any] = [raised_in_the_trial(error) for error in errors]
    assert {(event["n"], event["saw"]) for event in trace.events} == {
        (known[0].number, "ValueError"),
        (known[1].number, "KeyError"),
    }
    assert known[0].number != known[1].number
