"""The client against a server of plain sockets: how it leaves, and what it reads."""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from hangup.model.scenario import Disconnect
from hangup.model.scenarios import BY_ID
from hangup.runner import client
from hangup.runner.client import HOST, Client, ImpatientClient, answers
from hangup.runner.event_stream import EventStream
from tests.command import DEADLINE_S

HEAD = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n"
CHUNKED = HEAD.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[object]]


@asynccontextmanager
async def serving(serve: Serve) -> AsyncIterator[tuple[int, asyncio.Future[object]]]:
    """A server for one request; its port, and what `serve` will have come to."""
    result: asyncio.Future[object] = asyncio.get_running_loop().create_future()

    async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        try:
            result.set_result(await serve(reader, writer))
        except OSError as error:
            result.set_result(error)
        finally:
            writer.close()

    server = await asyncio.start_server(accepted, HOST, 0)
    async with server:
        yield server.sockets[0].getsockname()[1], result


@asynccontextmanager
async def asking(port: int, method: str = "GET") -> AsyncIterator[Client]:
    asked = Client(port, method, "/events")
    await asked.ask()
    try:
        yield asked
    finally:
        await asked.close()


@pytest.mark.parametrize("finished", [True, False])
def test_a_compressed_response_is_read_as_it_arrives(*, finished: bool) -> None:
    compressing = zlib.compressobj(wbits=zlib.MAX_WBITS | 16)
    head = HEAD.replace(b"\r\n\r\n", b"\r\nContent-Encoding: gzip\r\n\r\n")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        body = compressing.compress(b"data: 1\n\ndata: 2\n\n")
        body += compressing.flush(zlib.Z_FINISH if finished else zlib.Z_SYNC_FLUSH)
        writer.write(head + body)
        if not finished:
            await reader.read()

    async def main() -> None:
        async with serving(serve) as (port, _), asking(port) as asked:
            assert await asked.wait_until(has(2), DEADLINE_S)
            assert asked.event_stream.data == ("1", "2")

    asyncio.run(main())


def test_the_client_says_that_it_takes_compressed_responses() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"data: 1\n\n")

    async def main() -> None:
        requests: list[bytes] = []

        async def accepted(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            requests.append(await reader.readuntil(b"\r\n\r\n"))
            await serve(reader, writer)
            writer.close()

        server = await asyncio.start_server(accepted, HOST, 0)
        async with server, asking(server.sockets[0].getsockname()[1]) as asked:
            assert await asked.wait_until(has(1), DEADLINE_S)
        assert b"accept-encoding: gzip\r\n" in requests[0].lower()

    asyncio.run(main())


def has(count: int) -> Callable[[Client], bool]:
    return lambda c: c.event_stream.count >= count


def run(main: Awaitable[object]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await main

    asyncio.run(limited())


# --- Leaving.


async def _hears_the_end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes | str:
    writer.write(HEAD + b"data: 1\n\n")
    return await reader.read()


@pytest.mark.parametrize(
    ("how", "heard"), [("closes", b""), ("half-closes", b""), ("resets", ConnectionResetError)]
)
def test_the_server_hears_how_the_client_leaves(how: Disconnect, heard: object) -> None:
    async def main() -> None:
        async with serving(_hears_the_end) as (port, result), asking(port) as asked:
            assert await asked.wait_until(has(1), DEADLINE_S)
            await asked.disconnect(how)
            came = await result
            assert (came if isinstance(came, bytes) else type(came)) == heard

    run(main())


def test_a_client_that_half_closes_goes_on_reading() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"data: 1\n\n")
        assert await reader.read() == b""
        writer.write(b"data: 2\n\n")

    async def main() -> None:
        async with serving(serve) as (port, result), asking(port) as asked:
            assert await asked.wait_until(has(1), DEADLINE_S)
            await asked.disconnect("half-closes")
            assert await asked.wait_until(has(2), DEADLINE_S)
            await result

    run(main())


@pytest.mark.parametrize("how", ["closes", "resets", "half-closes"])
def test_the_time_of_leaving_is_in_the_log(how: Disconnect) -> None:
    async def main() -> None:
        async with serving(_hears_the_end) as (port, result), asking(port) as asked:
            left_ns = await asked.disconnect(how)
            assert [e.t_ns for e in asked.log.events if e.event == "leaves"] == [left_ns]
            await result

    run(main())


def test_a_client_that_has_stopped_reading_leaves_what_comes_in_its_socket() -> None:
    stopped = asyncio.Event()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"data: 1\n\n")
        await stopped.wait()
        writer.write(b"data: 2\n\n")
        await writer.drain()

    async def main() -> None:
        async with serving(serve) as (port, result), asking(port) as asked:
            assert await asked.wait_until(has(1), DEADLINE_S)
            await asked.stop_reading()
            stopped.set()
            await result
            for _ in range(10):  # a client that still read would have read it now
                await asyncio.sleep(0)
            assert b"data: 2" in asked._socket.recv(100, socket.MSG_PEEK)
            assert not has(2)(asked)

    run(main())


