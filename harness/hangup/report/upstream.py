"""What a hang-up costs upstream, in figures: merged over the stacks where it comes to the same."""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal

import msgspec

from hangup.analysis.upstream import Cost, CostRow
from hangup.model.trace import Stack
from hangup.report.places import places

_NS_PER_MS = 1e6

Closing = Literal["closed", "open", "either"]
"""Whether the upstream's connection was closed within the window: always, never, or sometimes."""


class UpstreamRow(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of hang-up costs on all stacks on which its connection is closed, or is not."""

    scenario: str
    closing: Closing
    costs: tuple[Cost, ...]
    """The trials on all of these stacks."""
    stacks: tuple[Stack, ...]
    where: str

    @property
    def closed(self) -> str:
        """When the upstream saw its connection closed."""
        return _times_ms([cost.closed_ns for cost in self.costs], "still open")

    @property
    def ended(self) -> str:
        """When the source that holds the connection ended, as the probe inside says."""
        return _times_ms([cost.ended_ns for cost in self.costs], "not ended")

    @property
    def sent(self) -> str:
        """How many events were sent to a client that had left: median and maximum.

        "At least", where the upstream was still sending when nothing was counted any more.
        """
        sent = [cost.sent_after for cost in self.costs]
        still_open = sum(cost.closed_ns is None for cost in self.costs)
        # Those that are open count as low as they can: too few of them do not move the median.
        median = "≥ " if 2 * still_open >= len(sent) else ""
        least = "≥ " if still_open else ""
        return f"{median}{statistics.median(sent):g} / {least}{max(sent)}"

    @property
    def most_sent(self) -> int:
        """How many events were sent at most, as far as they were counted."""
        return max(cost.sent_after for cost in self.costs)

    @property
    def latest_ms(self) -> float:
        """When the last of the connections was closed that were closed at all; 0 if none was."""
        return max((c.closed_ns or 0 for c in self.costs), default=0) / _NS_PER_MS


def upstream_rows(found: Iterable[CostRow]) -> list[UpstreamRow]:
    """For each kind of hang-up a row for what is always closed, one for what never is, and one."""
    by_scenario: dict[str, dict[Closing, list[CostRow]]] = defaultdict(lambda: defaultdict(list))
    for row in found:
        by_scenario[row.scenario][closing(row)].append(row)
    return [
        UpstreamRow(
            scenario=scenario,
            closing=how,
            costs=tuple(cost for row in alike for cost in row.costs),
            stacks=tuple(row.stack for row in alike),
            where=places([r.stack for r in alike], [r.stack for rs in ways.values() for r in rs]),
        )
        for scenario, ways in by_scenario.items()
        for how, alike in sorted(ways.items(), key=lambda way: _CLOSINGS.index(way[0]))
    ]


_CLOSINGS: tuple[Closing, ...] = ("closed", "either", "open")


def closing(row: CostRow) -> Closing:
    """Whether the connection was closed within the window in the trials of a stack."""
    if not row.still_open:
        return "closed"
    return "open" if row.still_open == len(row.costs) else "either"


def disagreements(found: Sequence[CostRow]) -> tuple[int, int]:
    """In how many trials inside and outside do not agree on whether it ended, and of how many."""
    return sum(row.disagreements for row in found), sum(len(row.costs) for row in found)


def outside_later_ms(found: Sequence[CostRow]) -> tuple[float, float] | None:
    """By how much outside was later than inside, at least and at most, where both saw the end."""
    later = [ns / _NS_PER_MS for row in found for ns in row.outside_later_ns]
    return (min(later), max(later)) if later else None


def _times_ms(times_ns: Sequence[int | None], otherwise: str) -> str:
    """Median and maximum of the times there are, and the share of those there are not."""
    known = [time for time in times_ns if time is not None]
    missing = len(times_ns) - len(known)
    if not known:
        return otherwise
    text = f"{statistics.median(known) / _NS_PER_MS:.1f} / {max(known) / _NS_PER_MS:.1f}"
    return f"{text}, {otherwise} {missing}/{len(times_ns)}" if missing else text
