"""What is said of nearly all stacks holds on each of those that it names."""

from __future__ import annotations

from typing import get_args

import pytest

from hangup.analysis.headlines import HeadlineId, headlines
from hangup.analysis.outcomes import Outcomes
from hangup.model.scenarios import SCENARIOS
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import FAILURES, OPTIONAL, Word
from hangup.report.overview_text import HEADLINES
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

ONE = stack()
CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
CLOSED = ("stream begin", LEAVES, "stream end GeneratorExit at a yield")
SUSPENDED = ("stream begin", LEAVES, CLOSES)
COLLECTED = (*SUSPENDED, COLLECTS, "stream end GeneratorExit at a yield")
RAISED = ("stream begin", "stream end ValueError at an await")
PROOF = trial("plain-error", "handler saw ValueError", "server-log saw ValueError")
SURFACES = ("handler", "handler-cancelled", "background", "dependency")


def found(*results: StackResult) -> dict[str, tuple[tuple[str, ...], tuple[str, ...]]]:
    """By headline, the apps that it holds on, and those that it was asked of."""
    made = headlines(Outcomes(results), [result.stack for result in results])
    return {h.id: (tuple(s.app for s in h.found), tuple(s.app for s in h.ran)) for h in made}


def of(app: str, *trials: Trial, surfaces: tuple[str, ...] = ()) -> StackResult:
    return stack_result(*trials, surfaces=surfaces, of=stack(app))


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_a_stack_of_which_nothing_is_known_is_counted_nowhere(failure: Word) -> None:
    failed = [trial(s.id, failure=failure) for s in SCENARIOS if s.kind != "recipe"]
    assert found(stack_result(*failed, surfaces=OPTIONAL)) == {}


def test_a_headline_names_the_stacks_it_holds_on_and_those_it_was_asked_of() -> None:
    told = trial("before-response", "endpoint begin", LEAVES, "endpoint end CancelledError")
    untold = trial("before-response", "endpoint begin", LEAVES, CLOSES)
    failed = trial("before-response", failure=Word.NOT_REACHED)
    assert found(of("a", told), of("b", untold), of("c", failed)) == {
        "endpoint-not-told": (("b",), ("a", "b"))
    }


def test_it_holds_on_a_stack_only_if_no_trial_says_otherwise() -> None:
    always = of("a", trial("idle", *CANCELLED))
    once = of("b", trial("idle", *CANCELLED), trial("idle", *SUSPENDED, repeat=2))
    assert found(always, once)["cancelled-at-await"] == (("a",), ("a", "b"))


def test_no_handler_is_called_only_where_one_is_known_to_be_there() -> None:
    silent = trial("post", LEAVES)
    called = of("a", trial("post", LEAVES, "handler saw OSError"), surfaces=("handler",))
    quiet = of("b", silent, PROOF, surfaces=("handler",))
    without = of("c", silent, PROOF)
    unproven = of("d", silent, surfaces=("handler",))
    assert found(called, quiet, without, unproven)["no-handler-called"] == (("b",), ("a", "b"))


OTHER_WAYS = ("idle-rst", "idle-timeout", "idle-half-close", "post")


def test_the_ways_of_leaving_are_compared_where_all_were_tried() -> None:
    def ways(app: str, plain: tuple[Line, ...], others: tuple[Line, ...]) -> StackResult:
        return of(app, trial("idle", *plain), *(trial(name, *others) for name in OTHER_WAYS))

    alike, other = ways("a", CANCELLED, CANCELLED), ways("b", CANCELLED, SUSPENDED)
    untold = ways("c", SUSPENDED, SUSPENDED)
    some = of("d", trial("idle", *CANCELLED), trial("idle-rst", *CANCELLED))
    ruled = found(alike, other, untold, some)["all-ways-alike"]
    assert ruled == (("a",), ("a", "b", "c"))


def everything(*, holds: bool) -> StackResult:
    """A stack on which every headline holds, or none."""
    told = CANCELLED if holds else SUSPENDED
    cut = "cleanup end CancelledError" if holds else "cleanup end"
    finishes = "cleanup end" if holds else "cleanup end CancelledError"
    endpoint = CLOSES if holds else "endpoint end CancelledError"
    places = ("dependency begin", "background begin")
    after = ("dependency end", "background end")
    ended = (*places, *told, *after) if holds else (*places, *after, *told)
    got = "200, 3 events, cut off" if holds else "200, 3 events, ended"
    handler = () if holds else ("handler saw CancelledError",)
    return stack_result(
        PROOF,
        trial("idle", *ended),
        trial("nested", LEAVES, *handler),
        trial("ticking", *ended),
        *(trial(name, *(CANCELLED if holds else CLOSED)) for name in OTHER_WAYS),
        trial("plain-cancelled", *(() if holds else ("handler-cancelled saw CancelledError",))),
        trial("cleanup-await", *CANCELLED, "cleanup begin", cut),
        trial("cleanup-anyio-shield", *CANCELLED, "cleanup begin", finishes),
        trial("before-response", "endpoint begin", LEAVES, endpoint),
        trial("firehose", LEAVES, f"liveness saw {'no answer' if holds else 'answered'}"),
        trial("shutdown", *SUSPENDED, f"exit saw {'still running' if holds else 'exited'}"),
        trial("sync", *(COLLECTED if holds else CANCELLED)),
        trial("relay", "upstream accepts", LEAVES, *(("upstream closed",) if holds else ())),
        trial("error-mid-stream", *RAISED, got=got),
        trial("backpressure-busy", *(("stream begin", LEAVES, "stream end") if holds else CLOSED)),
        surfaces=SURFACES,
        rejected_registrations={"handler-cancelled": "TypeError"} if holds else {},
    )


@pytest.mark.parametrize("holds", [True, False])
def test_every_headline_can_hold_and_not_hold_in_one_order(holds: bool) -> None:
    made = headlines(Outcomes([everything(holds=holds)]), [ONE])
    assert [headline.id for headline in made] == list(get_args(HeadlineId))
    assert {headline.found for headline in made} == {(ONE,) if holds else ()}
    assert {headline.common for headline in made} == {holds}


def test_every_headline_is_a_sentence() -> None:
    assert HEADLINES.keys() == set(get_args(HeadlineId))
