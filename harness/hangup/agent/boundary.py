"""The outermost ASGI wrapper: what crosses between the server and the app.

It is the same around every app. It sees each `receive` and `send`, what leaves the app
callable, and the error lines the process logs meanwhile. It changes nothing.
"""

from __future__ import annotations

import gc
import logging
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from hangup.agent import probe

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

COLLECT = "/hangup/collect"
"""A request for this path makes the process collect its garbage; the app does not see it."""

SENDS_IN_FULL = 600
"""So many sends of a trial are recorded each, and as many again after the disconnect; a
stream without end is sampled after that."""
SAMPLE_NS = 20_000_000


class Boundary:
    """Wrap `app`; requests that carry no trial pass through unseen, but for `COLLECT`."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        if scope.get("path") == COLLECT:
            probe.record(None, "process", "collects")
            gc.collect()
            await send({"type": "http.response.start", "status": 204, "headers": []})
            await send({"type": "http.response.body", "body": b""})
            return
        query = parse_qs(scope.get("query_string", b"").decode())
        if scope["type"] != "http" or "trial" not in query:
            await self.app(scope, receive, send)
            return

        (trial,) = query["trial"]
        # Neither is reset: the server logs an error after the app has returned, in this
        # same context, and that line belongs to this trial.
        probe.trial_of_request.set(trial)
        probe.script_of_request.set(query["script"][0])
        sends = _Sends(trial)

        async def seen_receive() -> Message:
            probe.record(trial, "receive", "begin")
            try:
                message = await receive()
            except BaseException as error:
                probe.record(trial, "receive", "end", saw=probe.name(error))
                raise
            probe.record(trial, "receive", "end", saw=message["type"])
            if message["type"] == "http.disconnect":
                sends.record_in_full()
            return message

        async def seen_send(message: Message) -> None:
            number = sends.begin(message["type"])
            try:
                await send(message)
            except BaseException as error:
                sends.end(number, probe.name(error))
                raise
            sends.end(number)

        with probe.span("asgi"):
            await self.app(scope, seen_receive, seen_send)


class _Sends:
    """Which of a trial's sends are recorded, so that a flood of them does not cost a flood."""

    def __init__(self, trial: str) -> None:
        self.trial = trial
        self.count = 0
        self.in_full_until = SENDS_IN_FULL
        self.sampled_ns = 0
        self.under_way: dict[int, str] = {}
        """The sends that have not returned: number to message type, recorded or not."""
        self.recorded: set[int] = set()

    def begin(self, message_type: str) -> int:
        self.count += 1
        self.under_way[self.count] = message_type
        now_ns = time.monotonic_ns()
        if self.count <= self.in_full_until or now_ns - self.sampled_ns > SAMPLE_NS:
            self.sampled_ns = now_ns
            self._record_begin(self.count)
        return self.count

    def end(self, number: int, saw: str | None = None) -> None:
        del self.under_way[number]
        if number in self.recorded or saw is not None:
            self.recorded.discard(number)
            probe.record(self.trial, "send", "end", n=number, saw=saw)

    def record_in_full(self) -> None:
        """From here on it matters again: those under way, and the next ones."""
        for number in self.under_way.keys() - self.recorded:
            self._record_begin(number)
        self.in_full_until = self.count + SENDS_IN_FULL

    def _record_begin(self, number: int) -> None:
        self.recorded.add(number)
        probe.record(self.trial, "send", "begin", n=number, detail=self.under_way[number])


def watch_log() -> None:
    """Report every error the process logs, and every exception Python could only print.

    A log record factory sees each record once, whichever logger, handler or propagation
    the server has configured, and leaves all of that alone.
    """
    make_record = logging.getLogRecordFactory()

    def seen_record(*args: Any, **kwargs: Any) -> logging.LogRecord:
        record = make_record(*args, **kwargs)
        if record.levelno >= logging.ERROR:
            with suppress(Exception):  # a record that cannot be formatted is not our affair
                error = record.exc_info[1] if record.exc_info else None
                _saw_in_log(error, f"{record.name}: {record.getMessage()}")
        return record

    logging.setLogRecordFactory(seen_record)

    show_unraisable = sys.unraisablehook

    def seen_unraisable(unraisable: sys.UnraisableHookArgs) -> None:
        with suppress(Exception):
            what = unraisable.err_msg or "Exception ignored"
            _saw_in_log(unraisable.exc_value, f"{what}: {unraisable.exc_value}")
        show_unraisable(unraisable)

    sys.unraisablehook = seen_unraisable
    gc.callbacks.append(_collection)


_collecting = False


def _collection(phase: str, info: dict[str, int]) -> None:
    """Note that a collection begins or ends; see `gc.callbacks`."""
    global _collecting
    _collecting = phase == "start"


def _saw_in_log(error: BaseException | None, text: str) -> None:
    # A collection runs in the context of whoever happened to allocate something, while what
    # it finalises, and what asyncio logs of that, may be any request's.
    probe.record(
        None if _collecting else probe.trial_of_request.get(),
        "server-log",
        "saw",
        saw=probe.name(error) if error is not None else "error line",
        detail=text.partition("\n")[0][:2000],
    )
