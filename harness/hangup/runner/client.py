"""The client: it asks for a stream, reads it or not, and disconnects in a known way.

The socket is our own, because how it is closed is what this project is about; HTTP is h11's.
"""

from __future__ import annotations

import asyncio
import errno
import json
import socket
import struct
import time
import zlib
from collections.abc import Callable
from typing import Any, assert_never

import h11
import httpx

from hangup.model.scenario import Disconnect, Scenario
from hangup.model.trace import CLIENT, Event
from hangup.model.vocabulary import Word
from hangup.runner.event_stream import EventStream

HOST = "127.0.0.1"
COLLECT_PATH = "/hangup/collect"
"""A request for this path makes a server collect its garbage (`hangup.agent.boundary`)."""
READ_TIMEOUT_S = 0.5
"""After how long without a byte the client that times out gives up."""

SMALL_BUFFER = 16384
ETHERNET_SEGMENT = 1460

_RECEIVE_BYTES = 65536
_GZIP = zlib.MAX_WBITS | 16
"""Tells zlib that what it is given has a gzip header."""
_PROMPT = json.dumps({"prompt": "Why is the sky blue?"})


def target(scenario: Scenario, trial: str) -> str:
    """The request target: the trial's name and its script travel in the query."""
    query = httpx.QueryParams(trial=trial, script=scenario.script.json())
    return f"{scenario.path}?{query}"


