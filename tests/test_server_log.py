"""Which errors the agent reports of those that the process logs or prints."""

from __future__ import annotations

import gc
import logging
import sys
from collections.abc import Iterator

import pytest

from hangup.agent import probe, server_log
from hangup.model.vocabulary import Word
from tests.agent_trace import AgentTrace


@pytest.fixture
def reported(trace: AgentTrace, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentTrace]:
    before = logging.getLogRecordFactory()
    monkeypatch.setattr(sys, "unraisablehook", lambda unraisable: None)
    server_log.report_errors()
    yield trace
    logging.setLogRecordFactory(before)


LOG = logging.getLogger("a server")


def test_a_logged_exception_is_reported_by_its_type(reported: AgentTrace) -> None:
    try:
        raise ValueError("why")
    except ValueError:
        LOG.exception("it failed")
    assert reported.of("server-log") == ["saw ValueError"]
    assert reported.events[0]["detail"] == "a server: it failed"


def test_a_logged_error_without_an_exception_is_reported_as_an_error_line(
    reported: AgentTrace,
) -> None:
    LOG.error("it failed")
    assert reported.of("server-log") == [f"saw {Word.ERROR_LINE}"]


def test_a_warning_is_not_reported(reported: AgentTrace) -> None:
    LOG.warning("it is about to fail")
    assert reported.of("server-log") == []


def test_an_unraisable_exception_is_reported(reported: AgentTrace) -> None:
    class Stubborn:
        def __del__(self) -> None:
            raise ValueError("at the very end")

    Stubborn()
    gc.collect()
    assert reported.of("server-log") == ["saw ValueError"]


class Litter:
    def __init__(self) -> None:
        self.itself = self

    def __del__(self) -> None:
        LOG.error("left behind")


def test_an_error_logged_during_garbage_collection_belongs_to_no_trial(
    reported: AgentTrace,
) -> None:
    probe.trial_of_request.set("t")
    Litter().itself = None  # type: ignore[assignment]
    Litter()
    gc.collect()
    assert [event["trial"] for event in reported.events] == ["t", None]


@pytest.mark.parametrize("message", ["", "\n"])
def test_an_error_with_an_empty_message_is_reported(reported: AgentTrace, message: str) -> None:
    LOG.error(message)
    assert reported.of("server-log") == [f"saw {Word.ERROR_LINE}"]


def test_a_message_that_does_not_fit_its_arguments_raises_nothing(
    reported: AgentTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logging, "raiseExceptions", False)
    LOG.error("%d of them", "none")
