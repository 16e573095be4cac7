"""Latencies as statistics: from the client's close to the stream's observation of it. Pure."""

from __future__ import annotations

import random
import statistics
from collections.abc import Sequence

import msgspec

from hangup.model.trace import Stack, StackResult

_RESAMPLES = 1000


class LatencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of one stack, in milliseconds, and their ratio to the reference's beside them."""

    stack: Stack
    samples: int
    median_ms: float
    p95_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


def latency_rows(results: Sequence[StackResult]) -> list[LatencyRow]:
    """A row for each stack that was measured beside the reference, in the order given."""
    rows = []
    for result in results:
        latency = result.latency
        if latency is None or min(len(latency.own_ns), len(latency.bare_ns)) < 2:
            continue
        own, bare = latency.own_ns, latency.bare_ns
        low, high = _ratio_interval(own, bare)
        rows.append(
            LatencyRow(
                stack=result.stack,
                samples=len(own),
                median_ms=statistics.median(own) / 1e6,
                p95_ms=statistics.quantiles(own, n=20)[-1] / 1e6,
                ratio=statistics.median(own) / statistics.median(bare),
                ratio_low=low,
                ratio_high=high,
            )
        )
    return rows


def _ratio_interval(own: Sequence[int], bare: Sequence[int]) -> tuple[float, float]:
    """A 95 % percentile-bootstrap interval of the ratio of medians.

    The seed is fixed so that the same samples always give the same report.
    """
    choices = random.Random(0).choices
    ratios = sorted(
        _median(choices(own, k=len(own))) / _median(choices(bare, k=len(bare)))
        for _ in range(_RESAMPLES)
    )
    return ratios[_RESAMPLES // 40], ratios[-_RESAMPLES // 40 - 1]


def _median(sample: list[int]) -> float:
    """`statistics.median`, without its checks: this is called a hundred thousand times."""
    sample.sort()
    middle = len(sample) // 2
    return sample[middle] if len(sample) % 2 else (sample[middle - 1] + sample[middle]) / 2
