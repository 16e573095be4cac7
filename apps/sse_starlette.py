# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi", "sse-starlette", "httpx"]
#
# [tool.hangup]
# title = "sse-starlette `EventSourceResponse` in FastAPI"
# session = "sse_starlette"
# surfaces = [
#     "background", "dependency",
#     "handler", "handler-app-error", "handler-cancelled",
#     "hook:client_close_handler", "event-source-options",
# ]
# variants = [
#     "starlette/function-middleware", "starlette/asgi-middleware", "starlette/gzip",
#     "fastapi/opentelemetry", "sentry",
# ]
# ///
"""sse-starlette in FastAPI: endpoints return its `EventSourceResponse`."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from pydantic import BaseModel
from sse_starlette import EventSourceResponse, ServerSentEvent

from apps.common import AppError, probe, service


async def session():
    with probe.span("dependency"):
        async with service.dependency():
            yield


@asynccontextmanager
async def lifespan(app):
    yield
    await service.shutting_down()


app = FastAPI(dependencies=[Depends(session)], lifespan=lifespan)


class Question(BaseModel):
    prompt: str


def encode(data):
    return ServerSentEvent(data)


async def on_client_close(message):
    probe.saw("hook:client_close_handler")
    await service.client_closed()


def respond(stream):
    return EventSourceResponse(
        stream,
        client_close_handler_callable=on_client_close,
        **service.event_source_options(),
    )


@app.get("/events")
async def events(request: Request, background: BackgroundTasks):
    with probe.span("endpoint"):
        await service.before_answering()
        background.add_task(service.background)
        return respond(service.stream(encode, request.is_disconnected))


@app.post("/events")
async def ask(request: Request, question: Question, background: BackgroundTasks):
    with probe.span("endpoint"):
        await service.before_answering()
        background.add_task(service.background)
        return respond(service.stream(encode, request.is_disconnected))


@app.get("/sync-events")
async def sync_events(background: BackgroundTasks):
    with probe.span("endpoint"):
        await service.before_answering()
        background.add_task(service.background)
        return respond(service.sync_stream(encode))


@app.get("/plain")
async def plain():
    with probe.span("endpoint"):
        await service.before_answering()
        return {"ok": True}


@app.exception_handler(Exception)
async def on_exception(request, error):
    probe.saw("handler", error)
    return JSONResponse({"error": "internal"}, status_code=500)


@app.exception_handler(AppError)
async def on_app_error(request, error):
    probe.saw("handler-app-error", error)
    return JSONResponse({"error": "application"}, status_code=422)


async def on_cancelled(request, error):
    probe.saw("handler-cancelled", error)
    return JSONResponse({"error": "cancelled"}, status_code=499)


with probe.optional_registration("handler-cancelled"):
    # What may be handled is checked only when the middleware stack is built.
    FastAPI(exception_handlers={asyncio.CancelledError: on_cancelled}).build_middleware_stack()
    app.add_exception_handler(asyncio.CancelledError, on_cancelled)
