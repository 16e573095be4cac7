"""The server upstream of a stream that relays: it sends without end and sees who closes.

It belongs to the harness, so that what a server under test costs others is seen from outside,
on the clock that all events are on. Each trial has one of its own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType

from hangup.model.script import Script
from hangup.model.trace import Event
from hangup.model.vocabulary import Surface
from hangup.runner.client import HOST

_HEAD = (
    b"HTTP/1.1 200 OK\r\n"
    b"Content-Type: text/event-stream\r\n"
    b"Cache-Control: no-store\r\n"
    b"Connection: close\r\n"
    b"\r\n"
)


class Upstream:
    """An event stream without end; use it as an async context manager.

    `script` says how long it pauses before each event (`pause_ms`) and how many bytes of
    padding an event has (`size`). `on_close` is called when a connection was closed by the
    other side. Leaving ends what is still open.

    Its events: `accepts`, `sends` (number `n` has been taken by the connection) and `closed`.
    """

    def __init__(self, script: Script, on_close: Callable[[], None]) -> None:
        self.events: list[Event] = []
        self.open = 0
        """The connections that the other side has not closed."""
        self._pause_s = script.pause_ms / 1000
        self._padding = "x" * script.size
        self._on_close = on_close
        self._serving: set[asyncio.Task[None]] = set()

    async def __aenter__(self) -> Upstream:
        self._server = await asyncio.start_server(self._accept, HOST, 0)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._server.close()
        serving = list(self._serving)
        for task in serving:
            task.cancel()
        for result in await asyncio.gather(*serving, return_exceptions=True):
            if isinstance(result, Exception):  # a fault of ours
                raise result

    @property
    def url(self) -> str:
        """Where it is, while it is there."""
        host, port = self._server.sockets[0].getsockname()
        return f"http://{host}:{port}/events"

    def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        # At once and not in the task: nothing may be sent before it has been counted.
        self.open += 1
        self._note("accepts")
        task = asyncio.create_task(self._serve(reader, writer))
        self._serving.add(task)
        task.add_done_callback(self._served)

    def _served(self, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:  # otherwise it is raised on leaving
            self._serving.discard(task)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            how = await self._serve_until_closed(reader, writer)
        finally:
            self.open -= 1
        self._note("closed", detail=how)
        self._on_close()

    async def _serve_until_closed(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> str:
        """How the other side closed the connection: `end of file` or an exception's name."""
        sending: asyncio.Task[None] | None = None
        try:
            await reader.readuntil(b"\r\n\r\n")
            sending = asyncio.create_task(self._send(writer))
            # Whoever only writes hears of a close when a write fails, which is two events too
            # late: one that is still taken, one that is refused.
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError) as error:
            return type(error).__name__
        else:
            return "end of file"
        finally:
            if sending is not None:
                sending.cancel()
                await asyncio.wait({sending})
                if not sending.cancelled():
                    sending.result()
            # An event that does not get through must not keep it from closing; otherwise a
            # proper end is what disturbs the server under test least.
            stuck = writer.transport.get_write_buffer_size()
            (writer.transport.abort if stuck else writer.close)()

    async def _send(self, writer: asyncio.StreamWriter) -> None:
        # With no buffer of our own, "sent" means that the connection has taken it.
        writer.transport.set_write_buffer_limits(high=0)
        number = 0
        with suppress(ConnectionError):  # the reader sees the same
            writer.write(_HEAD)
            while True:
                await asyncio.sleep(self._pause_s)
                number += 1
                data = f'{{"number": {number}, "padding": "{self._padding}"}}'
                writer.write(f"data: {data}\n\n".encode())
                await writer.drain()
                self._note("sends", n=number)

    def _note(self, event: str, *, n: int | None = None, detail: str | None = None) -> None:
        self.events.append(
            Event(t_ns=time.monotonic_ns(), surface=Surface.UPSTREAM, event=event, n=n,
                  detail=detail)
        )  # fmt: skip
