"""What the report says in words and figures of single results, without its pages."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest

from hangup.analysis.claims import verdicts
from hangup.analysis.cleanup import CleanupResult, Tried
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.upstream import Cost, CostRow
from hangup.model.claim import Citation, Claim
from hangup.model.claims import CLAIMS
from hangup.model.conditions import (
    Came,
    Condition,
    Elapsed,
    Mark,
    Not,
    Pending,
    Saw,
    SendsAfter,
    SentAfter,
    SpecVersion,
)
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from hangup.report import cleanup, conditions, markdown, upstream
from hangup.report.claim_rows import CLAIM_COLUMNS, claim_rows
from hangup.store.tables import csv_text
from tests.traces import CLOSES, LEAVES, Line, stack, stack_result, trial

STARTED: tuple[Line, ...] = ("stream begin", LEAVES)
CANCELLED: tuple[Line, ...] = (*STARTED, "stream end CancelledError at an await")
COMPLETED: tuple[Line, ...] = (*STARTED, "stream end")
SUSPENDED: tuple[Line, ...] = (*STARTED, CLOSES)

# --- Claims.

BEGINS, STEP = Mark("cleanup", "begin"), Mark("cleanup", "did", detail="a step")
ENDED = Saw("stream-end", frozenset({Word.CANCELLED_AT_AWAIT}), frozenset({Word.COMPLETED}))
MADE_UP = Claim(
    id="made-up",
    text="It is cancelled at an `await`.",
    cited=(Citation("a test"),),
    scenarios=("idle", "post"),
    condition=ENDED,
)


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_says_what_it_asks_for(claim: Claim) -> None:
    words = conditions.in_words(claim.condition)
    assert words
    for surface in claim.condition.surfaces:
        # Of the client it is the status that is asked for, of `send` what becomes of a call.
        assert f"`{surface}`" in words or surface == "client"


@pytest.mark.parametrize(
    ("condition", "words"),
    [
        (Came(BEGINS), "`cleanup` begins"),
        (Came(STEP, BEGINS), "`cleanup` comes to a step, and not `cleanup` begins"),
        (Not(Came(BEGINS)), "it is not so that `cleanup` begins"),
        (
            Elapsed(BEGINS, 1.5),
            "`cleanup` begins 1.5 s or more after the client left or the signal was sent",
        ),
        (
            Not(Elapsed(BEGINS, 1.0)),
            "`cleanup` begins less than 1 s after the client left or the signal was sent",
        ),
        (
            SentAfter(Mark("handler", "saw")),
            "`send` returns for something that is sent after `handler` sees something",
        ),
        (
            Not(SentAfter(Mark("handler", "saw"))),
            "`send` returns for nothing that is sent after `handler` sees something",
        ),
        (SpecVersion("2.4"), "the server declares ASGI spec version 2.4 or later"),
        (
            Not(SpecVersion("2.4")),
            "the server declares an older ASGI spec version than 2.4",
        ),
        (SendsAfter(returns=True), "`send` returns whenever it is called after the disconnect"),
        (Pending("send", Mark("client", "leaves")), "`send` is under way when `client` leaves"),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_condition_is_said_in_words(condition: Condition, words: str) -> None:
    assert conditions.in_words(condition) == words


def results(apps: Sequence[str]) -> list[StackResult]:
    trials = [
        trial("idle", *CANCELLED),
        trial("idle", *COMPLETED, repeat=2),
        trial("post", *CANCELLED),
    ]
    return [stack_result(*trials, of=stack(app)) for app in apps]


def test_the_table_of_claims_is_sorted_and_names_scenarios_by_ruling() -> None:
    found = verdicts(Outcomes(results(["starlette", "bare"])), [MADE_UP])
    header, *rows = csv_text(CLAIM_COLUMNS, claim_rows(found)).splitlines()
    assert header == ("versions,python,app,server,claim,verdict,confirmed,mixed,refuted,undecided")
    assert rows == [
        "current,3.13,bare,uvicorn,made-up,mixed,post,idle,,",
        "current,3.13,starlette,uvicorn,made-up,mixed,post,idle,,",
    ]
    other = msgspec.structs.replace(MADE_UP, id="another")
    found = verdicts(Outcomes(results(["starlette", "bare"])), [MADE_UP, other])
    assert claim_rows(found) == claim_rows(found[::-1]) == sorted(claim_rows(found))
    assert len(claim_rows(found)) == 4


# --- Clean-up.


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((), "inconclusive"),
        (((CleanupResult.GOOD, 3),), "good"),
        (((CleanupResult.NEVER, 1), (CleanupResult.GOOD, 1)), "did not run 1/2, good 1/2"),
    ],
)
def test_shares_are_shown_where_trials_disagree(
    counts: tuple[tuple[CleanupResult, int], ...], words: str
) -> None:
    assert cleanup.in_words(Tried(counts)) == words


# --- What a hang-up costs upstream.

MS = 1_000_000


def cost_row(*costs: tuple[float | None, float | None, int]) -> CostRow:
    """A row of costs: when the upstream was closed and the source ended, in ms, events sent."""

    def ns(time_ms: float | None) -> int | None:
        return None if time_ms is None else int(time_ms * MS)

    return CostRow(
        stack=stack(),
        scenario="relay",
        costs=tuple(
            Cost(closed_ns=ns(closed), ended_ns=ns(ended), sent_after=sent)
            for closed, ended, sent in costs
        ),
    )


CLOSED, LATER, OPEN, LEAKED = (3, 2, 1), (8, 7, 0), (None, None, 2), (None, 1, 0)


def row_of(*costs: tuple[int | None, int | None, int]) -> upstream.UpstreamRow:
    (row,) = upstream.upstream_rows([cost_row(*costs)])
    return row


def test_times_are_median_and_maximum_and_what_did_not_happen() -> None:
    both = row_of(CLOSED, LATER)
    assert (both.closed, both.ended) == ("5.5 / 8.0", "4.5 / 7.0")
    mixed = row_of(CLOSED, OPEN)
    assert mixed.closed == "3.0 / 3.0, still open 1/2"
    assert mixed.ended == "2.0 / 2.0, not ended 1/2"
    assert row_of(OPEN).closed == "still open"


def test_counts_are_a_lower_bound_where_the_upstream_was_still_sending() -> None:
    assert row_of(CLOSED, LATER).sent == "0.5 / 1"
    assert row_of(CLOSED, OPEN).sent == "≥ 1.5 / ≥ 2"
    assert row_of(CLOSED, CLOSED, OPEN).sent == "1 / ≥ 2"


def test_inside_and_outside_are_compared_over_all_stacks() -> None:
    rows = [cost_row(CLOSED, OPEN), cost_row(CLOSED, LEAKED)]
    assert upstream.disagreements(rows) == (1, 4)
    assert upstream.outside_later_ms(rows) == (1.0, 1.0)
    assert upstream.outside_later_ms([cost_row(OPEN)]) is None


# --- Shares of stacks and scenarios.


def test_a_share_names_the_stacks_the_shorter_way_round() -> None:
    a, b, c = stack("a"), stack("b"), stack("c")
    assert markdown.share([], [a, b]) == "**0 of 2** stacks"
    assert markdown.share([a, b], [a, b]) == "**2 of 2** stacks"
    assert markdown.share([b], [a, b]) == "**1 of 2** stacks: b"
    assert markdown.share([a, b], [a, b, c]) == "**2 of 3** stacks, not c"


def test_an_app_is_named_with_its_servers_only_where_it_is_not_all_of_them() -> None:
    ran = [stack("a"), stack("a", "hypercorn"), stack("b")]
    assert markdown.names(ran, ran) == "a, b"
    assert markdown.names(ran[1:], ran) == "a on hypercorn, b"
