"""What ending the server does to open streams and to its process, and what to set."""

from __future__ import annotations

from collections.abc import Sequence

from hangup.analysis import shutdown as analysis
from hangup.model.trace import Stack
from hangup.model.variants import variant_name
from hangup.report import shutdown
from hangup.report.effect_words import Writer
from hangup.report.footnotes import Footnotes
from hangup.report.links import Links
from hangup.report.pages.context import Context, Pages
from hangup.report.views import VersionGroup

PAGE = "shutdown.md"
PLAIN = "shutdown"
"""The scenario that the answer is about: SIGTERM while a stream is open."""


def pages(context: Context) -> Pages:
    """The page."""
    found = analysis.shutdowns(context.outcomes, _as_taught(context.stacks))
    by_group = [(group, of_group) for group in context.groups if (of_group := _of(group, found))]
    settings = analysis.settings(by_group[0][1]) if by_group else []
    links, notes = Links(PAGE), Footnotes()
    text = context.render(
        PAGE,
        "shutdown.md.j2",
        links=links,
        notes=notes,
        write=Writer(links, notes, context.outcomes),
        plain=PLAIN,
        group=by_group[0][0] if by_group else None,
        advice=shutdown.advice(settings, PLAIN),
        settings=shutdown.setting_rows(settings, PLAIN),
        by_group=[(group, shutdown.rows(of_group)) for group, of_group in by_group],
    )
    return {PAGE: text}


def _as_taught(stacks: Sequence[Stack]) -> list[Stack]:
    """The stacks whose app is no variant; all, if there are no others."""
    return [stack for stack in stacks if not variant_name(stack.app)] or list(stacks)


def _of(group: VersionGroup, found: Sequence[analysis.Shutdown]) -> list[analysis.Shutdown]:
    """What was tried under one version set and Python."""
    own = set(group.with_variants)
    return [one for one in found if one.stack in own]
