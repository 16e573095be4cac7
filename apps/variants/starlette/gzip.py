# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.hangup]
# title = "with `GZipMiddleware`"
# surfaces = []
# ///
"""Starlette's `GZipMiddleware` with its defaults (its documentation, "Middleware")."""

from starlette.middleware.gzip import GZipMiddleware


def vary(module):
    module.app.add_middleware(GZipMiddleware)
    return module.app
