"""A page for every app: where hang-ups surface in it, why, what to write, and what changes it."""

from __future__ import annotations

from hangup.analysis.hazards import found_hazards
from hangup.analysis.minority import app_verdicts, minority
from hangup.model.claims import BY_ID as CLAIMS
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.variants import baseline_id
from hangup.model.vocabulary import Surface
from hangup.report.apps import PLAIN, AppView, written_on
from hangup.report.links import app_page
from hangup.report.pages.context import Context, Pages
from hangup.report.pages.figures import figure_page, figures

SHUTDOWN = "shutdown"
"""What is said first of shutdowns: SIGTERM while a stream is open."""
ELSEWHERE = 12
"""So many differences under other version sets and Pythons are shown."""

NAMED = 2
"""So many scenarios are named of those of which the same is to be said."""


def pages(context: Context) -> Pages:
    """A page for every app; in full under the first of the version sets and Pythons that has it."""
    found: dict[str, str] = {}
    hazards = found_hazards(context.outcomes)
    for number, group in enumerate(context.groups):
        others = [other for other in context.groups if other is not group]
        verdicts = app_verdicts(context.verdicts, group.apps)
        drawn = {stack.app: stack for stack in figures(context)} if not number else {}
        for app in group.apps:
            page = app_page(app)
            if page in found:
                continue
            view = AppView(app, group, others, context.comparable)
            advice = context.cleanup.advice(group.with_variants) if context.cleanup else []
            found[page] = context.render(
                page,
                "app.md.j2",
                app=app,
                view=view,
                hazards=view.hazards(hazards),
                minority=minority(verdicts, app),
                decided=any(app in by_app for by_app in verdicts.values()),
                apps=len(group.apps),
                advice=written_on(row for row in advice if row.app == app),
                claim_by_id=CLAIMS,
                plain=SCENARIOS[PLAIN],
                shutdown=SCENARIOS[SHUTDOWN],
                drawn=drawn.get(app),
                figure=figure_page(app),
                endpoint=context.excerpts.call_in_app(baseline_id(app), "stream"),
                elsewhere=ELSEWHERE,
                named=NAMED,
                Surface=Surface,
            )
    return found
