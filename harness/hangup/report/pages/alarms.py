"""What sees a hang-up that also sees errors, and what still runs after one."""

from __future__ import annotations

from hangup.analysis import alarms as analysis
from hangup.report import alarms
from hangup.report.effect_words import Writer
from hangup.report.footnotes import Footnotes
from hangup.report.links import Links
from hangup.report.pages.context import Context, Pages
from hangup.report.places import EVERYWHERE, places
from hangup.report.views import is_baseline

PAGE = "alarms.md"
PLAIN = "idle"
"""The plain hang-up, of which it is said when a dependency is torn down."""


def pages(context: Context) -> Pages:
    """The page."""
    group = context.groups[0]
    watches = analysis.watches(context.outcomes, context.stacks)
    torn_down = analysis.torn_down(context.verdicts, group.stacks, PLAIN)
    baselines = [stack for stack in context.stacks if is_baseline(stack)]
    still_run = analysis.still_run(context.outcomes, baselines or context.stacks)
    links, notes = Links(PAGE), Footnotes()
    write = Writer(links, notes, context.outcomes)
    own = set(group.with_variants)
    text = context.render(
        PAGE,
        "alarms.md.j2",
        links=links,
        notes=notes,
        write=write,
        group=group,
        plain=PLAIN,
        everywhere=EVERYWHERE,
        answers=alarms.answers([watch for watch in watches if watch.stack in own]),
        torn_down=torn_down,
        places=places,
        rows=alarms.watch_rows(watches, write, hooks=False),
        hooks=alarms.watch_rows(watches, write, hooks=True),
        still_run=alarms.still_run_rows(still_run, write),
        still_run_here=alarms.still_run_rows([one for one in still_run if one.stack in own], write),
    )
    return {PAGE: text}
