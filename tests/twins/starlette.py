# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "httpx"]
#
# [tool.hangup]
# title = "starlette"
# ///
from starlette.applications import Starlette
from starlette.responses import JSONResponse, StreamingResponse
from starlette.routing import Route

from apps._stream import as_text, encoded


async def events(request):
    stream = encoded(request.query_params["kind"], as_text)
    return StreamingResponse(stream, media_type="text/event-stream")


async def plain(request):
    return JSONResponse({"ok": True})


app = Starlette(routes=[Route("/events", events), Route("/plain", plain)])
