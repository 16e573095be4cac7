"""The pages beside the decision page that have no module of their own."""

from __future__ import annotations

from hangup.analysis.coverage import tracing_effect
from hangup.analysis.upstream import cost_rows
from hangup.model import scenarios
from hangup.model.claims import CLAIMS
from hangup.model.vocabulary import Surface
from hangup.report.claims import ClaimsView
from hangup.report.pages.context import Context, Pages

HANDLED_SCENARIOS = (
    "plain-error",
    "plain-app-error",
    "plain-cancelled",
    "error-in-endpoint",
    "error-before-first-event",
    "error-mid-stream",
    "app-error-mid-stream",
    "timeout-in-stream",
    "idle",
    "ticking",
    "backpressure",
    "before-response",
)
"""What the table of handlers sets side by side: ordinary errors first, then disconnects."""

WHERE = (
    ("Closed while the stream awaits its source", "idle", Surface.STREAM_END),
    ("Closed while events go out", "ticking", Surface.STREAM_END),
    ("Closed under back-pressure", "backpressure", Surface.STREAM_END),
    ("Closed before the endpoint has answered", "before-response", Surface.ENDPOINT),
    ("SIGTERM while the stream is open", "shutdown", Surface.STREAM_END),
)
"""Where an app's stream is notified of a disconnect: what stands first."""
WHY = (
    ("Closed while it awaits its source", "idle"),
    ("Closed under back-pressure", "backpressure"),
    ("An ordinary error in the stream", "error-mid-stream"),
)
"""What is explained by an exception path."""

CHAPTERS = ("apps", "effects", "handlers", "upstream")
"""The pages, each a template of that name."""


def pages(context: Context) -> Pages:
    """The chapters."""
    outcomes, grouped = context.outcomes, context.groups
    data = {
        "claims": CLAIMS,
        "verdicts": ClaimsView(context.verdicts),
        "costs": cost_rows(outcomes),
        "tracing": tracing_effect(outcomes, [s for group in grouped for s in group.stacks]),
        "handled_scenarios": [scenarios.BY_ID[name] for name in HANDLED_SCENARIOS],
        "where": WHERE,
        "why": WHY,
    }
    templates = {f"{name}.md": f"{name}.md.j2" for name in CHAPTERS}
    return {page: context.render(page, template, **data) for page, template in templates.items()}
