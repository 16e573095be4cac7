# /// script
# requires-python = ">=3.11"
# dependencies = []
#
# [tool.hangup]
# title = "with gzip compression"
# surfaces = []
# ///
"""Litestar's compression with the backend `gzip` (its documentation, "Middleware")."""

from litestar.config.compression import CompressionConfig


def vary(module):
    return module.create_app(compression_config=CompressionConfig(backend="gzip"))
