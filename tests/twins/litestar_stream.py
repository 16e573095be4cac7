# /// script
# requires-python = ">=3.11"
# dependencies = ["litestar", "httpx"]
#
# [tool.hangup]
# title = "Litestar"
# ///
from litestar import Litestar, get
from litestar.response import Stream

from apps._stream import as_text, encoded


@get("/events")
async def stream(kind: str) -> Stream:
    return Stream(encoded(kind, as_text), media_type="text/event-stream")


@get("/plain")
async def plain() -> dict[str, bool]:
    return {"ok": True}


app = Litestar([stream, plain])
