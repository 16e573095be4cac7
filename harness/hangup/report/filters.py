"""The Jinja environment of the templates, with the filters that make Markdown of data."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import jinja2

from hangup.analysis.claim_extent import ClaimExtent
from hangup.analysis.outcomes import Outcomes
from hangup.model.code_excerpts import CodeExcerpt
from hangup.model.trace import Stack
from hangup.model.vocabulary import Word, surface_title
from hangup.report import (
    app_words,
    claim_text,
    effect_text,
    exception_path,
    markdown,
    observations,
    timeline,
)
from hangup.report.cleanup import RecipeIn
from hangup.report.cleanup import in_words as tried_in_words
from hangup.report.conditions import in_words as condition_in_words
from hangup.report.links import Links, app_page, scenario_page
from hangup.report.links import claim as claim_page
from hangup.report.links import evidence as evidence_of
from hangup.report.upstream import agreement, counts, times_ms
from hangup.report.views import Agreeing


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


@jinja2.pass_context
def _cell(context: jinja2.runtime.Context, found: Sequence[Agreeing]) -> str:
    """What the stacks of one app saw: once if they agree, else by server."""
    texts = [
        _linked(context, _agreed(agreeing), agreeing.stacks[0], agreeing.scenario)
        for agreeing in found
    ]
    if len(texts) == 1:
        return texts[0]
    return "<br>".join(
        f"{_servers(agreeing.stacks)}: {text}" for agreeing, text in zip(found, texts, strict=True)
    )


def _agreed(agreeing: Agreeing) -> str:
    if not agreeing.applicable:
        return str(Word.NOT_APPLICABLE)
    return markdown.spread(agreeing.observations)


def _servers(stacks: Iterable[Stack]) -> str:
    return ", ".join(stack.server for stack in stacks)


@jinja2.pass_context
def _page(context: jinja2.runtime.Context, text: str, target: str) -> str:
    """A text that leads to a page below the results."""
    links: Links = context["links"]
    return f"[{text}]({links.relative(target)})"


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


_FILTERS: Mapping[str, Callable[..., Any]] = {
    "afterwards": app_words.afterwards,
    "agreed": app_words.agreed,
    "agreement": agreement,
    "by_version_set": claim_text.by_version_set,
    "among": markdown.among,
    "and_then": app_words.and_then,
    "app_links": _app_links,
    "app_ruling": app_words.ruling,
    "app_verdict": app_words.verdict,
    "cell": _cell,
    "changed_by": app_words.changed_by,
    "claim_page": claim_page,
    "code": markdown.code,
    "code_link": _code_link,
    "codes": markdown.codes,
    "condition": condition_in_words,
    "counts": counts,
    "dropped": markdown.dropped,
    "effect_disturbed": effect_text.disturbed,
    "effect_hazards": effect_text.hazards,
    "effect_spread": lambda counts: effect_text.spread(counts, markdown.saw),
    "effect_verdict": effect_text.verdict,
    "entries": app_words.entries,
    "evidence": evidence_of,
    "extent": _extent,
    "extent_in_short": claim_text.in_short,
    "first_lower": markdown.first_lower,
    "first_upper": markdown.first_upper,
    "in_words": observations.in_words,
    "linked": _linked,
    "names": markdown.names,
    "page": _page,
    "page_on": app_words.page_on,
    "path_sentence": exception_path.sentence,
    "path_steps": lambda path, result: list(exception_path.steps(path, result)),
    "recipe_link": _recipe_link,
    "saw": markdown.saw,
    "scenario_page": scenario_page,
    "seen_by": app_words.seen_by,
    "servers": _servers,
    "share": markdown.share,
    "spread": markdown.spread,
    "surface_title": surface_title,
    "timeline": timeline.text,
    "times_ms": times_ms,
    "tried": tried_in_words,
    "under": app_words.under,
    "plural": "{}s".format,
    "percent": "{:.0%}".format,
    "what_differs": app_words.what_differs,
}
