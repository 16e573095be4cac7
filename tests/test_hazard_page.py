"""The page on hazards: what was found on baselines, where, and what other versions change."""

from __future__ import annotations

import re

from hangup.model.trace import StackResult
from tests.rendering import rendered
from tests.test_pages import CANCELLED, COMPLETED, made
from tests.traces import stack, stack_result

TITLE = "A stream runs to completion after the client left"
WHEN = "The client closes while the stream awaits its source"


def page(*results: StackResult) -> str:
    """The page, without links."""
    text = rendered(*results)["hazards.md"]
    return re.sub(r"\[([^\]^]+)\](?:\[\d+\]|\([^)]*\))", r"\1", text)


def test_a_hazard_that_only_variants_have_is_an_effect_and_has_no_place_among_hazards() -> None:
    baseline = stack_result(*made("idle", CANCELLED), of=stack("quart"))
    variant = stack_result(*made("idle", COMPLETED), of=stack("quart+x"))
    assert TITLE not in page(baseline, variant)
    assert TITLE in page(variant)


def test_without_a_hazard_the_page_says_so() -> None:
    assert "None of the hazards" in page(stack_result(*made("idle", CANCELLED)))


def test_it_is_said_on_which_baselines_and_in_how_many_trials() -> None:
    text = page(
        stack_result(*made("idle", COMPLETED, CANCELLED), of=stack("a")),
        stack_result(*made("idle", CANCELLED), of=stack("b")),
    )
    assert f"| {TITLE} | 1/2 | a |" in text
    assert f"| {WHEN} | a | 1/2 |" in text


def test_other_versions_are_named_where_they_differ() -> None:
    def results(*outcomes: bool, versions: str) -> list[StackResult]:
        return [
            stack_result(
                *made("idle", COMPLETED if found else CANCELLED), of=stack(app, versions=versions)
            )
            for app, found in zip("ab", outcomes, strict=True)
        ]

    same = page(*results(True, False, versions="current"), *results(True, False, versions="x"))
    assert "Version set `x`" not in same
    text = page(*results(True, False, versions="current"), *results(False, True, versions="x"))
    what = WHEN[0].lower() + WHEN[1:]
    assert f"- Version set `x`, Python 3.13: also *{what}*, on b; not *{what}*, on a.\n" in text
    assert f"| {TITLE} | 1/2 | a[^1] |" in text
