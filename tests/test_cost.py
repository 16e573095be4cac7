"""What hang-ups cost upstream, from traces written by hand, and where people read of it."""

from __future__ import annotations

from hangup.analysis import findings
from hangup.analysis.classification import all_outcomes, observations, outcomes
from hangup.analysis.findings import Table
from hangup.analysis.upstream import Cost, CostRow, cost, cost_rows
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.outcomes import ClassifiedTrial
from hangup.model.scenarios import BY_ID
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from hangup.report import pages as report
from hangup.report import timeline
from hangup.report.pages import render
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

MS = 1_000_000
RELAYS = ("upstream accepts", "source begin", "upstream sends #1")
CLOSED = trial("relay", *RELAYS, LEAVES, "upstream sends #2", "source end CancelledError",
               "upstream closed")  # fmt: skip
OPEN = trial("relay", *RELAYS, LEAVES, "upstream sends #2", "upstream sends #3", CLOSES,
             "upstream sends #4", COLLECTS, "source end GeneratorExit", "upstream closed",
             repeat=2)  # fmt: skip
LEAKED = trial("relay", *RELAYS, LEAVES, "source end CancelledError", CLOSES, repeat=3)
DIED = trial("relay", *RELAYS, LEAVES, failure=Word.SERVER_EXITED, repeat=4)


def row_of(*trials: Trial) -> CostRow:
    (row,) = cost_rows([stack_result(*trials)])
    return row


def test_a_cost_counts_from_the_clients_leaving() -> None:
    assert cost(CLOSED) == Cost(closed_ns=3 * MS, ended_ns=2 * MS, thrown_away=1)


def test_what_comes_after_the_window_is_not_counted() -> None:
    assert cost(OPEN) == Cost(closed_ns=None, ended_ns=None, thrown_away=2)


def test_a_trial_without_an_answer_costs_nothing_that_is_known() -> None:
    assert cost(DIED) is None
    assert cost_rows([stack_result(DIED)]) == []


def test_connections_are_closed_when_the_last_of_them_is() -> None:
    twice: list[Line] = ["upstream accepts", *RELAYS, LEAVES, "upstream closed", 10]
    still = cost(trial("relay", *twice))
    assert still is not None
    assert still.closed_ns is None
    both = cost(trial("relay", *twice, "upstream closed"))
    assert both is not None
    assert both.closed_ns == 12 * MS


def test_inside_and_outside_agree_where_both_or_neither_saw_the_end() -> None:
    assert row_of(CLOSED, OPEN).disagreements == 0
    assert row_of(CLOSED, OPEN).agreement == "2/2, +1.0 … +1.0 ms"
    assert row_of(OPEN).agreement == "1/1"


def test_a_connection_that_outlives_its_source_is_a_disagreement() -> None:
    row = row_of(CLOSED, LEAKED)
    assert row.disagreements == 1
    assert row.agreement.startswith("1/2")


def test_a_source_that_outlives_its_connection_is_a_disagreement() -> None:
    assert row_of(trial("relay", *RELAYS, LEAVES, "upstream closed", CLOSES)).disagreements == 1


def test_a_row_says_median_and_maximum_and_what_did_not_happen() -> None:
    later = trial("relay", *RELAYS, LEAVES, 6, "source end", "upstream closed", repeat=5)
    row = row_of(CLOSED, later)
    assert (row.closed, row.ended, row.thrown_away) == ("5.5 / 8.0", "4.5 / 7.0", "0.5 / 1")
    mixed = row_of(CLOSED, OPEN)
    assert mixed.closed == "3.0 / 3.0, still open 1/2"
    assert mixed.ended == "2.0 / 2.0, not ended 1/2"
    assert mixed.thrown_away == "≥ 1.5 / ≥ 2"
    assert row_of(CLOSED, CLOSED, OPEN).thrown_away.startswith("1 / ≥")
    assert row_of(OPEN).closed == "still open"


def test_other_scenarios_have_no_rows() -> None:
    assert cost_rows([stack_result(trial("idle", LEAVES))]) == []


def test_an_upstream_left_connected_is_a_hazard() -> None:
    titles = [h.title for h in findings.hazards(Table(outcomes(stack_result(OPEN))))]
    assert "The upstream is left connected" in titles
    titles = [h.title for h in findings.hazards(Table(outcomes(stack_result(CLOSED))))]
    assert "The upstream is left connected" not in titles


# --- Where people read of it.

TITLE = "## What a hang-up costs upstream\n"


def _report(*stack_results: StackResult) -> str:
    return render(stack_results, all_outcomes(stack_results), (), CodeExcerpts())[report.REPORT]


def test_the_report_has_a_row_a_stack_with_its_evidence() -> None:
    one, other = (
        stack_result(CLOSED, OPEN, of=stack("bare")),
        stack_result(LEAKED, of=stack("quart")),
    )
    text = _report(one, other)
    section = text.partition(TITLE)[2].partition("\n## ")[0]
    rows = [line for line in section.splitlines() if line.startswith(("| bare", "| quart"))]
    assert len(rows) == 2
    assert "[3.0 / 3.0, still open 1/2][" in rows[0]
    assert "| 0/1 |" in rows[1]
    assert "/bare.md#relay-on-uvicorn" in text


def test_without_relays_the_report_does_not_speak_of_them() -> None:
    text = _report(stack_result(trial("idle", "stream begin", LEAVES)))
    assert TITLE not in text
    assert "\n\n\n## Latency" not in text


def test_a_timeline_shows_an_upstreams_sends_at_both_ends_and_around_the_hang_up() -> None:
    def sends(first: int, last: int) -> list[Line]:
        return [f"upstream sends #{n}" for n in range(first, last + 1)]

    long = trial("relay", "upstream accepts", *sends(1, 100), LEAVES, *sends(101, 200), CLOSES)
    saws = observations(long, BY_ID["relay"], ())
    lines = timeline.text(ClassifiedTrial(trial=long, saws=saws)).splitlines()
    shown = [int(line.split()[3][1:]) for line in lines if line.endswith("sends")]
    assert shown == [*range(1, 7), *range(95, 107), *range(195, 201)]
    assert sum("88 more sends" in line for line in lines) == 2
