"""The server-sent events of a response, counted as they arrive; the first ones are also kept.

Counting is all that is done while they arrive: when a client leaves must not depend on how long
decoding takes, and a flood must cost no more than reading it. What is kept is decoded by httpx-sse,
whose public interface reads whole responses; its incremental decoder is private.
"""

from __future__ import annotations

import httpx
import httpx_sse

KEPT_BYTES = 65536
"""So many bytes of whole events are kept; all events are counted."""

# A blank line is two line ends in a row (HTML, 9.2.5 "Parsing an event stream"). Of `\r\n\r\n`
# the last `\n` is left for the next event, before which an empty line means nothing.
_BLANK_LINES = (b"\n\n", b"\n\r", b"\r\r")


class EventStream:
    """An event stream that is read as it arrives."""

    def __init__(self) -> None:
        self.count = 0
        """How many whole events have arrived. One without data is none (HTML, 9.2.6)."""
        self._kept = bytearray()
        self._keeps = True
        self._unfinished = bytearray()

    @property
    def data(self) -> tuple[str, ...]:
        """The data of the first events: of those that are within `KEPT_BYTES` together."""
        headers = {"content-type": "text/event-stream"}
        response = httpx.Response(200, headers=headers, content=bytes(self._kept))
        return tuple(sse.data for sse in httpx_sse.EventSource(response).iter_sse() if sse.data)

    def feed(self, data: bytes) -> None:
        """Take what has arrived, cut wherever it may be."""
        searched = max(0, len(self._unfinished) - 1)
        self._unfinished += data
        end = _end_of_events(self._unfinished, searched)
        if end:
            events = bytes(self._unfinished[:end])
            del self._unfinished[:end]
            self.count += _count(events)
            if self._keeps:
                self._keep(events)
        # An event too long to be kept need not be held either, but for how it begins and ends.
        del self._unfinished[KEPT_BYTES + 1 : -1]

    def _keep(self, events: bytes) -> None:
        room = KEPT_BYTES - len(self._kept)
        self._keeps = len(events) <= room
        self._kept += events if self._keeps else events[: _end_of_events(events[:room])]


def _end_of_events(stream: bytes | bytearray, start: int = 0) -> int:
    """Where the last whole event ends, looked for from `start` on; 0 if none does."""
    last = max(stream.rfind(blank_line, start) for blank_line in _BLANK_LINES)
    return last + 2 if last >= 0 else 0


def _count(events: bytes) -> int:
    """How many of these whole events have data."""
    if b"\r" in events:
        events = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return sum(
        event.lstrip(b"\n").startswith(b"data:") or b"\ndata:" in event
        for event in events.split(b"\n\n")
    )
