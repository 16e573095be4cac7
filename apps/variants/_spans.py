"""The surface `span`: OpenTelemetry's server span of a request, how it ended and with what.

A processor of spans reports them where they are made; nothing is exported.
"""

from opentelemetry.sdk.trace import SpanProcessor, TracerProvider
from opentelemetry.trace import SpanKind, StatusCode

from hangup.agent import probe

ERROR_STATUS = "error status"
"""How a span ended that has the status ERROR and no exception."""


class _Reporting(SpanProcessor):
    def __init__(self):
        self.trials = {}

    def on_start(self, span, parent_context=None):
        if span.kind is SpanKind.SERVER:
            # It may be ended in another context than the request's.
            trial = self.trials[span.context.span_id] = probe.trial_of_request.get()
            probe.record(trial, "span", "begin")

    def on_end(self, span):
        if span.context.span_id not in self.trials:
            return
        trial = self.trials.pop(span.context.span_id)
        saw = ERROR_STATUS if span.status.status_code is StatusCode.ERROR else None
        for event in span.events:
            if event.name == "exception":
                saw = event.attributes["exception.type"].rpartition(".")[2]
        probe.record(trial, "span", "end", saw=saw, detail=span.status.description)


def tracer_provider():
    """OpenTelemetry's provider of tracers, whose server spans are reported."""
    provider = TracerProvider()
    provider.add_span_processor(_Reporting())
    return provider
