# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi", "sse-starlette", "httpx"]
#
# [tool.hangup]
# title = "sse-starlette"
# ///
from fastapi import FastAPI
from sse_starlette import EventSourceResponse, ServerSentEvent

from apps._stream import encoded

app = FastAPI()


@app.get("/events")
async def events(kind: str):
    return EventSourceResponse(encoded(kind, ServerSentEvent))


@app.get("/plain")
async def plain():
    return {"ok": True}
