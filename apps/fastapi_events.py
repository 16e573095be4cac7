# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi>=0.135", "httpx"]
#
# [tool.hangup]
# title = "FastAPI's own `EventSourceResponse`, a generator endpoint"
# session = "fastapi"
# surfaces = [
#     "background", "dependency",
#     "handler", "handler-app-error", "handler-cancelled",
# ]
# variants = [
#     "starlette/function-middleware", "starlette/asgi-middleware", "starlette/gzip",
#     "fastapi/opentelemetry", "sentry",
# ]
# ///
"""FastAPI's own server-sent events: the endpoint is itself the generator.

So there is one more generator between the framework and the service's stream than in other
apps, and the surface `endpoint` is this outer generator.
"""

import asyncio
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, Depends, FastAPI, Request
from fastapi.responses import JSONResponse
from fastapi.sse import EventSourceResponse, ServerSentEvent
from pydantic import BaseModel

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


@app.get("/events", response_class=EventSourceResponse)
async def events(request: Request, background: BackgroundTasks):
    background.add_task(service.background)
    with probe.span("endpoint"):
        await service.before_answering()
        async for event in service.stream(encode, request.is_disconnected):
            yield event


@app.post("/events", response_class=EventSourceResponse)
async def ask(request: Request, question: Question, background: BackgroundTasks):
    background.add_task(service.background)
    with probe.span("endpoint"):
        await service.before_answering()
        async for event in service.stream(encode, request.is_disconnected):
            yield event


@app.get("/sync-events", response_class=EventSourceResponse)
def sync_events(background: BackgroundTasks):
    background.add_task(service.background)
    with probe.span("endpoint"):
        yield from service.sync_stream(encode)


def encode(data):
    return ServerSentEvent(raw_data=data)


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
