"""The surface `error-report`: what an error reporter was sent, by exception type."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qs

from hangup.agent import probe
from hangup.agent.server_log import ERROR_LINE


def report(event: Mapping[str, Any]) -> None:
    """Report an event of the Sentry SDK.

    What it says of an exception is its type, that of the outermost one if several are chained or
    grouped (Sentry's developer documentation, "Exception Interface": the last of the list, or
    the one without a parent).
    """
    exceptions = (event.get("exception") or {}).get("values") or []
    message = (event.get("logentry") or {}).get("message") or event.get("message")
    probe.record(
        _trial(event),
        "error-report",
        "saw",
        saw=_outermost(exceptions)["type"] if exceptions else ERROR_LINE,
        detail=None if message is None else str(message)[: probe.MAX_MESSAGE],
    )


def _outermost(exceptions: list[dict[str, Any]]) -> dict[str, Any]:
    for exception in exceptions:
        mechanism = exception.get("mechanism") or {}
        if mechanism.get("exception_id") == 0:
            return exception
    return exceptions[-1]


def _trial(event: Mapping[str, Any]) -> str | None:
    """The trial of the request that is named in the event, or else of the current one."""
    query = parse_qs(str((event.get("request") or {}).get("query_string") or ""))
    if "trial" in query:
        return query["trial"][0]
    return probe.trial_of_request.get()
