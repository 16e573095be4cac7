"""The server upstream: what it sends, and how it comes to see that the other side is gone."""

from __future__ import annotations

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable
from contextlib import asynccontextmanager, closing
from typing import Any
from urllib.parse import urlsplit

import pytest

from apps.common import relay
from hangup.model.script import Script
from hangup.runner.upstream import Upstream
from tests.command import DEADLINE_S

NEVER_MS = 3_600_000
"""A pause so long that nothing is written but the head."""
REQUEST = b"GET /events HTTP/1.1\r\nHost: upstream\r\n\r\n"


class Peer:
    """A raw client of an upstream server, and what that server has seen."""

    def __init__(self, upstream: Upstream, closed: asyncio.Event) -> None:
        self.upstream = upstream
        self.closed = closed
        """Set when the upstream has said that a connection was closed."""
        url = urlsplit(upstream.url)
        self._address = (url.hostname, url.port)
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)

    @property
    def seen(self) -> list[str]:
        """What the upstream has seen, sends apart."""
        return [event.event for event in self.upstream.events if event.event != "sends"]

    @property
    def sent(self) -> list[int | None]:
        """The numbers of the events the upstream has sent."""
        return [event.n for event in self.upstream.events if event.event == "sends"]

    async def ask(self, request: bytes = REQUEST) -> None:
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, self._address)
        await loop.sock_sendall(self._socket, request)

    async def read(self) -> bytes:
        return await asyncio.get_running_loop().sock_recv(self._socket, 65536)

    async def read_until(self, wanted: bytes) -> bytes:
        data = b""
        while wanted not in data:
            more = await self.read()
            assert more, "the connection was closed"
            data += more
        return data

    def close(self) -> None:
        self._socket.close()

    def reset(self) -> None:
        linger = struct.pack("ii", 1, 0)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._socket.close()


@asynccontextmanager
async def serving(**script: Any) -> AsyncIterator[Peer]:
    closed = asyncio.Event()
    async with Upstream(Script(**script), closed.set) as upstream:
        peer = Peer(upstream, closed)
        try:
            yield peer
        finally:
            peer.close()


def run(main: Awaitable[object]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await main

    asyncio.run(limited())


def test_it_sends_numbered_events_and_counts_them() -> None:
    async def main() -> None:
        async with serving(pause_ms=1, size=3) as peer:
            await peer.ask()
            data = await peer.read_until(b'data: {"number": 3, "padding": "xxx"}\n\n')
            assert data.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"text/event-stream" in data
            assert data.index(b'"number": 1') < data.index(b'"number": 2')
            peer.close()
            await peer.closed.wait()
            assert peer.sent == list(range(1, len(peer.sent) + 1))
            assert len(peer.sent) >= 3

    run(main())


@pytest.mark.parametrize(
    ("how", "detail"), [(Peer.close, "end of file"), (Peer.reset, "ConnectionResetError")]
)
def test_a_close_is_seen_without_anything_being_written(how: Any, detail: str) -> None:
    async def main() -> None:
        async with serving(pause_ms=NEVER_MS) as peer:
            await peer.ask()
            await peer.read_until(b"\r\n\r\n")
            assert peer.upstream.open == 1
            how(peer)
            await peer.closed.wait()
            assert peer.seen == ["accepts", "closed"]
            assert peer.upstream.events[-1].detail == detail
            assert peer.sent == []
            assert peer.upstream.open == 0

    run(main())


def test_a_close_is_seen_while_an_event_does_not_get_through() -> None:
    async def main() -> None:
        async with serving(size=1 << 26) as peer:  # more than any socket's buffers take
            await peer.ask()
            await peer.read_until(b"data: ")
            peer.close()
            await peer.closed.wait()
            assert peer.seen == ["accepts", "closed"]
            assert peer.sent == []

    run(main())


def test_a_fault_of_the_harness_is_raised_and_leaves_nothing_open() -> None:
    async def main() -> None:
        async with Upstream(Script(pause_ms=NEVER_MS), lambda: None) as upstream:
            peer = Peer(upstream, asyncio.Event())
            with closing(peer):
                await peer.ask(b"x" * 2**17)
                while not upstream.events or upstream.open:
                    await asyncio.sleep(0)

    with pytest.raises(asyncio.LimitOverrunError):
        run(main())


def test_a_peer_that_never_closes_is_not_said_to_have() -> None:
    async def main() -> None:
        closed = asyncio.Event()
        async with Upstream(Script(pause_ms=NEVER_MS), closed.set) as upstream:
            peer = Peer(upstream, closed)
            await peer.ask()
            await peer.read_until(b"\r\n\r\n")
            assert upstream.open == 1
        with closing(peer):
            assert await peer.read() == b""
        assert peer.seen == ["accepts"]
        assert not closed.is_set()

    run(main())


def test_an_event_that_does_not_get_through_does_not_keep_it_from_ending() -> None:
    async def main() -> None:
        async with Upstream(Script(size=1 << 26), lambda: None) as upstream:
            peer = Peer(upstream, asyncio.Event())
            await peer.ask()
            await peer.read_until(b"data: ")
        received = 0
        with closing(peer):
            while data := await peer.read():
                received += len(data)
        assert received < 1 << 25  # what was in the buffers between, and no more
        assert peer.seen == ["accepts"]
        assert peer.sent == []

    run(main())


def test_a_peer_that_leaves_before_it_has_asked_is_closed_too() -> None:
    async def main() -> None:
        async with serving() as peer:
            await peer.ask(b"GET /ev")
            peer.close()
            await peer.closed.wait()
            assert peer.seen == ["accepts", "closed"]
            assert peer.sent == []

    run(main())


def test_a_source_relays_what_it_sends_and_closes_when_it_is_left() -> None:
    async def main() -> None:
        async with serving(pause_ms=1) as peer:
            source = relay.source(None, peer.upstream.url, lambda number, data: (number, data))
            relayed = [await anext(source) for _ in range(2)]
            assert relayed == [
                (1, '{"number": 1, "padding": ""}'),
                (2, '{"number": 2, "padding": ""}'),
            ]
            assert peer.upstream.open == 1
            await source.aclose()
            await peer.closed.wait()
            assert peer.upstream.open == 0

    run(main())
