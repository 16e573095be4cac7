# /// script
# requires-python = ">=3.11"
# dependencies = ["anyio", "httpx"]
#
# [tool.hangup]
# title = "plain ASGI callable"
# session = "bare"
# surfaces = []
# unsupported = ["sync", "is-disconnected"]
# ///
"""A plain ASGI callable without a framework: the reference that frameworks are compared with.

It streams in one task, awaits `http.disconnect` in another, and cancels the first when that
message comes (ASGI specification, "HTTP & WebSocket ASGI Message Format", `Disconnect -
receive event`). AnyIO is installed only for the clean-up that uses it, httpx for the source
that relays.
"""

import asyncio
import json

from apps.common import probe, service


def encode(data):
    return f"data: {data}\n\n".encode()


async def app(scope, receive, send):
    match scope["type"], scope.get("method"), scope.get("path"):
        case "lifespan", _, _:
            await lifespan(receive, send)
        case "http", "GET", "/events":
            await events(receive, send)
        case "http", "POST", "/events":
            await ask(receive, send)
        case "http", "GET", "/plain":
            await plain(send)
        case _:
            await answer(send, 404, b"not found")


async def lifespan(receive, send):
    await receive()
    await send({"type": "lifespan.startup.complete"})
    await receive()
    await service.shutting_down()
    await send({"type": "lifespan.shutdown.complete"})


async def plain(send):
    with probe.span("endpoint"):
        await service.before_answering()
    await answer(send, 200, b'{"ok": true}')


async def events(receive, send):
    with probe.span("endpoint"):
        await service.before_answering()
        stream = service.stream(encode)
    await respond(stream, receive, send)


async def ask(receive, send):
    body = b""
    while (message := await receive())["type"] == "http.request":
        body += message["body"]
        if not message["more_body"]:
            break
    json.loads(body)
    await events(receive, send)


async def answer(send, status, body):
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})


async def respond(stream, receive, send):
    sending = asyncio.create_task(send_events(stream, send))
    listening = asyncio.create_task(listen_for_disconnect(receive))
    try:
        await asyncio.wait({sending, listening}, return_when=asyncio.FIRST_COMPLETED)
    finally:
        sending.cancel()
        listening.cancel()
        await asyncio.wait({sending, listening})
    if not sending.cancelled():
        sending.result()


async def send_events(stream, send):
    headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-store")]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    async for chunk in stream:
        await send({"type": "http.response.body", "body": chunk, "more_body": True})
    await send({"type": "http.response.body", "body": b""})


async def listen_for_disconnect(receive):
    while (await receive())["type"] != "http.disconnect":
        pass
