"""The outermost ASGI wrapper: reports what passes between the server and the app.

It is the same around every app. It reports each `receive` and `send` and how the call of the
app ends, and changes nothing.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import parse_qs

from hangup.agent import probe

Message = MutableMapping[str, Any]
Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

COLLECT_PATH = "/hangup/collect"
"""A request for this path has the process collect its garbage; the app is not called."""

SENDS_IN_FULL = 600
"""How many sends of a trial are all recorded, at its beginning and again after the disconnect;
others are sampled."""
SAMPLE_NS = 20_000_000
"""The time between two sampled sends."""


class Boundary:
    """Wrap `app`. Requests that belong to no trial are passed on without being reported."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope.get("path") == COLLECT_PATH:
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
        # Neither is reset: when the app has raised, the server logs that in this same context,
        # and the line belongs to this trial.
        probe.trial_of_request.set(trial)
        probe.script_of_request.set(query["script"][0])
        sends = _Sends(trial)

        async def reported_receive() -> Message:
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

        async def reported_send(message: Message) -> None:
            number = sends.begin(message["type"])
            try:
                await send(message)
            except BaseException as error:
                sends.end(number, probe.name(error))
                raise
            sends.end(number)

        probe.record(trial, "scope", "declares", detail=_spec_version(scope))
        with probe.span("asgi"):
            await self.app(scope, reported_receive, reported_send)


def _spec_version(scope: MutableMapping[str, Any]) -> str:
    """The version of the ASGI HTTP specification that the server says it follows.

    A server that does not say so follows 2.0 (ASGI, HTTP, "HTTP Connection Scope").
    """
    return str((scope.get("asgi") or {}).get("spec_version", "2.0"))


class _Sends:
    """Decides which sends of a trial are recorded, so that an endless stream stays cheap."""

    def __init__(self, trial: str) -> None:
        self.trial = trial
        self.count = 0
        self.in_full_until = SENDS_IN_FULL
        self.sampled_ns = 0
        self.unfinished: dict[int, str] = {}
        """The sends that have not returned: number to message type, recorded or not."""
        self.recorded: set[int] = set()
        """Those of them whose beginning is recorded."""

    def begin(self, message_type: str) -> int:
        """A send begins; return its number."""
        self.count += 1
        self.unfinished[self.count] = message_type
        now_ns = time.monotonic_ns()
        if self.count <= self.in_full_until or now_ns - self.sampled_ns > SAMPLE_NS:
            self.sampled_ns = now_ns
            self._record_begin(self.count)
        return self.count

    def end(self, number: int, saw: str | None = None) -> None:
        """A send has returned, or raised what `saw` names; the latter is always recorded."""
        del self.unfinished[number]
        if number in self.recorded or saw is not None:
            self.recorded.discard(number)
            probe.record(self.trial, "send", "end", n=number, saw=saw)

    def record_in_full(self) -> None:
        """Record all sends that are unfinished, and the next `SENDS_IN_FULL`."""
        for number in self.unfinished.keys() - self.recorded:
            self._record_begin(number)
        self.in_full_until = self.count + SENDS_IN_FULL

    def _record_begin(self, number: int) -> None:
        self.recorded.add(number)
        probe.record(self.trial, "send", "begin", n=number, detail=self.unfinished[number])
