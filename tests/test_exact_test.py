"""Fisher's exact test, against figures of another implementation and against plain counting."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from itertools import combinations
from math import comb, prod

import pytest

from hangup.analysis.exact_test import can_decide, p_value, size
from hangup.model.effect import SIGNIFICANCE

BY_SCIPY = [
    ((5, 0), (0, 5), 0.007936507936507938),
    ((3, 0), (0, 3), 0.10000000000000002),
    ((4, 0), (0, 4), 0.028571428571428567),
    ((3, 0), (0, 5), 0.017857142857142856),
    ((4, 0), (0, 5), 0.007936507936507934),
    ((20, 0), (17, 3), 0.23076923076923084),
    ((19, 1), (5, 0), 1.0),
    ((8, 2), (1, 5), 0.034965034965034975),
    ((10, 10), (2, 18), 0.013814147851967652),
    ((60, 0), (53, 7), 0.012984457997245723),
]
"""`scipy.stats.fisher_exact` 1.17.1, two-sided."""
TABLES = [
    ((5, 0, 0), (0, 3, 2)),
    ((3, 2, 0), (0, 1, 4)),
    ((2, 2, 2), (3, 1, 0)),
    ((1, 1, 1, 1, 1), (5, 0, 0, 0, 0)),
    ((4, 1), (1, 4)),
]


def divisions(a: Sequence[int], b: Sequence[int]) -> Counter[tuple[int, ...]]:
    """All ways to draw a sample as large as `a` from these trials: how many give each table."""
    trials = [k for k, (n, m) in enumerate(zip(a, b, strict=True)) for _ in range(n + m)]
    drawn = (Counter(sample) for sample in combinations(trials, sum(a)))
    return Counter(tuple(sample[k] for k in range(len(a))) for sample in drawn)


@pytest.mark.parametrize(("a", "b", "p"), BY_SCIPY)
def test_two_outcomes_come_to_what_scipy_says(a: Sequence[int], b: Sequence[int], p: float) -> None:
    assert p_value(a, b) == pytest.approx(p, rel=1e-12)
    assert p_value(b, a) == pytest.approx(p, rel=1e-12)


@pytest.mark.parametrize(("a", "b"), TABLES)
def test_p_is_the_share_of_the_divisions_that_are_no_likelier(
    a: Sequence[int], b: Sequence[int]
) -> None:
    ways = divisions(a, b)
    as_seldom = sum(n for n in ways.values() if n <= ways[tuple(a)])
    assert p_value(a, b) == pytest.approx(as_seldom / ways.total(), rel=1e-12)


@pytest.mark.parametrize(("a", "b"), [*TABLES, ((5, 0), (0, 5)), ((17, 3), (20, 0))])
def test_the_size_is_the_share_of_the_divisions_that_would_be_called_different(
    a: Sequence[int], b: Sequence[int]
) -> None:
    totals = [n + m for n, m in zip(a, b, strict=True)]
    called = 0
    for table in _tables(totals, sum(a)):
        rest = [total - n for total, n in zip(totals, table, strict=True)]
        if p_value(table, rest) <= SIGNIFICANCE:
            called += prod(comb(total, n) for total, n in zip(totals, table, strict=True))
    assert size(a, b) == pytest.approx(called / comb(sum(totals), sum(a)), rel=1e-12)
    assert size(a, b) <= SIGNIFICANCE


def _tables(totals: Sequence[int], n: int) -> list[tuple[int, ...]]:
    if len(totals) == 1:
        return [(n,)] if n <= totals[0] else []
    return [
        (first, *rest)
        for first in range(min(totals[0], n) + 1)
        for rest in _tables(totals[1:], n - first)
    ]


def test_trials_that_all_came_out_alike_cannot_be_called_different() -> None:
    assert size((5,), (5,)) == size((20, 0), (20, 0)) == 0.0
    assert p_value((5,), (3,)) == 1.0


def test_five_trials_against_five_can_decide_and_three_against_three_cannot() -> None:
    assert can_decide(5, 5)
    assert can_decide(3, 20)
    assert not can_decide(3, 3)
    assert not can_decide(4, 4)
    assert not can_decide(1, 60)


def test_many_outcomes_that_were_seen_once_each_are_counted_without_listing_them() -> None:
    ones, none = (1,) * 40, (0,) * 40
    assert p_value(ones + none, none + ones) == 1.0
