# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.hangup]
# title = "with function-style middleware (`BaseHTTPMiddleware`)"
# surfaces = ["middleware"]
# recipes = true
# ///
"""Function-style middleware, as FastAPI's `@app.middleware("http")` adds it.

`BaseHTTPMiddleware` runs what it is around in a task of its own and passes the response's chunks
on (Starlette's documentation, "Middleware", "BaseHTTPMiddleware").
"""

from starlette.middleware.base import BaseHTTPMiddleware

from apps.common import probe


async def middleware(request, call_next):
    with probe.span("middleware"):
        return await call_next(request)


def vary(module):
    module.app.add_middleware(BaseHTTPMiddleware, dispatch=middleware)
    return module.app
