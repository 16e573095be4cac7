"""The Jinja environment of the templates, with the filters that make Markdown of data."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any

import jinja2

from hangup.analysis.claim_extent import ClaimExtent
from hangup.analysis.latency import LatencyRow
from hangup.analysis.outcomes import Outcomes
from hangup.model.cleanup import whole_title
from hangup.model.code_excerpts import CodeExcerpt
from hangup.model.exception_path import ExceptionPath
from hangup.model.servers import server_title
from hangup.model.trace import Stack, StackResult
from hangup.model.vocabulary import Word, surface_title
from hangup.report import (
    alarms,
    app_words,
    claim_text,
    cleanup_text,
    effect_text,
    effect_words,
    exception_path,
    markdown,
    observations,
    timeline,
)
from hangup.report.cleanup import RecipeIn
from hangup.report.cleanup import in_words as tried_in_words
from hangup.report.conditions import in_words as condition_in_words
from hangup.report.evidence import OnServer
from hangup.report.links import Links, app_page, scenario_page
from hangup.report.links import claim as claim_page
from hangup.report.links import evidence as evidence_of
from hangup.report.places import at


def template_environment() -> jinja2.Environment:
    """Where the templates are, and what they can use.

    Filters ask the context for `links`, `outcomes` and `link_code`.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hangup.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters.update(_FILTERS)
    return environment


@jinja2.pass_context
def _linked(context: jinja2.runtime.Context, text: str, stack: Stack, scenario: str | None) -> str:
    """A text that leads to the evidence of a scenario on a stack."""
    if scenario is None or text in (markdown.NOT_RUN, Word.NOT_APPLICABLE):
        return text
    outcomes: Outcomes = context["outcomes"]
    if not outcomes.ran(scenario, [stack]):
        return text
    links: Links = context["links"]
    return links.to(text, evidence_of(stack, scenario))


@jinja2.pass_context
def _extent(context: jinja2.runtime.Context, extent: ClaimExtent | None) -> str:
    """How far a claim is true, with links to the evidence."""
    return claim_text.in_full(extent, partial(_linked, context))


def _servers(stacks: Iterable[Stack]) -> str:
    return ", ".join(stack.server for stack in stacks)


@jinja2.pass_context
def _stacks_linked(
    context: jinja2.runtime.Context, stacks: Sequence[Stack], ran: Sequence[Stack], scenario: str
) -> str:
    """The apps of these stacks, each leading to its evidence, with servers if not all of them."""

    def linked(app: str) -> str:
        return _linked(context, app, next(s for s in stacks if s.app == app), scenario)

    return markdown.stack_names(stacks, ran, linked)


def _surface_heading(surface: str) -> str:
    """What a surface is called at the head of a column."""
    return surface_title(surface).removeprefix("the ")


def _how_often(found: Iterable[OnServer]) -> str:
    """In how many trials it came out so, on which servers."""
    by_share: dict[tuple[int, int], list[str]] = defaultdict(list)
    for on in found:
        by_share[on.n, on.of].append(on.server)
    return "; ".join(
        f"{n} of {of} trials on {'each of ' if len(on) > 1 else ''}{', '.join(on)}"
        for (n, of), on in by_share.items()
    )


@jinja2.pass_context
def _page(context: jinja2.runtime.Context, text: str, target: str) -> str:
    """A text that leads to a page below the results."""
    links: Links = context["links"]
    return f"[{text}]({links.relative(target)})"


def _title(row: alarms.Row) -> str:
    return row.title


def _ratio(row: LatencyRow) -> str:
    """A latency as a multiple of the reference's."""
    return f"{row.ratio:.2f} ({row.ratio_low:.2f} \N{EN DASH} {row.ratio_high:.2f})"


@jinja2.pass_context
def _app_links(context: jinja2.runtime.Context, apps: Sequence[str]) -> str:
    """Apps, each leading to its page."""
    return ", ".join(_page(context, app, app_page(app)) for app in apps)


@jinja2.pass_context
def _recipe_link(context: jinja2.runtime.Context, found: RecipeIn, text: str) -> str:
    """A text that leads to the evidence of a recipe in a situation."""
    return _linked(context, text, found.stack, found.scenario) if found.tried.counts else text


@jinja2.pass_context
def _code_link(context: jinja2.runtime.Context, text: str, excerpt: CodeExcerpt | None) -> str:
    """A text that leads to code, where the results are in the repository that holds it."""
    if excerpt is None or not context["link_code"]:
        return text
    links: Links = context["links"]
    return f"[{text}]({links.code(excerpt)})"


@jinja2.pass_context
def _path_steps(
    context: jinja2.runtime.Context, path: ExceptionPath, result: StackResult
) -> list[str]:
    """The frames of an exception path, each address of a page once."""
    links: Links = context["links"]
    return list(exception_path.steps(path, result, links.to))


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "afterwards": app_words.afterwards,
    "agreed": app_words.agreed,
    "anchor": markdown.anchor,
    "and_then": app_words.and_then,
    "app_links": _app_links,
    "app_ruling": app_words.ruling,
    "app_verdict": app_words.verdict,
    "at": at,
    "by_title": lambda rows: [(title, list(own)) for title, own in groupby(rows, _title)],
    "by_version_set": claim_text.by_version_set,
    "changed_by": app_words.changed_by,
    "claim_page": claim_page,
    "code": markdown.code,
    "code_link": _code_link,
    "codes": markdown.codes,
    "condition": condition_in_words,
    "dropped": markdown.dropped,
    "effect_disturbed": effect_text.disturbed,
    "effect_spread": lambda counts: effect_text.spread(counts, markdown.saw),
    "compared": effect_words.compared,
    "entries": app_words.entries,
    "evidence": evidence_of,
    "extent": _extent,
    "extent_in_short": claim_text.in_short,
    "first_lower": markdown.first_lower,
    "first_upper": markdown.first_upper,
    "how_often": _how_often,
    "in_words": observations.in_words,
    "linked": _linked,
    "listed": markdown.listed,
    "names": markdown.names,
    "on_stacks": markdown.on_stacks,
    "page": _page,
    "page_on": app_words.page_on,
    "path_sentence": exception_path.sentence,
    "path_steps": _path_steps,
    "ratio": _ratio,
    "recipe_link": _recipe_link,
    "remark": cleanup_text.remark,
    "saw": markdown.saw,
    "saw_in_sentence": markdown.saw_in_sentence,
    "scenario_page": scenario_page,
    "seen_by": app_words.seen_by,
    "server_title": server_title,
    "servers": _servers,
    "share": markdown.share,
    "spread": markdown.spread,
    "stacks_linked": _stacks_linked,
    "surface_heading": _surface_heading,
    "surface_title": surface_title,
    "timeline": timeline.text,
    "tried": tried_in_words,
    "under": app_words.under,
    "plural": "{}s".format,
    "percent": markdown.percent,
    "at_most": lambda share: f"≤\N{NO-BREAK SPACE}{markdown.percent(share)}",
    "what_differs": app_words.what_differs,
    "whole_title": whole_title,
}
