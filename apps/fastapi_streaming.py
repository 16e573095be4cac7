# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi", "httpx"]
#
# [tool.hangup]
# title = "FastAPI, `StreamingResponse` returned by the endpoint"
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
"""FastAPI: endpoints return a `StreamingResponse` over the service's stream."""

import asyncio
from contextlib import asynccontextmanager

from fastapi import BackgroundTasks, Depends, FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
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


def encode(data):
    return f"data: {data}\n\n"


@app.get("/events")
async def events(request: Request, background: BackgroundTasks):
    with probe.span("endpoint"):
        await service.before_answering()
        background.add_task(service.background)
        stream = service.stream(encode, request.is_disconnected)
        return StreamingResponse(stream, media_type="text/event-stream")


@app.post("/events")
async def ask(request: Request, question: Question, background: BackgroundTasks):
    with probe.span("endpoint"):
        await service.before_answering()
        background.add_task(service.background)
        stream = service.stream(encode, request.is_disconnected)
        return StreamingResponse(stream, media_type="text/event-stream")


@app.get("/sync-events")
async def sync_events(background: BackgroundTasks):
    with probe.span("endpoint"):
        await service.before_answering()
        background.add_task(service.background)
        return StreamingResponse(service.sync_stream(encode), media_type="text/event-stream")


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
