"""What a hang-up costs upstream: how long it goes on sending, and how much."""

from __future__ import annotations

from collections.abc import Iterable

from hangup.analysis.stack_pairs import (
    APP_VARIANTS,
    PYTHONS,
    SERVER_VARIANTS,
    SERVERS,
    VERSION_SETS,
)
from hangup.analysis.upstream import cost_rows
from hangup.model.vocabulary import Surface
from hangup.report import upstream
from hangup.report.effect_sections import EffectRow
from hangup.report.effect_words import Writer
from hangup.report.footnotes import Footnotes
from hangup.report.links import Links
from hangup.report.pages.context import Context, Pages
from hangup.report.places import EVERYWHERE
from hangup.report.views import is_baseline

PAGE = "upstream-cost.md"
_FACTORS = (APP_VARIANTS, SERVER_VARIANTS, SERVERS, PYTHONS, VERSION_SETS)


def pages(context: Context) -> Pages:
    """The page."""
    every = cost_rows(context.outcomes)
    costs = [row for row in every if is_baseline(row.stack)] or every
    links, notes = Links(PAGE), Footnotes()
    sections = [section for factor in _FACTORS for section in context.effects.of(factor)]
    text = context.render(
        PAGE,
        "upstream-cost.md.j2",
        links=links,
        notes=notes,
        write=Writer(links, notes, context.outcomes),
        everywhere=EVERYWHERE,
        rows=upstream.upstream_rows(costs),
        costs=costs,
        disagreements=upstream.disagreements(costs),
        later=upstream.outside_later_ms(costs),
        windows=sorted({context.outcomes.of(row.stack).result.window_s for row in costs}),
        changes=[(s, row) for s in sections for row in _of_upstream(s.rows)],
        races=[(s, row) for s in sections for row in _of_upstream(s.race_rows)],
        compared=bool(sections),
    )
    return {PAGE: text}


def _of_upstream(rows: Iterable[EffectRow]) -> list[EffectRow]:
    """The rows in which the upstream's connection is closed in one case and open in the other."""
    return [row for row in rows if Surface.UPSTREAM in row.surfaces]
