"""Latencies as statistics."""

from __future__ import annotations

import statistics

import pytest

from hangup.analysis.latency import _median, latency_rows
from hangup.model.trace import Latency
from hangup.runner.latency import _notified_ns
from tests.traces import stack, stack_result, trial

MEASURED = Latency(own_ns=(2_000_000,) * 20 + (9_000_000,), bare_ns=(1_000_000,) * 21)


def test_a_latency_is_a_ratio_of_medians_with_an_interval_around_it() -> None:
    (row,) = latency_rows([stack_result(latency=MEASURED)])
    assert (row.samples, row.median_ms, row.ratio) == (21, 2.0, 2.0)
    assert row.ratio_low <= row.ratio <= row.ratio_high
    assert 2.0 < row.p95_ms <= 9.0


def test_the_same_samples_give_the_same_interval() -> None:
    own = tuple(1000 * n**3 for n in range(1, 30))
    latency = Latency(own_ns=own, bare_ns=own[::-1])
    (first,) = latency_rows([stack_result(latency=latency)])
    assert latency_rows([stack_result(latency=latency)]) == [first]
    assert first.ratio_low < 1.0 < first.ratio_high


@pytest.mark.parametrize("latency", [None, Latency(), Latency(own_ns=(1, 2))])
def test_without_samples_of_the_reference_beside_it_there_is_no_latency(
    latency: Latency | None,
) -> None:
    assert latency_rows([stack_result(latency=latency)]) == []


def test_rows_come_in_the_order_of_the_results() -> None:
    results = [
        stack_result(latency=MEASURED, of=stack("b")),
        stack_result(latency=None, of=stack("c")),
        stack_result(latency=MEASURED, of=stack("a")),
    ]
    assert [row.stack.app for row in latency_rows(results)] == ["b", "a"]


@pytest.mark.parametrize("sample", [[1], [2, 1], [3, 1, 2], [4, 1, 3, 2], [5, 5, 1, 1, 9]])
def test_the_quick_median_is_the_median(sample: list[int]) -> None:
    assert _median(list(sample)) == statistics.median(sample)


@pytest.mark.parametrize(
    ("lines", "notified_ms"),
    [
        (["stream begin", "stream saw CancelledError at an await"], 2),
        (["stream begin", "stream end CancelledError at an await"], 2),
        (["stream begin", "stream dropped reference dropped", "stream end"], None),
        (["stream begin", "source end CancelledError"], None),
    ],
)
def test_a_stream_is_notified_when_something_is_thrown_into_it(
    lines: list[str], notified_ms: int | None
) -> None:
    notified_ns = _notified_ns(trial("idle", *lines).events)
    assert notified_ns == (None if notified_ms is None else notified_ms * 1_000_000)
