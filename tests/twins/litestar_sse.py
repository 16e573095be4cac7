# /// script
# requires-python = ">=3.11"
# dependencies = ["litestar", "httpx"]
#
# [tool.hangup]
# title = "Litestar"
# ///
from litestar import Litestar, get
from litestar.response import ServerSentEvent

from apps._stream import events


@get("/events")
async def stream(kind: str) -> ServerSentEvent:
    return ServerSentEvent(events(kind))


@get("/plain")
async def plain() -> dict[str, bool]:
    return {"ok": True}


app = Litestar([stream, plain])
