# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.hangup]
# title = "with pure ASGI middleware"
# surfaces = ["middleware"]
# ///
"""ASGI middleware around Quart's ASGI app (its documentation, "How to guides", "Middleware")."""

from apps.common.asgi_middleware import ASGIMiddleware


def vary(module):
    module.app.asgi_app = ASGIMiddleware(module.app.asgi_app)
    return module.app
