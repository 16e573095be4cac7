"""A page for every scenario: how it came out, and what every surface saw."""

from __future__ import annotations

from hangup.report.links import scenario_page
from hangup.report.pages.context import Context, Pages
from hangup.report.scenario_view import ScenarioView


def pages(context: Context) -> Pages:
    """A page for every scenario that was run, or asked of an app that has not what it needs."""
    found = {}
    for scenario in context.scenarios:
        view = ScenarioView(context.outcomes, context.groups, scenario)
        page = scenario_page(scenario.id)
        found[page] = context.render(page, "scenario.md.j2", scenario=scenario, view=view)
    return found
