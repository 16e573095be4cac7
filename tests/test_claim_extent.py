"""How far a claim is true, from verdicts on several stacks in several scenarios."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from hangup.analysis.claim_extent import ClaimExtent, Truth, extent
from hangup.model.claim import Case, ClaimVerdict, Undecided, ruling
from hangup.model.trace import Stack
from hangup.report import claim_text, stack_text
from tests.traces import stack

YES, NO, NEITHER, NOT_RUN = (5, 0, 5), (0, 5, 5), (0, 0, 5), (0, 0, 0)
MIXED = (4, 1, 5)

Counts = tuple[int, int, int]
"""Trials that confirm it, that refute it, and all."""


def verdict(on: Stack, cases: Mapping[str, Counts]) -> ClaimVerdict:
    confirmed = sum(yes for yes, _, _ in cases.values())
    refuted = sum(no for _, no, _ in cases.values())
    return ClaimVerdict(
        claim="cancelled-at-an-await",
        stack=on,
        ruling=ruling(confirmed, refuted),
        cases=tuple(
            Case(scenario=name, confirmed=yes, refuted=no, of=of)
            for name, (yes, no, of) in cases.items()
        ),
        undecided=None if confirmed or refuted else Undecided(ran=True, surface="stream"),
    )


def of_apps(**apps: Mapping[str, Counts]) -> ClaimExtent:
    """The extent over apps, all on one server."""
    return extent([verdict(stack(app), cases) for app, cases in apps.items()])


def told(found: ClaimExtent) -> tuple[str, list[tuple[str, tuple[str, ...]]]]:
    """Where it holds or fails: stacks, and the scenarios if it is not all."""
    return found.told, [
        (stack_text.in_words(place.where), () if place.every_scenario else place.scenarios)
        for place in found.places
    ]


@pytest.mark.parametrize(
    ("first", "second", "truth"),
    [
        (YES, YES, Truth.TRUE),
        (YES, NEITHER, Truth.TRUE),
        (NO, NO, Truth.FALSE),
        (NO, NOT_RUN, Truth.FALSE),
        (YES, NO, Truth.SOMETIMES),
        (YES, MIXED, Truth.SOMETIMES),
        (NEITHER, NOT_RUN, Truth.NOT_DECIDED),
        (NOT_RUN, NOT_RUN, Truth.NOT_RUN),
    ],
)
def test_a_claim_is_true_or_false_only_if_all_that_decides_it_agrees(
    first: Counts, second: Counts, truth: Truth
) -> None:
    assert of_apps(quart={"idle": first, "ticking": second}).truth is truth
    assert of_apps(quart={"idle": first}, bare={"idle": second}).truth is truth


def test_stacks_are_counted_by_whether_they_decide() -> None:
    found = of_apps(
        sure={"idle": YES, "ticking": NEITHER},
        torn={"idle": YES, "ticking": NO},
        silent={"idle": NEITHER},
        idle={"idle": NOT_RUN},
    )
    assert [one.app for one in found.confirmed] == ["sure"]
    assert [one.app for one in found.deciding] == ["sure", "torn"]
    assert [one.app for one in found.stacks] == ["sure", "torn", "silent"]
    assert (found.trials_confirmed, found.trials_deciding) == (10, 15)


def test_scenarios_that_fail_on_the_same_stacks_are_one_place() -> None:
    odd = {"idle": YES, "ticking": NO, "post": NO, "nested": YES}
    even = {**odd, "nested": NO, "ticking": YES, "post": YES}
    found = of_apps(a=odd, b=odd, c=even)
    assert told(found) == (
        "fails",
        [("all apps but `c`", ("ticking", "post")), ("`c`", ("nested",))],
    )


def test_where_a_claim_holds_is_told_if_that_is_shorter() -> None:
    fails = {"idle": NO, "ticking": NO}
    found = of_apps(a=fails, b={"idle": YES, "ticking": YES}, c=fails, d=fails)
    assert told(found) == ("holds", [("`b`", ())])
    found = of_apps(a=fails, b={"idle": YES, "ticking": NO}, c=fails, d=fails)
    assert told(found) == ("holds", [("`b`", ("idle",))])


def test_a_stack_on_which_it_never_holds_is_not_told_of_scenario_by_scenario() -> None:
    never = {"idle": NO, "ticking": NO, "post": NO, "nested": NO}
    mostly = {"idle": YES, "ticking": YES, "post": YES, "nested": YES}
    found = of_apps(a=mostly, b=never, c={**mostly, "nested": NO}, d=mostly)
    assert told(found) == ("fails", [("`b`", ()), ("`c`", ("nested",))])
    # Where it fails on all, the others make it no longer.
    found = of_apps(a={**mostly, "nested": NO}, b=never, c={**mostly, "nested": NO})
    assert told(found) == ("fails", [("everywhere", ("nested",)), ("`b`", ())])


def test_a_stack_that_was_asked_less_is_told_by_what_it_was_asked() -> None:
    found = of_apps(a={"idle": YES, "ticking": NO}, b={"idle": YES, "ticking": NOT_RUN})
    assert told(found) == ("fails", [("everywhere", ("ticking",))])
    (place,) = found.places
    assert [one.app for one in place.among] == ["a"]
    assert claim_text.in_short(found) == (
        "true, but false wherever it was run (the client closes while events go out)"
    )


def test_repeats_that_disagree_are_a_place_with_their_share() -> None:
    found = of_apps(a={"idle": YES, "ticking": MIXED}, b={"idle": YES, "ticking": YES})
    (place,) = found.places
    assert told(found) == ("fails", [("`a`", ("ticking",))])
    assert (place.confirmed, place.of) == (4, 5)
    assert claim_text.in_short(found) == (
        "true, but false for `a` (the client closes while events go out), in 1 of 5 trials"
    )


def test_a_python_or_a_server_is_named_where_it_makes_the_difference() -> None:
    def over(differs: str) -> ClaimExtent:
        return extent(
            [
                verdict(on, {"idle": NO if differs in (on.server, on.python) else YES})
                for on in (
                    stack(app, server, python=python)
                    for app in ("a", "b")
                    for server in ("uvicorn", "hypercorn")
                    for python in ("3.11", "3.13")
                )
            ]
        )

    assert claim_text.in_short(over("uvicorn")) == "true, but false for uvicorn"
    assert claim_text.in_short(over("3.13")) == "true, but false for Python 3.13"


def test_what_no_stack_decides_is_named() -> None:
    found = of_apps(
        a={"idle": YES, "ticking": NEITHER, "post": NEITHER},
        b={"idle": YES, "ticking": NEITHER, "post": YES},
    )
    assert found.undecided == ("ticking",)


def test_what_is_shown_is_what_refutes_it_first() -> None:
    found = of_apps(a={"idle": YES}, b={"idle": YES, "ticking": NO})
    assert found.shown_by == (stack("b"), "ticking")
    assert found.places[0].shown_by == (stack("b"), "ticking")
    assert of_apps(a={"idle": NOT_RUN, "post": NEITHER}).shown_by == (stack("a"), "post")


def test_of_many_places_the_widest_come_first_and_the_rest_are_counted() -> None:
    base = dict.fromkeys(("idle", "ticking", "post", "nested", "idle-rst"), YES)
    found = of_apps(
        a={**base, "idle": NO, "post": NO},
        b={**base, "ticking": NO, "post": NO},
        c={**base, "nested": NO, "post": NO},
        d=base,
    )
    assert claim_text.in_short(found) == (
        "true, but false for all apps but `d` (the client closes an idle stream that a POST "
        "opened); for `a` (the client closes while the stream awaits its source); "
        "and in 2 more cases"
    )
