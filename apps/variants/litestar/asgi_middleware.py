# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.hangup]
# title = "with pure ASGI middleware"
# surfaces = ["middleware"]
# ///
"""ASGI middleware, given to Litestar when the app is made (its documentation, "Middleware")."""

from apps.common.asgi_middleware import ASGIMiddleware


def vary(module):
    return module.create_app(middleware=[ASGIMiddleware])
