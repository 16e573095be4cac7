"""The evidence: for every app, how the trials of each scenario came out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from hangup.model import scenarios
from hangup.model.scenario import Kind
from hangup.model.trace import Stack
from hangup.model.variants import baseline_id, variant_name
from hangup.report import evidence
from hangup.report.links import evidence_page
from hangup.report.pages.context import Context, Pages

WITH_TIMELINES = ("disconnect", "operator")
"""The kinds of scenarios whose outcomes are shown with a timeline each."""
HEADINGS: Mapping[Kind, str] = {
    "disconnect": "clients that leave",
    "control": "clients that stay",
    "cleanup": "clean-up in the stream",
    "operator": "shutdowns",
    "recipe": "recipes for clean-up",
}
"""What a page of evidence is headed."""


def pages(context: Context) -> Pages:
    """A page for every app and kind of scenario, under every version set and Python."""
    found: dict[str, str] = {}
    for stacks in _by_app(context.stacks):
        found |= _pages_of(context, stacks)
    return found


def _by_app(stacks: Iterable[Stack]) -> list[list[Stack]]:
    """The stacks that differ in their server only, together."""
    found: dict[tuple[str, str, str], list[Stack]] = defaultdict(list)
    for stack in stacks:
        found[stack.versions, stack.python, stack.app].append(stack)
    return list(found.values())


def _pages_of(context: Context, stacks: list[Stack]) -> Pages:
    """The pages of one app with a version set under a Python."""
    found = {}
    first, outcomes = stacks[0], context.outcomes
    is_variant = bool(variant_name(first.app))
    # Timelines and exception paths are long: only those of the first group's baselines are shown.
    in_full = first in context.groups[0].stacks
    for kind in dict.fromkeys(s.kind for s in scenarios.SCENARIOS):
        sections = evidence.sections(outcomes, stacks, kind)
        if is_variant and kind != "recipe":
            sections = evidence.sections_that_differ(outcomes, sections, stacks)
        if sections:
            page = evidence_page(first, kind)
            name = "evidence" if in_full and kind in WITH_TIMELINES else "evidence_in_brief"
            found[page] = context.render(
                page,
                f"{name}.md.j2",
                stack=first,
                is_variant=is_variant,
                baseline=baseline_id(first.app),
                title=outcomes.of(first).result.title,
                kind=kind,
                heading=HEADINGS[kind],
                sections=evidence.with_repeated_paths_named(sections),
                in_full=in_full,
            )
    return found
