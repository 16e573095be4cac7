"""What the ways of exceptions say of claims: itineraries in, a yes, a no or neither out. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from harness import servers
from harness.itinerary import Itinerary, Stop
from harness.packages import SITE

Ways = Mapping[str, tuple[Itinerary, ...]]
"""The itineraries through the stream, its source or the endpoint, by scenario."""

_ORDINARY_ERROR = "plain-error"
_NOT_THE_FRAMEWORK = {"anyio", *(server.module for server in servers.SERVERS)}


def asked_by_another_task(ways: Ways, scenario: str) -> bool | None:
    """Whether the cancellation of the stream was asked for by another task than its own.

    What the event loop itself calls asks in no task: that does not tell who had it called.
    """
    for itinerary in ways.get(scenario, ()):
        task = itinerary.delivered.task
        told = itinerary.delivered.saw == "CancelledError" and itinerary.asked
        if told and task and itinerary.asked_in:
            return itinerary.asked_in != task
    return None


def passes_no_handler(ways: Ways, scenario: str) -> bool | None:
    """Whether an error keeps clear of the frames that an endpoint's error is handled by.

    Those are the frames of the framework in which an `except` took the ordinary error that a
    plain endpoint raised.
    """
    ordinary = ways.get(_ORDINARY_ERROR, ())
    handling = {_frame(stop) for each in ordinary for stop in each.stops if _handles(stop)}
    found = ways.get(scenario, ())
    if not handling or not found:
        return None
    return not any(_frame(stop) in handling for stop in found[0].stops)


def _frame(stop: Stop) -> tuple[str, str]:
    return stop.place.file, stop.place.function


def _handles(stop: Stop) -> bool:
    if stop.by is None or not stop.by.startswith("except"):
        return False
    file = stop.place.file
    if file.startswith(SITE):
        return file.removeprefix(SITE).partition("/")[0] not in _NOT_THE_FRAMEWORK
    return file.startswith("apps/") and file.count("/") == 1
