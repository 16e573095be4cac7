# /// script
# requires-python = ">=3.11"
# dependencies = ["opentelemetry-instrumentation-asgi", "opentelemetry-sdk"]
#
# [tool.hangup]
# title = "instrumented by OpenTelemetry"
# surfaces = ["span"]
# ///
"""OpenTelemetry's middleware for ASGI, around Quart's ASGI app as its documentation has it."""

from opentelemetry.instrumentation.asgi import OpenTelemetryMiddleware

from apps.variants._spans import tracer_provider


def vary(module):
    module.app.asgi_app = OpenTelemetryMiddleware(
        module.app.asgi_app, tracer_provider=tracer_provider()
    )
    return module.app
