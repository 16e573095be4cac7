"""The outermost ASGI wrapper: what it records, and that it changes nothing."""

from __future__ import annotations

import asyncio
import gc
from typing import Any
from urllib.parse import urlencode

import pytest

from apps.common import service
from hangup.agent import boundary, probe
from hangup.agent.boundary import Boundary, Message
from hangup.runner.client import COLLECT_PATH
from tests.agent_trace import AgentTrace

DISCONNECT: Message = {"type": "http.disconnect"}
START: Message = {"type": "http.response.start", "status": 200, "headers": []}
SCOPE = {
    "type": "http",
    "query_string": urlencode({"trial": "t", "script": '{"events": 7}'}).encode(),
}


async def receive() -> Message:
    return DISCONNECT


async def send(message: Message) -> None:
    assert message is START


def called(app: boundary.App, scope: dict[str, Any] = SCOPE) -> None:
    asyncio.run(Boundary(app)(scope, receive, send))


def test_messages_are_passed_on_unchanged(trace: AgentTrace) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert scope is SCOPE
        assert await receive() is DISCONNECT
        assert await send(START) is None

    called(app)
    assert trace.of("receive") == ["begin", "end http.disconnect"]
    assert trace.of("send") == ["begin", "end"]
    assert trace.of("asgi") == ["begin", "end"]
    assert {event["trial"] for event in trace.events} == {"t"}


@pytest.mark.parametrize(
    ("asgi", "declared"),
    [
        ({"asgi": {"version": "3.0", "spec_version": "2.4"}}, "2.4"),
        ({"asgi": {"version": "3.0"}}, "2.0"),
        ({}, "2.0"),
    ],
)
def test_the_spec_version_that_the_server_declares_is_reported(
    trace: AgentTrace, asgi: dict[str, Any], declared: str
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send(START)

    called(app, SCOPE | asgi)
    (event,) = (event for event in trace.events if event["surface"] == "scope")
    assert (event["event"], event["detail"], event["trial"]) == ("declares", declared, "t")


def test_trial_and_script_are_set_for_the_request(trace: AgentTrace) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        assert probe.trial_of_request.get() == "t"
        assert service.script_of_request().events == 7

    called(app)


@pytest.mark.parametrize("error", [OSError("gone"), asyncio.CancelledError()])
@pytest.mark.parametrize("side", ["receive", "send"])
def test_what_the_server_raises_is_raised_in_the_app_and_passed_on_unchanged(
    trace: AgentTrace, side: str, error: BaseException
) -> None:
    async def fails(message: Any = None) -> Message:
        raise error

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (receive() if side == "receive" else send(START))

    async def main() -> None:
        with pytest.raises(type(error)) as raised:
            await Boundary(app)(SCOPE, fails, fails)  # type: ignore[arg-type]
        assert raised.value is error

    asyncio.run(main())
    named = type(error).__name__
    assert trace.of(side) == ["begin", f"end {named}"]
    assert trace.of("asgi") == ["begin", f"end {named}"]


@pytest.mark.parametrize(
    "scope",
    [{"type": "http", "query_string": b"a=b"}, {"type": "lifespan"}, {"type": "websocket"}],
    ids=["another request", "the lifespan", "a websocket"],
)
def test_a_request_without_a_trial_is_passed_on_and_not_recorded(
    trace: AgentTrace, scope: dict[str, Any]
) -> None:
    seen: list[object] = []

    async def app(*passed: Any) -> None:
        seen.extend(passed)

    called(app, scope)
    assert all(ours is theirs for ours, theirs in zip(seen, (scope, receive, send), strict=True))
    assert trace.events == []


def test_an_endless_stream_is_sampled_and_a_send_that_raises_is_always_recorded(
    trace: AgentTrace,
) -> None:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(boundary.SENDS_IN_FULL + 5000):
            await send(START)
        await send({"type": "last"})

    async def fails_at_last(message: Message) -> None:
        if message["type"] == "last":
            raise OSError

    async def main() -> None:
        with pytest.raises(OSError):  # noqa: PT011 - whichever
            await Boundary(app)(SCOPE, receive, fails_at_last)

    asyncio.run(main())
    sends = [event for event in trace.events if event["surface"] == "send"]
    assert len(sends) < 2 * (boundary.SENDS_IN_FULL + 5000)
    assert (sends[-1]["saw"], sends[-1]["n"]) == ("OSError", boundary.SENDS_IN_FULL + 5001)


def test_after_the_disconnect_all_sends_are_recorded_again(trace: AgentTrace) -> None:
    flood = boundary.SENDS_IN_FULL + 5000

    async def app(scope: Any, receive: Any, send: Any) -> None:
        for _ in range(flood):
            await send(START)
        await receive()
        await send(START)

    called(app)
    sends = [(e["n"], e["event"]) for e in trace.events if e["surface"] == "send"]
    assert sends[-2:] == [(flood + 1, "begin"), (flood + 1, "end")]
    assert len(sends) < 2 * flood


def test_a_send_that_is_unfinished_at_the_disconnect_is_recorded(
    trace: AgentTrace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(boundary, "SENDS_IN_FULL", 0)
    monkeypatch.setattr(boundary, "SAMPLE_NS", 10**18)

    async def main() -> None:
        goes_through = asyncio.Event()

        async def slow_send(message: Message) -> None:
            await goes_through.wait()

        async def app(scope: Any, receive: Any, send: Any) -> None:
            sending = asyncio.create_task(send(START))
            await asyncio.sleep(0)
            assert trace.of("send") == []
            await receive()
            goes_through.set()
            await sending

        await Boundary(app)(SCOPE, receive, slow_send)

    asyncio.run(main())
    assert trace.of("send") == ["begin", "end"]


def test_a_request_to_collect_garbage_collects_and_does_not_call_the_app(trace: AgentTrace) -> None:
    sent: list[Message] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        raise AssertionError("the app was called")

    async def keep(message: Message) -> None:
        sent.append(message)

    gc.disable()
    try:
        cycle: list[object] = []
        generator = (number for number in (1, 2))
        probe.watch_finalization(generator, "t", "stream")
        cycle += [cycle, generator]
        del cycle, generator
        asyncio.run(Boundary(app)({"type": "http", "path": COLLECT_PATH}, receive, keep))
    finally:
        gc.enable()
    assert trace.of("stream") == [f"dropped {probe.GARBAGE_COLLECTED}"]
    assert sent[0]["status"] == 204
