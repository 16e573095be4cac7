"""What hang-ups cost upstream, from traces written by hand."""

from __future__ import annotations

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.upstream import RELAYS, Cost, CostRow, cost, cost_rows
from hangup.model.scenarios import SCENARIOS
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

MS = 1_000_000
RELAYING = ("upstream accepts", "source begin", "upstream sends #1")
CLOSED = trial("relay", *RELAYING, LEAVES, "upstream sends #2", "source end CancelledError",
               "upstream closed")  # fmt: skip
OPEN = trial("relay", *RELAYING, LEAVES, "upstream sends #2", "upstream sends #3", CLOSES,
             "upstream sends #4", COLLECTS, "source end GeneratorExit", "upstream closed",
             repeat=2)  # fmt: skip
LEAKED = trial("relay", *RELAYING, LEAVES, "source end CancelledError", CLOSES, repeat=3)
DIED = trial("relay", *RELAYING, LEAVES, failure=Word.SERVER_EXITED, repeat=4)


def rows_of(*results: StackResult) -> list[CostRow]:
    return cost_rows(Outcomes(results))


def row_of(*trials: Trial) -> CostRow:
    (row,) = rows_of(stack_result(*trials))
    return row


def test_a_cost_counts_from_the_clients_leaving() -> None:
    assert cost(CLOSED) == Cost(closed_ns=3 * MS, ended_ns=2 * MS, sent_after=1)


def test_what_comes_after_the_window_is_not_counted() -> None:
    assert cost(OPEN) == Cost(closed_ns=None, ended_ns=None, sent_after=2)


def test_what_a_trial_that_failed_cost_is_not_known() -> None:
    assert cost(DIED) is None
    assert rows_of(stack_result(DIED)) == []
    assert row_of(CLOSED, DIED).costs == (cost(CLOSED),)


def test_what_costs_something_is_that_the_client_left() -> None:
    assert cost(trial("relay", *RELAYING)) is None


def test_connections_are_closed_when_the_last_of_them_is() -> None:
    twice: list[Line] = ["upstream accepts", *RELAYING, LEAVES, "upstream closed", 10]
    still = cost(trial("relay", *twice))
    assert still is not None
    assert still.closed_ns is None
    both = cost(trial("relay", *twice, "upstream closed"))
    assert both is not None
    assert both.closed_ns == 12 * MS


def test_inside_and_outside_agree_where_both_or_neither_saw_the_end() -> None:
    row = row_of(CLOSED, OPEN)
    assert row.disagreements == 0
    assert row.outside_later_ns == [1 * MS]
    assert row_of(OPEN).outside_later_ns == []


def test_a_connection_that_outlives_its_source_is_a_disagreement() -> None:
    row = row_of(CLOSED, LEAKED)
    assert row.disagreements == 1
    assert row.outside_later_ns == [1 * MS]


def test_a_source_that_outlives_its_connection_is_a_disagreement() -> None:
    assert row_of(trial("relay", *RELAYING, LEAVES, "upstream closed", CLOSES)).disagreements == 1


def test_a_row_has_what_every_trial_cost_and_what_did_not_happen() -> None:
    row = row_of(CLOSED, OPEN)
    assert row.closed_ns == [3 * MS, None]
    assert row.ended_ns == [2 * MS, None]
    assert row.sent_after == [1, 2]
    assert row.still_open == 1


def test_a_cost_counts_for_all_trials_that_one_stands_for() -> None:
    alike = trial("relay", *RELAYING, LEAVES, "upstream closed", repeat=5, alike=(6, 7))
    row = row_of(CLOSED, alike)
    assert len(row.costs) == 4
    assert row.costs[1:] == (cost(alike),) * 3
    assert row.disagreements == 3


def test_the_scenarios_that_cost_something_are_those_that_relay() -> None:
    assert set(RELAYS) == {s.id for s in SCENARIOS if s.relays} != set()
    assert rows_of(stack_result(trial("idle", LEAVES))) == []


def test_rows_come_in_the_order_of_the_stacks_and_scenarios() -> None:
    stalled = trial("relay-stalled", *RELAYING, LEAVES, "upstream closed")
    results = [
        stack_result(stalled, CLOSED, of=stack("quart")),
        stack_result(LEAKED, of=stack("bare")),
    ]
    assert [(row.stack.app, row.scenario) for row in rows_of(*results)] == [
        ("quart", "relay"),
        ("quart", "relay-stalled"),
        ("bare", "relay"),
    ]
