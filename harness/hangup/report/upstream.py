"""What a hang-up costs upstream, in figures."""

from __future__ import annotations

import statistics
from collections.abc import Sequence

from hangup.analysis.upstream import CostRow


def times_ms(times_ns: Sequence[int | None], otherwise: str) -> str:
    """Median and maximum of the times there are, and the share of those there are not."""
    known = [time for time in times_ns if time is not None]
    missing = len(times_ns) - len(known)
    if not known:
        return otherwise
    text = f"{statistics.median(known) / 1e6:.1f} / {max(known) / 1e6:.1f}"
    return f"{text}, {otherwise} {missing}/{len(times_ns)}" if missing else text


def counts(row: CostRow) -> str:
    """How many events were sent after the client left: median and maximum.

    "At least", where the upstream was still sending when nothing was counted any more.
    """
    # Those that are open count as low as they can: too few of them do not move the median.
    median = "≥ " if 2 * row.still_open >= len(row.costs) else ""
    least = "≥ " if row.still_open else ""
    return f"{median}{statistics.median(row.sent_after):g} / {least}{max(row.sent_after)}"


def agreement(row: CostRow) -> str:
    """How inside and outside compare, and between how many ms outside is later."""
    text = f"{len(row.costs) - row.disagreements}/{len(row.costs)}"
    later = row.outside_later_ns
    if later:
        text += f", {min(later) / 1e6:+.1f} … {max(later) / 1e6:+.1f} ms"
    return text
