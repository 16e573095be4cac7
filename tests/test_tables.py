"""The tables for other programs."""

from __future__ import annotations

import csv
import io

from hangup.analysis.outcomes import Outcomes
from hangup.model.outcomes import ObservationCount
from hangup.model.trace import StackResult
from hangup.store.tables import OUTCOME_COLUMNS, csv_text, outcomes_csv
from tests.traces import LEAVES, stack, stack_result, trial

IDLE = trial("idle", "stream begin", LEAVES, "stream end CancelledError at an await")
IDLE_2 = trial("idle", "stream begin", LEAVES, "stream end CancelledError", repeat=2)
COMPLETE = trial("complete", "stream begin", "stream end")


def _csv(*results: StackResult) -> str:
    return outcomes_csv(Outcomes(results).observations)


def _rows(*results: StackResult) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(_csv(*results))))


def test_the_table_has_the_columns_that_other_tools_rely_on() -> None:
    first = outcomes_csv([]).splitlines()[0]
    assert first == "versions,python,app,server,scenario,surface,saw,n,of"
    assert tuple(first.split(",")) == OUTCOME_COLUMNS


def test_a_row_says_in_how_many_of_how_many_trials_a_surface_saw_it() -> None:
    (row,) = (
        row
        for row in _rows(stack_result(IDLE, IDLE_2))
        if (row["scenario"], row["surface"]) == ("idle", "stream")
    )
    assert row == {
        "versions": "current",
        "python": "3.13",
        "app": "starlette",
        "server": "uvicorn",
        "scenario": "idle",
        "surface": "stream",
        "saw": "CancelledError",
        "n": "2",
        "of": "2",
    }


def test_the_table_is_sorted_by_its_columns_however_the_results_come() -> None:
    results = [
        stack_result(IDLE, COMPLETE, of=stack(app)) for app in ("starlette", "bare", "quart")
    ]
    rows = _rows(*results)
    keys = [tuple(row[column] for column in OUTCOME_COLUMNS[:7]) for row in rows]
    assert keys == sorted(keys)
    assert len(set(keys)) == len(keys)
    assert _csv(*results[::-1]) == _csv(*results)


def test_rows_that_come_unsorted_are_written_sorted() -> None:
    one, other = (
        ObservationCount(stack=stack(), scenario="idle", surface=surface, saw="nothing", n=1, of=1)
        for surface in ("asgi", "stream")
    )
    assert outcomes_csv([other, one]) == outcomes_csv([one, other])


def test_an_observation_with_a_comma_stays_one_field() -> None:
    saw = "ExceptionGroup[ValueError, OSError]"
    known = stack_result(trial("idle", "stream begin", f"stream end {saw}"))
    assert saw in {row["saw"] for row in _rows(known)}


def test_lines_end_with_a_newline_and_nothing_else() -> None:
    text = _csv(stack_result(IDLE))
    assert "\r" not in text
    assert text.endswith("\n")


def test_a_table_is_written_in_the_order_given() -> None:
    assert csv_text(["a", "b"], [[2, "x"], [1, "y,z"]]) == 'a,b\n2,x\n1,"y,z"\n'
