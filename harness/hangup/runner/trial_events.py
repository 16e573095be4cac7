"""How far a trial under way has come, by its events. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from hangup.model.script import Script
from hangup.model.trace import Event
from hangup.model.vocabulary import SPANS, Surface

_NOTIFIED = (Surface.STREAM, Surface.CLEANUP)
"""Where it shows that clean-up has been called for."""


def all_ended(events: Sequence[Event], *, cleans_up: bool) -> bool:
    """Whether everything that was begun has ended, and nothing more can be expected.

    With `cleans_up`, clean-up that the stream was notified to do and has not begun is expected.
    """
    under_way: Counter[str] = Counter()
    for event in events:
        if event.surface in SPANS and event.event in ("begin", "end"):
            under_way[event.surface] += 1 if event.event == "begin" else -1
    notified = any(event.surface in _NOTIFIED and event.event == "saw" for event in events)
    if cleans_up and notified and Surface.CLEANUP not in under_way:
        return False
    return Surface.ASGI in under_way and not any(under_way.values())


def script_has_ended(script: Script, events: Sequence[Event]) -> bool:
    """Whether the endpoint or the source has done what the script has it do to end the response.

    If not, that nothing was observed means nothing.
    """
    if script.timeout_ms:
        return is_waiting(events)
    surface = Surface.ENDPOINT if script.endpoint != "go-on" else Surface.SOURCE
    return any(event.surface == surface and event.event == "end" for event in events)


def is_waiting(events: Sequence[Event]) -> bool:
    """Whether a stream, source or endpoint has reported that it waits without end."""
    return any(event.event == "waiting" for event in events)


def is_sending(events: Sequence[Event]) -> bool:
    """Whether a `send()` has not returned."""
    sends = [event.event for event in events if event.surface == Surface.SEND]
    return bool(sends) and sends[-1] == "begin"


def source_is_running(events: Sequence[Event]) -> bool:
    """Whether the source has begun and not ended."""
    source = [event.event for event in events if event.surface == Surface.SOURCE]
    return "begin" in source and "end" not in source