def test_an_impatient_client_closes_when_nothing_has_come_for_long_enough(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(client, "READ_TIMEOUT_S", 0.01)

    async def main() -> None:
        async with serving(_hears_the_end) as (port, result):
            impatient = ImpatientClient(port, BY_ID["idle-timeout"], "t")
            left_ns = await impatient.give_up()
            assert [e.t_ns for e in impatient.log.events if e.event == "leaves"] == [left_ns]
            assert await result == b""

    run(main())


def test_an_impatient_client_whose_response_ends_has_not_left() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"data: 1\n\n")

    async def main() -> None:
        async with serving(serve) as (port, _):
            impatient = ImpatientClient(port, BY_ID["idle-timeout"], "t")
            assert await impatient.give_up() is None

    run(main())


# --- Reading.


def _chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data)


@pytest.mark.parametrize(
    "body",
    [
        b"data: one\n\ndata: two\n\n",
        b"data: one\r\n\r\ndata: two\r\n\r\n",
        b"event: message\nretry: 9\ndata: one\n\n: a comment\n\ndata:two\n\n",
        b"data: one\n\ndata: two\n\ndata: not yet whole\n",
    ],
    ids=["LF", "CRLF", "with other fields", "with an unfinished event"],
)
def test_events_are_read_as_server_sent_events_are_written(body: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        for at in range(0, len(body), 7):  # chunks that know nothing of lines
            writer.write(_chunk(body[at : at + 7]))
            await writer.drain()
        writer.write(b"0\r\n\r\n")

    async def main() -> None:
        async with serving(serve) as (port, _), asking(port) as asked:
            await asked.ended.wait()
            assert asked.status == 200
            assert asked.received_bytes == len(body)
            assert asked.event_stream.data == ("one", "two")

    run(main())


def test_events_of_several_lines_are_put_together() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"data: one\ndata: two\n\n")

    async def main() -> None:
        async with serving(serve) as (port, _), asking(port) as asked:
            await asked.ended.wait()
            assert asked.event_stream.data == ("one\ntwo",)

    run(main())


def test_a_response_cut_off_in_the_middle_is_said_to_be() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + _chunk(b"data: one\n\n"))

    async def main() -> None:
        async with serving(serve) as (port, _), asking(port) as asked:
            await asked.ended.wait()
            assert asked.log.events[-1].event == "is cut off"
            assert asked.event_stream.data == ("one",)

    run(main())


def test_a_post_carries_its_body() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
        body = await reader.readuntil(b"}")
        writer.write(HEAD)
        return body

    async def main() -> None:
        async with serving(serve) as (port, result), asking(port, "POST") as asked:
            assert b"prompt" in await result  # type: ignore[operator]
            await asked.ended.wait()

    run(main())


def test_waiting_ends_with_the_response_even_if_it_was_in_vain() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"data: 1\n\n")

    async def main() -> None:
        async with serving(serve) as (port, _), asking(port) as asked:
            assert not await asked.wait_until(has(2), DEADLINE_S * 2)

    run(main())


def test_a_server_that_floods_does_not_have_the_event_loop_for_itself() -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        with socket.create_server((HOST, 0)) as listening:
            listening.setblocking(False)
            async with asking(listening.getsockname()[1]) as asked:
                serving, _ = await loop.sock_accept(listening)
                with serving:
                    serving.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 21)
                    await loop.sock_recv(serving, 4096)
                    filled = _fill(serving)
                assert filled > 5 * client._RECEIVE_BYTES, "too little for a flood"
                # All of it is there to be read now. Between any two of our turns the
                # client must not have read more than once.
                turns = [0]
                while not asked.ended.is_set():
                    await asyncio.sleep(0)
                    turns.append(asked.received_bytes)
                steps = [after - before for before, after in pairwise(turns)]
                assert turns[-1] == filled - len(HEAD)
                assert max(steps) <= client._RECEIVE_BYTES

    run(main())


