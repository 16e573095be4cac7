# /// script
# requires-python = ">=3.11"
# dependencies = ["quart", "anyio", "httpx"]
#
# [tool.hangup]
# title = "Quart"
# ///
from quart import Quart, make_response, request

from apps._stream import encoded

app = Quart(__name__)


def encode(data):
    return f"data: {data}\n\n".encode()


@app.get("/events")
async def events():
    response = await make_response(
        encoded(request.args["kind"], encode),
        {
            "Content-Type": "text/event-stream",
            "Cache-Control": "no-cache",
            "Transfer-Encoding": "chunked",
        },
    )
    response.timeout = None
    return response


@app.get("/plain")
async def plain():
    return {"ok": True}
