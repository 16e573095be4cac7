"""The decision page, its heat map, and what the repository's README shows of both."""

from __future__ import annotations

from collections.abc import Collection

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.ranking import ranking
from hangup.model.ranking import QUESTIONS
from hangup.model.vocabulary import HANDLERS, Surface
from hangup.report import decision, decision_text
from hangup.report.decision import DecisionView
from hangup.report.decision_recipes import RecipesView, worst
from hangup.report.decision_shutdowns import SHUTDOWN_CELLS, ShutdownsView
from hangup.report.decision_text import DecisionText
from hangup.report.filters import template_environment
from hangup.report.heat_map import heat_map
from hangup.report.links import DECISION, HEAT_MAP, Links, scenario_page
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


class _FromRepository(Links):
    """Links from the README of the repository into its results."""

    def relative(self, target: str) -> str:
        return f"{RESULTS}/{super().relative(target)}"


def pages(context: Context, others: Collection[str]) -> Pages:
    """The page and the picture; the page leads to those of the others that there are."""
    group = context.groups[0]
    view = DecisionView(context.outcomes, group)
    text = context.render(
        DECISION,
        "README.md.j2",
        view=view,
        ranking=view.ranking,
        group=group,
        write=RecipesView(view.ranking, group.stacks, context.guide, context.cleanup),
        shutdowns=ShutdownsView(context.outcomes, group.with_variants),
        text=DecisionText(Links(DECISION), others),
        questions=QUESTIONS,
        symbols=SYMBOLS,
        heat_map=HEAT_MAP,
        alarms=ALARMS,
        shutdown_columns=SHUTDOWN_CELLS,
        seen_at=decision_text.seen_at,
        after=decision_text.AFTER,
        worst=worst,
        shares=decision_text.shares,
        changes=decision_text.changes,
        server_title=decision_text.server_title,
    )
    where = f"version set {group.versions}, Python {group.python}"
    return {DECISION: text, HEAT_MAP: heat_map(view.ranking, view.servers, where)}


def excerpt(outcomes: Outcomes) -> str:
    """What the README of the repository shows: what holds on nearly all stacks, and the picture."""
    group = groups(outcomes)[0]
    common = decision.common(outcomes, group.stacks)
    pages = [scenario_page(headline.scenario) for headline in common]
    template = template_environment().get_template("excerpt.md.j2")
    return template.render(
        common=common,
        ranking=ranking(outcomes, group.stacks),
        group=group,
        questions=QUESTIONS,
        text=DecisionText(_FromRepository(DECISION), pages),
        heat_map=f"{RESULTS}/{HEAT_MAP}",
    )
