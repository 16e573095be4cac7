# /// script
# requires-python = ">=3.11"
# dependencies = ["opentelemetry-instrumentation-starlette", "opentelemetry-sdk"]
#
# [tool.hangup]
# title = "instrumented by OpenTelemetry"
# surfaces = ["span"]
# ///
"""OpenTelemetry's instrumentation of Starlette, as its documentation has it."""

from opentelemetry.instrumentation.starlette import StarletteInstrumentor

from apps.variants._spans import tracer_provider


def vary(module):
    StarletteInstrumentor.instrument_app(module.app, tracer_provider=tracer_provider())
    return module.app
