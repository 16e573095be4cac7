"""The page on hazards: what was found on baselines that hurts in production, and where."""

from __future__ import annotations

from hangup.analysis.hazards import found_hazards
from hangup.report.hazard_table import hazard_rows
from hangup.report.pages.context import Context, Pages

PAGE = "hazards.md"


def pages(context: Context) -> Pages:
    """The page, also where no hazard was found."""
    rows = hazard_rows(context.outcomes, context.groups, found_hazards(context.outcomes))
    return {PAGE: context.render(PAGE, "hazards.md.j2", rows=rows)}
