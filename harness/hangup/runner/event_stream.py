"""The server-sent events of a response, counted as they arrive; the first ones are also kept.

httpx-sse's public interface reads whole responses; its incremental decoder is private. So events
are told apart here, by the blank lines between them, and whole ones are handed to httpx-sse.
"""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import httpx_sse

KEPT_BYTES = 65536
"""So many bytes of events are kept; all are counted, which needs no decoding in a flood."""

# A blank line is two line ends in a row (HTML, 9.2.5 "Parsing an event stream"). Of `\r\n\r\n`
# the last `\n` is left for the next event, before which an empty line means nothing.
_BLANK_LINES = (b"\n\n", b"\n\r", b"\r\r")
_LONGEST_UNFINISHED = 2 * KEPT_BYTES


class EventStream:
    """An event stream that is read as it arrives."""

    def __init__(self) -> None:
        self.count = 0
        """How many whole events have arrived. One without data is none (HTML, 9.2.6)."""
        self.data: list[str] = []
        """The data of the first events: of those that are within `KEPT_BYTES` together."""
        self._room = KEPT_BYTES
        self._unfinished = bytearray()

    def feed(self, data: bytes) -> None:
        """Take what has arrived, cut wherever it may be."""
        searched = max(0, len(self._unfinished) - 1)
        self._unfinished += data
        last = max(self._unfinished.rfind(blank, searched) for blank in _BLANK_LINES)
        if last >= 0:
            whole = bytes(self._unfinished[: last + 2])
            del self._unfinished[: last + 2]
            self.count += _count(whole)
            if self._room:
                self._keep(whole)
        # An event too long to be kept need not be held either, but for how it began.
        del self._unfinished[_LONGEST_UNFINISHED:-1]

    def _keep(self, whole: bytes) -> None:
        for data in _decode(whole):
            size = len(data.encode())
            if size > self._room:
                self._room = 0
                return
            self._room -= size
            self.data.append(data)


def _count(events: bytes) -> int:
    """How many of these whole events have data."""
    if b"\r" in events:
        events = events.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return sum(
        event.lstrip(b"\n").startswith(b"data:") or b"\ndata:" in event
        for event in events.split(b"\n\n")
    )


def _decode(events: bytes) -> Iterator[str]:
    """The data of whole events."""
    headers = {"content-type": "text/event-stream"}
    response = httpx.Response(200, headers=headers, content=events)
    return (event.data for event in httpx_sse.EventSource(response).iter_sse() if event.data)
