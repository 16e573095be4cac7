"""The report and the pages beside it."""

from __future__ import annotations

from collections.abc import Mapping

from hangup.analysis.coverage import tracing_effect
from hangup.analysis.summary import same_events
from hangup.analysis.upstream import cost_rows
from hangup.model import scenarios
from hangup.model.claims import CLAIMS
from hangup.model.vocabulary import Surface
from hangup.report.claims import ClaimsView
from hangup.report.links import REPORT
from hangup.report.pages.context import Context, Pages
from hangup.report.views import GLANCE_COLUMNS

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

PARTS: Mapping[str, str] = {
    "relays": "streams that relay",
    "polling": "streams that poll for the disconnect",
    "shutdowns": "other shutdowns than by SIGTERM while a stream is open",
    "recipes": "recipes for clean-up",
    "exception-paths": "exception paths",
}
"""What a run that is not thorough leaves out."""
CHAPTERS = ("apps", "effects", "handlers", "upstream")
"""The pages beside the report, each a template of that name."""


def pages(context: Context) -> Pages:
    """The report and its chapters."""
    outcomes, grouped = context.outcomes, context.groups
    data = {
        "claims": CLAIMS,
        "verdicts": ClaimsView(context.verdicts),
        "costs": cost_rows(outcomes),
        "tracing": tracing_effect(outcomes, [s for group in grouped for s in group.stacks]),
        "same_events": same_events(outcomes),
        "handled_scenarios": [scenarios.BY_ID[name] for name in HANDLED_SCENARIOS],
        "glance_columns": GLANCE_COLUMNS,
        "parts": PARTS,
        "where": WHERE,
        "why": WHY,
    }
    templates = {REPORT: "report.md.j2"}
    templates |= {f"{name}.md": f"{name}.md.j2" for name in CHAPTERS}
    return {page: context.render(page, template, **data) for page, template in templates.items()}
