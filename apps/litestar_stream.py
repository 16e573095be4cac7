# /// script
# requires-python = ">=3.11"
# dependencies = ["litestar", "httpx"]
#
# [tool.hangup]
# title = "Litestar `Stream`"
# session = "litestar"
# surfaces = [
#     "background", "dependency",
#     "handler", "handler-app-error", "handler-cancelled",
#     "hook:after_exception", "hook:after_request", "hook:after_response",
# ]
# unsupported = ["is-disconnected"]
# variants = [
#     "litestar/asgi-middleware", "litestar/gzip", "litestar/opentelemetry", "sentry",
# ]
# ///
"""Litestar: handlers return a `Stream` over the service's stream."""

import asyncio
from dataclasses import dataclass

from litestar import Litestar, Response, get, post
from litestar.background_tasks import BackgroundTask
from litestar.di import Provide
from litestar.response import Stream

from apps.common import AppError, probe, service


@dataclass
class Question:
    prompt: str


async def provide_session():
    with probe.span("dependency"):
        async with service.dependency():
            yield "session"


def encode(data):
    return f"data: {data}\n\n"


def respond(stream):
    return Stream(
        stream,
        media_type="text/event-stream",
        background=BackgroundTask(service.background),
    )


@get("/events")
async def events(session: str) -> Stream:
    with probe.span("endpoint"):
        await service.before_answering()
        return respond(service.stream(encode))


@post("/events")
async def ask(data: Question, session: str) -> Stream:
    with probe.span("endpoint"):
        await service.before_answering()
        return respond(service.stream(encode))


@get("/sync-events")
async def sync_events(session: str) -> Stream:
    with probe.span("endpoint"):
        await service.before_answering()
        return respond(service.sync_stream(encode))


@get("/plain")
async def plain(session: str) -> dict[str, bool]:
    with probe.span("endpoint"):
        await service.before_answering()
        return {"ok": True}


def on_exception(request, error):
    probe.saw("handler", error)
    return Response({"error": "internal"}, status_code=500)


def on_app_error(request, error):
    probe.saw("handler-app-error", error)
    return Response({"error": "application"}, status_code=422)


def on_cancelled(request, error):
    probe.saw("handler-cancelled", error)
    return Response({"error": "cancelled"}, status_code=499)


async def after_exception(error, scope):
    probe.saw("hook:after_exception", error)


async def after_request(response):
    probe.saw("hook:after_request")
    return response


async def after_response(request):
    probe.saw("hook:after_response")


exception_handlers = {Exception: on_exception, AppError: on_app_error}
with probe.optional_registration("handler-cancelled"):
    Litestar(exception_handlers={asyncio.CancelledError: on_cancelled})
    exception_handlers[asyncio.CancelledError] = on_cancelled


def create_app(**options):
    return Litestar(
        route_handlers=[events, ask, sync_events, plain],
        dependencies={"session": Provide(provide_session)},
        exception_handlers=exception_handlers,
        after_exception=[after_exception],
        after_request=after_request,
        after_response=after_response,
        on_shutdown=[service.shutting_down],
        **options,
    )


app = create_app()
