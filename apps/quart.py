# /// script
# requires-python = ">=3.11"
# dependencies = ["quart", "anyio", "httpx"]
#
# [tool.hangup]
# title = "Quart, streamed response"
# session = "quart"
# surfaces = [
#     "handler", "handler-app-error", "handler-cancelled",
#     "hook:after_request", "hook:got_request_exception", "hook:teardown_request",
# ]
# unsupported = ["is-disconnected"]
# variants = ["quart/asgi-middleware", "quart/opentelemetry", "sentry"]
# ///
"""Quart: a streamed response, as its documentation has it for server-sent events.

See "How to guides", "Server Sent Events". AnyIO is installed only for the clean-up that
uses it, httpx for the source that relays; Quart needs neither.
"""

import asyncio

from quart import Quart, got_request_exception, make_response, request

from apps.common import AppError, probe, service

app = Quart(__name__)


def encode(data):
    return f"data: {data}\n\n".encode()


async def respond(stream):
    response = await make_response(
        stream,
        {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "Transfer-Encoding": "chunked",
        },
    )
    response.timeout = None
    return response


@app.get("/events")
async def events():
    with probe.span("endpoint"):
        await service.before_answering()
        return await respond(service.stream(encode))


@app.post("/events")
async def ask():
    with probe.span("endpoint"):
        await request.get_json()
        await service.before_answering()
        return await respond(service.stream(encode))


@app.get("/sync-events")
async def sync_events():
    with probe.span("endpoint"):
        await service.before_answering()
        return await respond(service.sync_stream(encode))


@app.get("/plain")
async def plain():
    with probe.span("endpoint"):
        await service.before_answering()
        return {"ok": True}


@app.errorhandler(Exception)
async def on_exception(error):
    probe.saw("handler", error)
    return {"error": "internal"}, 500


@app.errorhandler(AppError)
async def on_app_error(error):
    probe.saw("handler-app-error", error)
    return {"error": "application"}, 422


with probe.optional_registration("handler-cancelled"):

    @app.errorhandler(asyncio.CancelledError)
    async def on_cancelled(error):
        probe.saw("handler-cancelled", error)
        return {"error": "cancelled"}, 499


@app.after_request
async def after_request(response):
    probe.saw("hook:after_request")
    return response


@app.teardown_request
async def teardown_request(error):
    probe.saw("hook:teardown_request", error)


@got_request_exception.connect_via(app)
async def on_got_request_exception(sender, exception, **extra):
    probe.saw("hook:got_request_exception", exception)


@app.after_serving
async def after_serving():
    await service.shutting_down()
