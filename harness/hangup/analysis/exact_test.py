"""Fisher's exact test of two distributions over any number of outcomes (Freeman and Halton). Pure.

Of all ways to divide the same trials into two samples of these sizes, those that are at most as
likely as the one observed are counted: their share is p, two-sided. All of it is done in
integers, so that "as likely" is exact.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import cache
from math import comb

from hangup.model.effect import SIGNIFICANCE


def p_value(a: Sequence[int], b: Sequence[int]) -> float:
    """How probable a difference as great, or greater, is between two samples of the same.

    `a` and `b` have the number of trials of each outcome, in the same order.
    """
    totals = [n + m for n, m in zip(a, b, strict=True)]
    observed = 1
    for total, n in zip(totals, a, strict=True):
        observed *= comb(total, n)
    ways = _ways(tuple(sorted(totals)), sum(a))
    return sum(n for weight, n in ways if weight <= observed) / comb(sum(totals), sum(a))


def size(a: Sequence[int], b: Sequence[int]) -> float:
    """How probable it is that two samples of the same are called different.

    The samples have these sizes and, together, these outcomes. At most `SIGNIFICANCE`, and 0
    where all trials came out alike.
    """
    totals = tuple(sorted(n + m for n, m in zip(a, b, strict=True)))
    return _size(totals, sum(a))


def can_decide(n: int, m: int) -> bool:
    """Whether so many trials against so many can differ at all.

    Nothing differs more than two samples that are unanimous and disagree.
    """
    return p_value((n, 0), (0, m)) <= SIGNIFICANCE


@cache
def _size(totals: tuple[int, ...], n: int) -> float:
    every = comb(sum(totals), n)
    called = seen = 0
    for _, ways in _ways(totals, n):
        seen += ways
        if seen / every > SIGNIFICANCE:
            break
        called = seen
    return called / every


@cache
def _ways(totals: tuple[int, ...], n: int) -> tuple[tuple[int, int], ...]:
    """How many ways to take `n` trials there are for each weight, the lightest first.

    A weight is the number of ways that have the same counts of outcomes. Of divisions of the
    same weight only the number is kept, so that many outcomes seen once each cost little.
    """
    found: Counter[tuple[int, int]] = Counter({(0, 1): 1})
    for total in totals:
        longer: Counter[tuple[int, int]] = Counter()
        for (taken, weight), tables in found.items():
            for more in range(min(total, n - taken) + 1):
                longer[taken + more, weight * comb(total, more)] += tables
        found = longer
    ways = ((weight, weight * tables) for (taken, weight), tables in found.items() if taken == n)
    return tuple(sorted(ways))
