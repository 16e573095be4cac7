# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "httpx"]
#
# [tool.hangup]
# title = "Starlette `StreamingResponse`, without function-style middleware"
# session = "starlette"
# surfaces = ["background", "handler", "handler-app-error", "handler-cancelled", "middleware"]
# ///
"""The app `starlette`, with pure ASGI middleware instead of function-style middleware.

Function-style middleware (`BaseHTTPMiddleware`) runs the app in a task of its own and passes
the stream's chunks on, so it takes part in what happens at a disconnect. Pure ASGI middleware
does not (Starlette's documentation, "Middleware", "Pure ASGI Middleware").
"""

from starlette.middleware import Middleware

from apps.common import probe
from apps.starlette import app


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
