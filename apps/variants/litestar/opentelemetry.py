# /// script
# requires-python = ">=3.11"
# dependencies = ["opentelemetry-instrumentation-asgi", "opentelemetry-sdk"]
#
# [tool.hangup]
# title = "instrumented by OpenTelemetry"
# surfaces = ["span"]
# ///
"""Litestar's plugin for OpenTelemetry (its documentation, "Metrics")."""

from litestar.plugins.opentelemetry import OpenTelemetryConfig, OpenTelemetryPlugin

from apps.variants._spans import tracer_provider


def vary(module):
    config = OpenTelemetryConfig(tracer_provider=tracer_provider())
    return module.create_app(plugins=[OpenTelemetryPlugin(config)])
