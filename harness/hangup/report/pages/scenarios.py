"""A page for every scenario: what every surface saw."""

from __future__ import annotations

from hangup.report.links import scenario_page
from hangup.report.pages.context import Context, Pages


def pages(context: Context) -> Pages:
    """A page for every scenario that was run."""
    found = {}
    for scenario in context.scenarios:
        page = scenario_page(scenario.id)
        found[page] = context.render(page, "scenario.md.j2", scenario=scenario)
    return found
