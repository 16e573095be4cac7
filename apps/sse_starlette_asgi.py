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
"""The app `sse-starlette`, with pure ASGI middleware instead of function-style middleware.

Function-style middleware (`BaseHTTPMiddleware`) runs the app in a task of its own and passes
the stream's chunks on, so it takes part in what happens at a disconnect. Pure ASGI middleware
does not (Starlette's documentation, "Middleware", "Pure ASGI Middleware").
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
