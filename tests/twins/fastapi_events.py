# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi>=0.135", "httpx"]
#
# [tool.hangup]
# title = "FastAPI"
# ///
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

from apps._stream import encoded

app = FastAPI()


def encode(data):
    return ServerSentEvent(raw_data=data)


@app.get("/events", response_class=EventSourceResponse)
async def events(kind: str):
    async for event in encoded(kind, encode):
        yield event


@app.get("/plain")
async def plain():
    return {"ok": True}
