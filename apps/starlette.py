# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "httpx"]
#
# [tool.hangup]
# title = "Starlette `StreamingResponse`"
# session = "starlette"
# surfaces = ["background", "handler", "handler-app-error", "handler-cancelled"]
# variants = [
#     "starlette/function-middleware", "starlette/asgi-middleware", "starlette/gzip",
#     "starlette/opentelemetry", "sentry",
# ]
# ///
"""Starlette: endpoints return a `StreamingResponse` over the service's stream."""

import asyncio
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from apps.common import AppError, probe, service


def encode(data):
    return f"data: {data}\n\n"


def respond(stream):
    return StreamingResponse(
        stream,
        media_type="text/event-stream",
        background=BackgroundTask(service.background),
    )


async def events(request):
    with probe.span("endpoint"):
        await service.before_answering()
        return respond(service.stream(encode, request.is_disconnected))


async def ask(request):
    with probe.span("endpoint"):
        await request.json()
        await service.before_answering()
        return respond(service.stream(encode, request.is_disconnected))


async def sync_events(request):
    with probe.span("endpoint"):
        await service.before_answering()
        return respond(service.sync_stream(encode))


async def plain(request):
    with probe.span("endpoint"):
        await service.before_answering()
        return JSONResponse({"ok": True})


async def on_exception(request, error):
    probe.saw("handler", error)
    return JSONResponse({"error": "internal"}, status_code=500)


async def on_app_error(request, error):
    probe.saw("handler-app-error", error)
    return JSONResponse({"error": "application"}, status_code=422)


async def on_cancelled(request, error):
    probe.saw("handler-cancelled", error)
    return JSONResponse({"error": "cancelled"}, status_code=499)


@asynccontextmanager
async def lifespan(app):
    yield
    await service.shutting_down()


app = Starlette(
    routes=[
        Route("/events", events),
        Route("/events", ask, methods=["POST"]),
        Route("/sync-events", sync_events),
        Route("/plain", plain),
    ],
    lifespan=lifespan,
    exception_handlers={Exception: on_exception, AppError: on_app_error},
)
with probe.optional_registration("handler-cancelled"):
    # What may be handled is checked only when the middleware stack is built.
    Starlette(exception_handlers={asyncio.CancelledError: on_cancelled}).build_middleware_stack()
    app.add_exception_handler(asyncio.CancelledError, on_cancelled)
