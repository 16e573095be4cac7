"""The pages beside the decision page that have no module of their own."""

from __future__ import annotations

from collections.abc import Mapping

from hangup.analysis.coverage import tracing_effect
from hangup.analysis.hazards import found_hazards
from hangup.analysis.summary import same_events
from hangup.analysis.upstream import cost_rows
from hangup.model import scenarios
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

PARTS: Mapping[str, str] = {
    "relays": "streams that relay",
    "polling": "streams that poll for the disconnect",
    "shutdowns": "other shutdowns than by SIGTERM while a stream is open",
    "recipes": "recipes for clean-up",
    "exception-paths": "exception paths",
}
"""What a run that is not thorough leaves out."""
CHAPTERS = ("effects", "handlers", "hazards", "upstream", "cleanup")
"""The pages, each a template of that name."""


def pages(context: Context) -> Pages:
    """The chapters."""
    outcomes, grouped = context.outcomes, context.groups
    data = {
        "hazards": [
            found
            for found in found_hazards(outcomes)
            if any(group.places(found) for group in grouped)
        ],
        "costs": cost_rows(outcomes),
        "tracing": tracing_effect(outcomes, [s for group in grouped for s in group.stacks]),
        "same_events": same_events(outcomes),
        "handled_scenarios": [scenarios.BY_ID[name] for name in HANDLED_SCENARIOS],
        "parts": PARTS,
    }
    templates = {f"{name}.md": f"{name}.md.j2" for name in CHAPTERS}
    return {page: context.render(page, template, **data) for page, template in templates.items()}
