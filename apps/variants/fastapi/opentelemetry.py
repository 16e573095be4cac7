# /// script
# requires-python = ">=3.11"
# dependencies = ["opentelemetry-instrumentation-fastapi", "opentelemetry-sdk"]
#
# [tool.hangup]
# title = "instrumented by OpenTelemetry"
# surfaces = ["span"]
# ///
"""OpenTelemetry's instrumentation of FastAPI, as its documentation has it."""

from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

from apps.variants._spans import tracer_provider


def vary(module):
    FastAPIInstrumentor.instrument_app(module.app, tracer_provider=tracer_provider())
    return module.app
