"""Server-sent events counted as they arrive, however they are cut."""

from __future__ import annotations

import httpx
import httpx_sse
import pytest

from hangup.runner.event_stream import KEPT_BYTES, EventStream

STREAMS = {
    "LF": b"data: one\n\ndata: two\n\n",
    "CRLF": b"data: one\r\n\r\ndata: two\r\n\r\n",
    "CR": b"data: one\r\rdata: two\r\r",
    "mixed line ends": b"data: one\n\r\ndata: two\r\n\ndata: three\r\r\n",
    "several lines": b"data: one\ndata: two\n\ndata\ndata: three\n\n",
    "other fields": b"retry: 9\nevent: message\nid: 1\ndata:one\n\nid: 2\ndata: two\n\n",
    "comments": b": ping\n\ndata: one\n: in between\n\n: data: no\n\n",
    "no data": b"retry: 9\n\nevent: nothing\n\nmetadata: none\n\ndata: one\n\n",
    "blank lines": b"\n\n\n\ndata: one\n\n\n\ndata: two\n\n\n",
    "unfinished": b"data: one\n\ndata: two\n",
    "not ASCII": "data: \u2026\n\ndata: \U0001f600\n\n".encode(),
    "not an event stream": b'{"data": 1}',
}


def by_httpx_sse(stream: bytes) -> tuple[str, ...]:
    headers = {"content-type": "text/event-stream"}
    response = httpx.Response(200, headers=headers, content=stream)
    return tuple(sse.data for sse in httpx_sse.EventSource(response).iter_sse() if sse.data)


def fed(stream: bytes, *, size: int, first: int = 0) -> EventStream:
    events = EventStream()
    events.feed(stream[:first])
    for at in range(first, len(stream), size):
        events.feed(stream[at : at + size])
    return events


@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
@pytest.mark.parametrize("stream", STREAMS.values(), ids=STREAMS)
def test_events_are_those_of_httpx_sse_wherever_the_stream_is_cut(stream: bytes, size: int) -> None:
    known = by_httpx_sse(stream)
    for first in range(len(stream)):
        events = fed(stream, size=size, first=first)
        assert events.data == known
        assert events.count == len(known)


def test_an_event_is_counted_as_soon_as_it_is_whole() -> None:
    events = EventStream()
    counts = []
    for piece in (b"data: one", b"\n", b"\n", b"data: two\r\n\r", b"\n"):
        events.feed(piece)
        counts.append(events.count)
    assert counts == [0, 0, 1, 2, 2]


@pytest.mark.parametrize("size", [1000, 65536, 200_000])
def test_all_events_are_counted_beyond_those_that_are_kept(size: int) -> None:
    data = "x" * 1000
    stream = f"data: {data}\n\n: ping\n\n".encode() * 300
    events = fed(stream, size=size)
    assert events.count == 300
    assert events.data == (data,) * (KEPT_BYTES // (len(stream) // 300))


@pytest.mark.parametrize("length", [KEPT_BYTES + 1, 2 * KEPT_BYTES, 5 * KEPT_BYTES])
def test_an_event_that_is_too_long_is_counted_and_neither_kept_nor_held(length: int) -> None:
    stream = b"data: %s\n\n" % (b"x" * length)
    events = fed(stream * 3 + b"data: short\n\n", size=1400)
    assert events.count == 4
    assert events.data == ()
    events.feed(b"x" * (10 * KEPT_BYTES))
    assert len(events._unfinished) < 3 * KEPT_BYTES


def test_what_is_kept_are_the_first_events_without_a_gap() -> None:
    half = "x" * (KEPT_BYTES // 2 + 1)
    events = EventStream()
    for data in (half, half, "short"):
        events.feed(f"data: {data}\n\n".encode())
    assert (events.data, events.count) == ((half,), 3)
