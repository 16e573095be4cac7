"""The pages beside the decision page that have no module of their own."""

from __future__ import annotations

from hangup.analysis.coverage import tracing_effect
from hangup.model.claims import CLAIMS
from hangup.model.vocabulary import Surface
from hangup.report.claims import ClaimsView
from hangup.report.pages.context import Context, Pages

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

CHAPTERS = ("apps",)
"""The pages, each a template of that name."""


def pages(context: Context) -> Pages:
    """The chapters."""
    outcomes, grouped = context.outcomes, context.groups
    data = {
        "claims": CLAIMS,
        "verdicts": ClaimsView(context.verdicts),
        "tracing": tracing_effect(outcomes, [s for group in grouped for s in group.stacks]),
        "where": WHERE,
        "why": WHY,
    }
    templates = {f"{name}.md": f"{name}.md.j2" for name in CHAPTERS}
    return {page: context.render(page, template, **data) for page, template in templates.items()}
