# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.hangup]
# title = "with pure ASGI middleware"
# surfaces = ["middleware"]
# ///
"""Pure ASGI middleware (Starlette's documentation, "Middleware", "Pure ASGI Middleware")."""

from apps.common.asgi_middleware import ASGIMiddleware


def vary(module):
    module.app.add_middleware(ASGIMiddleware)
    return module.app
