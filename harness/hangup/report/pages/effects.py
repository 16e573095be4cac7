"""What one thing changes: middleware, a server and its options, a Python, a version set."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from hangup.analysis.latency import LatencyRow, latency_rows
from hangup.analysis.stack_pairs import (
    APP_VARIANTS,
    PYTHONS,
    SERVER_VARIANTS,
    SERVERS,
    VERSION_SETS,
)
from hangup.model import servers
from hangup.model.effect import Pair
from hangup.model.trace import Stack
from hangup.report import markdown
from hangup.report.effect_sections import Section
from hangup.report.effect_words import LISTED, Writer, words_of
from hangup.report.footnotes import Footnotes
from hangup.report.links import Links
from hangup.report.pages import figures
from hangup.report.pages.context import Context, Pages
from hangup.report.places import EVERYWHERE, places

MIDDLEWARE, SERVERS_PAGE, VERSIONS = "middleware.md", "servers.md", "versions.md"
FIGURES: Mapping[str, str] = {
    figures.HANG_UP: "Who cancels whom when the client hangs up",
    figures.HANG_UP_WITH_MIDDLEWARE: "The same with function-style middleware",
}
"""The pictures that the page on middleware shows if they are in the report, by path."""

ALSO: Mapping[str, str] = {
    "function-middleware": 'which is what FastAPI\'s `@app.middleware("http")` adds',
}
"""What else a variant is known as."""


class LatencyChange(msgspec.Struct, frozen=True, kw_only=True):
    """The latencies of two stacks whose intervals do not overlap."""

    a: LatencyRow
    b: LatencyRow
    where: str


def pages(context: Context) -> Pages:
    """The three pages."""
    return {
        MIDDLEWARE: _middleware(context),
        SERVERS_PAGE: _servers(context),
        VERSIONS: _versions(context),
    }


def _middleware(context: Context) -> str:
    sections = context.effects.of(APP_VARIANTS)
    titles = {s.title: markdown.listed(_added(context, s), "or") for s in sections}
    return _render(
        context,
        MIDDLEWARE,
        sections,
        titles=titles,
        also={s.title: ALSO[s.variant] for s in sections if s.variant in ALSO},
        titles_with_ids={id_: f"{markdown.code(id_)} ({title})" for id_, title in titles.items()},
        figures=list(FIGURES.items()) if figures.compared(context) else [],
    )


def _added(context: Context, section: Section) -> list[str]:
    """What a variant of apps adds to their titles, in the words of each framework."""
    added = {}
    for pair in section.diff.pairs:
        baseline, variant = (context.outcomes.of(s).result.title for s in (pair.a, pair.b))
        added[variant.removeprefix(baseline).lstrip(", ")] = True
    return list(added)


def _servers(context: Context) -> str:
    sections = context.effects.of(SERVER_VARIANTS)
    pairs = context.effects.of(SERVERS)
    names = {s.title: " and ".join(dict.fromkeys(b for _, b in s.found.names)) for s in sections}
    titles = {s.title: markdown.listed(_server_titles(s)) for s in sections}
    compared = [pair for section in pairs for pair in section.diff.pairs]
    measured = _latencies(context, compared)
    return _render(
        context,
        SERVERS_PAGE,
        sections,
        pairs=pairs,
        names=names,
        titles=titles,
        titles_with_ids={id_: f"{markdown.code(names[id_])} ({titles[id_]})" for id_ in titles},
        latencies=_latency_changes(measured, [pair.a for pair in compared]),
        latency_pairs=len(measured),
    )


def _server_titles(section: Section) -> list[str]:
    ids = dict.fromkeys(b for _, b in section.found.names)
    return [servers.BY_ID[id_].title if id_ in servers.BY_ID else id_ for id_ in ids]


def _latencies(
    context: Context, compared: Iterable[Pair]
) -> Sequence[tuple[LatencyRow, LatencyRow]]:
    """The latencies of those pairs of stacks of which both were measured."""
    rows = {row.stack: row for row in latency_rows(context.results)}
    return [(rows[p.a], rows[p.b]) for p in compared if p.a in rows and p.b in rows]


def _latency_changes(
    measured: Iterable[tuple[LatencyRow, LatencyRow]], ran: Sequence[Stack]
) -> list[LatencyChange]:
    """Those of which the intervals do not overlap."""
    return [
        LatencyChange(a=a, b=b, where=places([a.stack], _of_app(a.stack.app, ran)))
        for a, b in measured
        if a.ratio_high < b.ratio_low or b.ratio_high < a.ratio_low
    ]


def _of_app(app: str, stacks: Iterable[Stack]) -> list[Stack]:
    return [stack for stack in stacks if stack.app == app]


def _versions(context: Context) -> str:
    pythons, sets = context.effects.of(PYTHONS), context.effects.of(VERSION_SETS)
    names = {s.title: (f"Python {s.found.a}", f"Python {s.found.b}") for s in pythons}
    names |= {s.title: (markdown.code(s.found.a), markdown.code(s.found.b)) for s in sets}
    titles = {s.title: f"{names[s.title][0]} → {names[s.title][1]}" for s in pythons}
    titles |= {s.title: f"Version set {' → '.join(names[s.title])}" for s in sets}
    return _render(
        context,
        VERSIONS,
        [*pythons, *sets],
        names=names,
        titles=titles,
        packages={s.title: _packages(context, s.diff.pairs) for s in sets},
    )


def _packages(context: Context, compared: Iterable[Pair]) -> Mapping[str, Sequence[str]]:
    """The packages that have another version on the other side, with what it becomes."""
    found: dict[str, dict[str, bool]] = defaultdict(dict)
    for pair in compared:
        a, b = (context.outcomes.of(s).result.environment.packages for s in (pair.a, pair.b))
        for name in sorted(a.keys() & b.keys()):
            if a[name] != b[name]:
                found[name][f"{a[name]} → {b[name]}"] = True
    return {name: list(changes) for name, changes in sorted(found.items())}


def _render(context: Context, page: str, sections: Sequence[Section], **data: Any) -> str:
    """A page of its sections, those apart in which nothing differs."""
    links, notes = Links(page), Footnotes()
    of_servers: Sequence[Section] = data.get("pairs", ())
    shown = [row for s in (*of_servers, *sections) for row in (*s.rows, *s.race_rows)]
    return context.render(
        page,
        f"{page}.j2",
        links=links,
        notes=notes,
        write=Writer(links, notes, context.outcomes),
        everywhere=EVERYWHERE,
        listed_rows=LISTED,
        changing=[section for section in sections if section.rows],
        same=[section for section in sections if not section.rows],
        words=words_of(shown),
        **data,
    )
