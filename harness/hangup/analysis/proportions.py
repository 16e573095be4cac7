"""What a number of failures in a number of trials says of how often it fails. Pure."""

from __future__ import annotations

import math

CONFIDENCE = 0.95


def upper_bound(failures: int, trials: int, chosen_from: int = 1) -> float:
    """The share of failures that so many in so many trials still allow, from 0 to 1.

    The exact one-sided bound of Clopper and Pearson: with a larger share, so few failures would
    come about with a probability of less than 5 %. 1 if there were no trials.

    Where it is the best of several that were tried as often, that probability is divided by their
    number (Bonferroni), so that the bound holds although these trials have chosen it.
    """
    if failures >= trials:
        return 1.0
    low, high = failures / trials, 1.0
    while high - low > 1e-9:
        share = (low + high) / 2
        if _at_most(failures, trials, share) > (1 - CONFIDENCE) / chosen_from:
            low = share
        else:
            high = share
    return high


def _at_most(failures: int, trials: int, share: float) -> float:
    """How probable it is that at most so many trials fail if this share of all does."""
    return sum(
        math.comb(trials, k) * share**k * (1 - share) ** (trials - k) for k in range(failures + 1)
    )
