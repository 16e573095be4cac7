"""The decision page, its heat map, and what the repository's README shows of both."""

from __future__ import annotations

from collections.abc import Collection

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.ranking import ranking
from hangup.model.ranking import QUESTIONS
from hangup.model.servers import server_title
from hangup.model.vocabulary import HANDLERS, Surface
from hangup.report import overview, overview_text
from hangup.report.filters import template_environment
from hangup.report.heat_map import heat_map
from hangup.report.links import HEAT_MAP, OVERVIEW, Links, LinksFromOutside, scenario_page
from hangup.report.overview import Overview
from hangup.report.overview_recipes import RecipesView, verdicts
from hangup.report.overview_shutdowns import SHUTDOWN_CELLS, ShutdownsView
from hangup.report.overview_text import OverviewText
from hangup.report.pages.context import Context, Pages
from hangup.report.symbols import SYMBOLS
from hangup.report.views import groups

ALARMS = (
    ("an exception handler", HANDLERS),
    ("the server's error log", (Surface.SERVER_LOG,)),
    ("Sentry", (Surface.ERROR_REPORT,)),
    ("OpenTelemetry, as an error of the server span", (Surface.SPAN,)),
)
"""What may take a hang-up for an error."""
RESULTS = "results"
"""Where the reference results are in the repository, whose README shows an excerpt of them."""


def pages(context: Context, others: Collection[str]) -> Pages:
    """The page and the picture; the page leads to those of the others that there are."""
    group = context.groups[0]
    view = Overview(context.outcomes, group)
    text = context.render(
        OVERVIEW,
        "README.md.j2",
        view=view,
        ranking=view.ranking,
        group=group,
        write=RecipesView(view.ranking, group.stacks, context.guide, context.cleanup),
        shutdowns=ShutdownsView(context.outcomes, group.with_variants, context.guide),
        text=OverviewText(Links(OVERVIEW), others),
        questions=QUESTIONS,
        symbols=SYMBOLS,
        heat_map=HEAT_MAP,
        alarms=ALARMS,
        shutdown_columns=SHUTDOWN_CELLS,
        seen_at=overview_text.seen_at,
        after=overview_text.AFTER,
        verdicts=verdicts,
        shares=overview_text.shares,
        changes=overview_text.changes,
        server_title=server_title,
    )
    where = f"version set {group.versions}, Python {group.python}"
    return {OVERVIEW: text, HEAT_MAP: heat_map(view.ranking, view.servers, where)}


def excerpt(outcomes: Outcomes) -> str:
    """What the README of the repository shows: what holds on nearly all stacks, and the picture."""
    group = groups(outcomes)[0]
    common = overview.common(outcomes, group.stacks)
    pages = [scenario_page(headline.scenario) for headline in common]
    template = template_environment().get_template("excerpt.md.j2")
    return template.render(
        common=common,
        ranking=ranking(outcomes, group.stacks),
        group=group,
        questions=QUESTIONS,
        text=OverviewText(LinksFromOutside(RESULTS), pages),
        heat_map=f"{RESULTS}/{HEAT_MAP}",
    )
