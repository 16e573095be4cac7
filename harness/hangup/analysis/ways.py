"""What the ways of exceptions say of claims: exception_paths in, a yes, a no or neither out. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from hangup.model import servers
from hangup.model.exception_path import SITE_PACKAGES, ExceptionPath, Frame

Ways = Mapping[str, tuple[ExceptionPath, ...]]
"""The exception_paths through the stream, its source or the endpoint, by scenario."""

_ORDINARY_ERROR = "plain-error"
_NOT_THE_FRAMEWORK = {"anyio", *(server.module for server in servers.SERVERS)}


def asked_by_another_task(ways: Ways, scenario: str) -> bool | None:
    """Whether the cancellation of the stream was asked for by another task than its own.

    What the event loop itself calls asks in no task: that does not tell who had it called.
    """
    for exception_path in ways.get(scenario, ()):
        task = exception_path.raised_in.task
        told = exception_path.raised_in.saw == "CancelledError" and exception_path.cancelled_by
        if told and task and exception_path.cancelled_in:
            return exception_path.cancelled_in != task
    return None


def passes_no_handler(ways: Ways, scenario: str) -> bool | None:
    """Whether an error keeps clear of the frames that an endpoint's error is handled by.

    Those are the frames of the framework in which an `except` took the ordinary error that a
    plain endpoint raised.
    """
    ordinary = ways.get(_ORDINARY_ERROR, ())
    handling = {_frame(frame) for each in ordinary for frame in each.frames if _handles(frame)}
    found = ways.get(scenario, ())
    if not handling or not found:
        return None
    return not any(_frame(frame) in handling for frame in found[0].frames)


def _frame(frame: Frame) -> tuple[str, str]:
    return frame.location.file, frame.location.function


def _handles(frame: Frame) -> bool:
    if frame.handler is None or not frame.handler.startswith("except"):
        return False
    file = frame.location.file
    if file.startswith(SITE_PACKAGES):
        return file.removeprefix(SITE_PACKAGES).partition("/")[0] not in _NOT_THE_FRAMEWORK
    return file.startswith("apps/") and file.count("/") == 1
