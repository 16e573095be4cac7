"""The outermost ASGI wrapper: what crosses between the server and the app.

It is the same around every app. It sees each `receive` and `send`, what leaves the app
callable, and the error lines the process logs meanwhile. It changes nothing.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Awaitable, Callable, MutableMapping
from contextlib import suppress
from typing import Any
from urllib.parse import parse_qs

from apps.subject import probe, service

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

SENDS_IN_FULL = 600
"""So many sends of a trial are recorded each; a stream without end is sampled after that."""
SAMPLE_NS = 20_000_000


class Boundary:
    """Wrap `app`; requests that carry no trial pass through unseen."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        query = parse_qs(scope.get("query_string", b"").decode())
        if scope["type"] != "http" or "trial" not in query:
            await self.app(scope, receive, send)
            return

        (trial,) = query["trial"]
        # Neither is reset: the server logs an error after the app has returned, in this
        # same context, and that line belongs to this trial.
        probe.trial_of_request.set(trial)
        service.script_of_request.set(service.Script.from_json(query["script"][0]))

        sends = 0
        sampled_ns = 0

        async def seen_receive() -> Message:
            probe.record(trial, "receive", "begin")
            try:
                message = await receive()
            except BaseException as error:
                probe.record(trial, "receive", "end", saw=probe.name(error))
                raise
            probe.record(trial, "receive", "end", saw=message["type"])
            return message

        async def seen_send(message: Message) -> None:
            nonlocal sends, sampled_ns
            sends += 1
            number = sends
            now_ns = time.monotonic_ns()
            recorded = number <= SENDS_IN_FULL or now_ns - sampled_ns > SAMPLE_NS
            if recorded:
                sampled_ns = now_ns
                probe.record(trial, "send", "begin", n=number, detail=message["type"])
            try:
                await send(message)
            except BaseException as error:
                probe.record(trial, "send", "end", n=number, saw=probe.name(error))
                raise
            if recorded:
                probe.record(trial, "send", "end", n=number)

        with probe.span("asgi"):
            await self.app(scope, seen_receive, seen_send)


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


def _saw_in_log(error: BaseException | None, text: str) -> None:
    probe.record(
        probe.trial_of_request.get(),
        "server-log",
        "saw",
        saw=probe.name(error) if error is not None else "error line",
        detail=text.partition("\n")[0][:2000],
    )