class Log:
    """The client's side of a trace."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    def add(
        self,
        event: str,
        *,
        n: int | None = None,
        detail: str | None = None,
        t_ns: int | None = None,
    ) -> int:
        """Add one event, by default of now, and return its time."""
        t_ns = t_ns or time.monotonic_ns()
        self.events.append(Event(t_ns=t_ns, surface=CLIENT, event=event, n=n, detail=detail))
        return t_ns


class Client:
    """One request over one connection of its own."""

    def __init__(self, port: int, method: str, target: str, *, small_buffers: bool = False) -> None:
        self.port = port
        self.method = method
        self.target = target
        self.log = Log()
        self.ended = asyncio.Event()
        """Set when the response is over or the server has closed the connection."""
        self.received_bytes = 0
        self.event_stream = EventStream()
        self.status: int | None = None
        self._end_of_response = Word.NEVER_ENDED
        self._changed = asyncio.Event()
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        self._socket.setblocking(False)
        if small_buffers:
            # The server's own buffer grows with the size of the segments (tcp(7), TCP_MAXSEG).
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BUFFER)
            self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, ETHERNET_SEGMENT)
        self._http = h11.Connection(h11.CLIENT)
        self._gzip: zlib._Decompress | None = None
        self._reading: asyncio.Task[None] | None = None

    async def ask(self) -> None:
        """Connect, send the request and begin to read; raises ConnectionError."""
        loop = asyncio.get_running_loop()
        await loop.sock_connect(self._socket, (HOST, self.port))
        body = _PROMPT.encode() if self.method == "POST" else b""
        headers = [
            ("Host", f"{HOST}:{self.port}"),
            ("Accept", "text/event-stream, application/json"),
            # As every browser does: middleware that compresses does nothing without it.
            ("Accept-Encoding", "gzip"),
        ]
        if body:
            headers += [
                ("Content-Type", "application/json"),
                ("Content-Length", str(len(body))),
            ]
        request = h11.Request(method=self.method, target=self.target, headers=headers)
        data = self._http.send(request) or b""
        if body:
            data += self._http.send(h11.Data(data=body)) or b""
        data += self._http.send(h11.EndOfMessage()) or b""
        self.log.add("asks", detail=f"{self.method} {self.target.partition('?')[0]}")
        await loop.sock_sendall(self._socket, data)
        self._reading = asyncio.create_task(self._read())

    async def wait_until(self, reached: Callable[[Client], bool], timeout_s: float) -> bool:
        """Whether `reached` became true of this client in time, or was when it ended.

        Raises what reading has failed with, if that was a fault of ours.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not reached(self) and not self.ended.is_set():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            pass
        if self._reading is not None and self._reading.done():
            self._reading.result()
        return reached(self)

    async def stop_reading(self) -> None:
        """Leave what arrives from now on in the socket.

        Raises what reading has failed with, if that was a fault of ours.
        """
        reading, self._reading = self._reading, None
        if reading is not None:
            reading.cancel()
            await asyncio.wait({reading})
            if not reading.cancelled():
                reading.result()

    async def disconnect(self, how: Disconnect) -> int:
        """Disconnect as a socket can; the time just before, in ns.

        Raises ConnectionError if the connection was lost before.
        """
        match how:
            case "half-closes":
                left_ns = self.log.add("leaves", detail="shutdown(SHUT_WR)")
                self._shut_down()
            case "resets":
                await self.stop_reading()
                self._linger_not()
                left_ns = self.log.add("leaves", detail="close() with SO_LINGER 0: RST")
                self._socket.close()
            case "closes":
                await self.stop_reading()
                left_ns = self.log.add("leaves", detail="close()")
                self._socket.close()
            case "stays" | "times-out":
                raise ValueError(f"{how!r} is not done to this client's socket")
            case _:
                assert_never(how)
        return left_ns

    def _linger_not(self) -> None:
        """Have the socket send a RST when it is closed (SO_LINGER, socket(7))."""
        try:
            linger = struct.pack("ii", 1, 0)
            self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        except OSError as error:
            if error.errno != errno.EINVAL:
                raise
            # macOS: the other side has reset the connection already.
            raise ConnectionResetError(*error.args) from error

    async def close(self) -> None:
        """Close the connection, if the client has not disconnected."""
        try:
            await self.stop_reading()
        finally:
            self._socket.close()

    def got(self) -> str:
        """What has arrived: the status, how many events, and whether it has ended properly."""
        if self.status is None:
            return Word.NO_RESPONSE
        words = [str(self.status), self._end_of_response.value]
        count = self.event_stream.count
        if count:
            words.insert(1, f"{count} event{'' if count == 1 else 's'}")
        return ", ".join(words)

    def _shut_down(self) -> None:
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            if error.errno == errno.ENOTCONN:  # the server has reset it
                raise ConnectionResetError(error.errno, error.strerror) from error
            raise

    async def _read(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while not self.ended.is_set():
                data = await loop.sock_recv(self._socket, _RECEIVE_BYTES)
                self._http.receive_data(data)
                self._take(self._http)
                # `sock_recv` does not suspend while there is something to read, and a
                # server that floods must not have the harness for itself.
                await asyncio.sleep(0)
        except (ConnectionError, h11.RemoteProtocolError, zlib.error) as error:
            self.log.add("is cut off", detail=str(error))
            self._end(Word.CUT_OFF)
        except Exception:  # a fault of ours, which nobody is to wait for
            self._end(Word.CUT_OFF)
            raise

    def _take(self, http: h11.Connection) -> None:
        body: list[bytes] = []
        try:
            self._take_http_events(http, body)
        finally:
            self.event_stream.feed(b"".join(body))  # at once: a flood has very many pieces

    def _take_http_events(self, http: h11.Connection, body: list[bytes]) -> None:
        while True:
            event = http.next_event()
            match event:
                case h11.Response():
                    self.status = event.status_code
                    if (b"content-encoding", b"gzip") in event.headers:
                        self._gzip = zlib.decompressobj(_GZIP)
                    self.log.add("gets the response", n=event.status_code)
                case h11.Data():
                    if not self.received_bytes:
                        self.log.add("gets its first bytes")
                    self.received_bytes += len(event.data)
                    data = bytes(event.data)
                    body.append(self._gzip.decompress(data) if self._gzip else data)
                case h11.EndOfMessage():
                    self.log.add("sees the response end")
                    self._end(Word.WHOLE)
                    return
                case h11.ConnectionClosed():
                    self.log.add("sees the connection close")
                    self._end(Word.CUT_OFF)
                    return
                case h11.InformationalResponse():
                    continue
                case _:
                    self._changed.set()
                    return

    def _end(self, how: Word) -> None:
        self._end_of_response = how
        self.ended.set()
        self._changed.set()


class ImpatientClient:
    """An httpx client that gives up after its read timeout."""

    def __init__(self, port: int, scenario: Scenario, trial: str) -> None:
        self.url = f"http://{HOST}:{port}{target(scenario, trial)}"
        self.log = Log()

    async def give_up(self) -> int | None:
        """Read until the read timeout ends it; when httpx began to close, in ns.

        None if the response ended before that.
        """
        left_ns: int | None = None

        async def trace(name: str, info: dict[str, Any]) -> None:
            # Named in httpcore's documentation, "Extensions", "trace".
            nonlocal left_ns
            if name == "http11.response_closed.started" and left_ns is None:
                left_ns = self.log.add("leaves", detail="httpx.ReadTimeout")

        timeout = httpx.Timeout(10.0, read=READ_TIMEOUT_S)
        self.log.add("asks", detail=f"GET, read timeout {READ_TIMEOUT_S} s")
        try:
            async with (
                # Without TLS there is nothing to verify, and loading certificates takes long.
                httpx.AsyncClient(timeout=timeout, trust_env=False, verify=False) as http,
                http.stream("GET", self.url, extensions={"trace": trace}) as response,
            ):
                self.log.add("gets the response", n=response.status_code)
                async for _ in response.aiter_raw():
                    pass
        except httpx.ReadTimeout:
            return left_ns
        except httpx.HTTPError as error:
            self.log.add("is cut off", detail=type(error).__name__)
        return None


async def answers(port: int, timeout_s: float, path: str = "/plain") -> bool:
    """Whether a plain request over a connection of its own gets its answer in time."""
    client = Client(port, "GET", path)
    try:
        async with asyncio.timeout(timeout_s):
            await client.ask()
            await client.ended.wait()
    except (ConnectionError, TimeoutError):
        return False
    finally:
        await client.close()
    return client.status in (200, 204)
