# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi", "httpx"]
#
# [tool.hangup]
# title = "FastAPI"
# ///
from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from apps._stream import as_text, encoded

app = FastAPI()


@app.get("/events")
async def events(kind: str):
    return StreamingResponse(encoded(kind, as_text), media_type="text/event-stream")


@app.get("/plain")
async def plain():
    return {"ok": True}