def _fill(sock: socket.socket) -> int:
    """Send a response that fills all buffers on the way; how many bytes it has."""
    sock.setblocking(False)
    sent = sock.send(HEAD)
    try:
        while True:
            sent += sock.send(b"x" * client._RECEIVE_BYTES)
    except BlockingIOError:
        return sent


ENDS = b"0\r\n\r\n"
GOT: list[tuple[list[bytes], str]] = [
    ([], "no response"),
    ([CHUNKED, ENDS], "200, ended"),
    ([CHUNKED, _chunk(b"data: 1\n\n"), ENDS], "200, 1 event, ended"),
    ([CHUNKED, _chunk(b"data: 1\n\ndata: 2\n\n"), ENDS], "200, 2 events, ended"),
    ([CHUNKED, _chunk(b"data: 1\n\ndata: 2\n")], "200, 1 event, cut off"),
    (
        [CHUNKED, *[_chunk(b"data: %s\n\n" % (b"x" * 65536))] * 40, ENDS],
        "200, 40 events, ended",
    ),
    ([CHUNKED.replace(b"200 OK", b"500 Sorry"), _chunk(b"{}"), ENDS], "500, ended"),
]


@pytest.mark.parametrize(("sent", "got"), GOT, ids=[got for _, got in GOT])
def test_the_client_says_what_it_got(sent: list[bytes], got: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.writelines(sent)

    async def main() -> None:
        async with serving(serve) as (port, _), asking(port) as asked:
            await asked.ended.wait()
            assert asked.got() == got

    run(main())


def test_a_response_that_has_not_ended_is_said_not_to_have() -> None:
    async def main() -> None:
        async with serving(_hears_the_end) as (port, result), asking(port) as asked:
            assert await asked.wait_until(has(1), DEADLINE_S)
            assert asked.got() == "200, 1 event, not ended"
            await asked.disconnect("closes")
            await result

    run(main())


# --- Whether a server answers.


@pytest.mark.parametrize(
    ("status", "answered"), [(b"200 OK", True), (b"500 Internal Server Error", False)]
)
def test_only_a_good_answer_is_an_answer(status: bytes, answered: bool) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD.replace(b"200 OK", status))

    async def main() -> None:
        async with serving(serve) as (port, _):
            assert await answers(port, DEADLINE_S) == answered

    run(main())


def test_silence_is_no_answer() -> None:
    async def main() -> None:
        async with serving(_hears_silence) as (port, result):
            assert not await answers(port, 0.01)
            assert await result == b""

    run(main())


async def _hears_silence(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bytes:
    return await reader.read()


def test_nobody_there_is_no_answer() -> None:
    with socket.create_server((HOST, 0)) as gone:
        port = gone.getsockname()[1]

    async def main() -> None:
        assert not await answers(port, DEADLINE_S)

    run(main())


# --- Faults of ours.


def test_a_fault_while_reading_is_raised_where_the_client_is_waited_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(self: EventStream, data: bytes) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(EventStream, "feed", fail)

    async def main() -> None:
        async with serving(_hears_the_end) as (port, _):
            asked = Client(port, "GET", "/events")
            await asked.ask()
            with pytest.raises(ZeroDivisionError):
                await asked.wait_until(has(1), DEADLINE_S)
            with pytest.raises(ZeroDivisionError):
                await asked.close()
            with pytest.raises(ZeroDivisionError):
                await answers(port, DEADLINE_S)

    run(main())


def test_a_fault_while_asking_is_no_missing_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(self: Client) -> None:
        raise OSError(errno.EMFILE, "Too many open files")

    monkeypatch.setattr(Client, "ask", fail)
    with pytest.raises(OSError, match="Too many open files"):
        asyncio.run(answers(1, DEADLINE_S))


def test_a_connection_that_was_reset_before_the_client_half_closes_is_lost() -> None:
    async def main() -> None:
        async with serving(_resets) as (port, result), asking(port) as asked:
            await result
            await asked.wait_until(lambda c: c.ended.is_set(), DEADLINE_S)
            with pytest.raises(ConnectionError):
                await asked.disconnect("half-closes")

    run(main())


async def _resets(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()
    await writer.wait_closed()
