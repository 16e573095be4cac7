# /// script
# requires-python = ">=3.11"
# dependencies = ["fastapi", "sse-starlette", "httpx"]
#
# [tool.hangup]
# title = "sse-starlette `EventSourceResponse` in FastAPI, without function-style middleware"
# session = "sse_starlette"
# surfaces = [
#     "background", "dependency",
#     "handler", "handler-app-error", "handler-cancelled", "middleware",
#     "hook:client_close_handler",
# ]
# ///
"""`sse-starlette`, with its middleware written as pure ASGI instead of as a function.

Function-style middleware (`BaseHTTPMiddleware`) stands between the stream and the server,
and so has a part in what happens to the stream. This app is there for the difference
(Starlette's documentation, "Middleware", "Pure ASGI Middleware").
"""

from starlette.middleware import Middleware

from apps.common import probe
from apps.sse_starlette import app


class PureMiddleware:
    def __init__(self, app):
        self.app = app

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with probe.span("middleware"):
            await self.app(scope, receive, send)


app.user_middleware = [Middleware(PureMiddleware)]
