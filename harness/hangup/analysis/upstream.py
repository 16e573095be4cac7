"""What a hang-up costs upstream: how long it goes on sending, and how much. Pure.

Only streams that relay have an upstream (`Scenario.relays`). What it saw is seen from
outside, by the harness, and so can be held against what the probe inside says: that the
source ended.
"""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence

import msgspec

from hangup.analysis.classification import upstream_closed_ns
from hangup.model import scenarios as catalogue
from hangup.model.trace import Stack, StackResult, Trial
from hangup.model.vocabulary import Surface

RELAYS = tuple(s.id for s in catalogue.SCENARIOS if s.relays)


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one hang-up cost; times in ns from the client's leaving, None: not in the window."""

    closed_ns: int | None
    """When the upstream saw its connection closed."""
    ended_ns: int | None
    """When the source, which holds that connection, ended as the probe has it."""
    thrown_away: int
    """How many events the upstream sent after the client had left."""

    @property
    def agrees(self) -> bool:
        """Whether inside and outside both saw the end, or neither did."""
        return (self.closed_ns is None) == (self.ended_ns is None)


class CostRow(msgspec.Struct, frozen=True, kw_only=True):
    """The trials of one relaying scenario on one stack."""

    stack: Stack
    scenario: str
    costs: tuple[Cost, ...]

    @property
    def closed(self) -> str:
        """After how many ms the upstream saw the close: median and maximum."""
        return _spread_ms([cost.closed_ns for cost in self.costs], "still open")

    @property
    def ended(self) -> str:
        """After how many ms the source ended: median and maximum."""
        return _spread_ms([cost.ended_ns for cost in self.costs], "not ended")

    @property
    def thrown_away(self) -> str:
        """How many events were sent for nobody: median and maximum.

        "At least", where the upstream was still sending when nobody counted any more.
        """
        counts = [cost.thrown_away for cost in self.costs]
        still_open = sum(cost.closed_ns is None for cost in self.costs)
        # Those that are open count as low as they can: too few of them do not move the median.
        median = "≥ " if 2 * still_open >= len(counts) else ""
        least = "≥ " if still_open else ""
        return f"{median}{statistics.median(counts):g} / {least}{max(counts)}"

    @property
    def disagreements(self) -> int:
        """In how many trials only one of inside and outside saw the end."""
        return sum(not cost.agrees for cost in self.costs)

    @property
    def agreement(self) -> str:
        """How inside and outside compare, and between how many ms outside is later."""
        agreeing = len(self.costs) - self.disagreements
        text = f"{agreeing}/{len(self.costs)}"
        later = [
            cost.closed_ns - cost.ended_ns
            for cost in self.costs
            if cost.closed_ns is not None and cost.ended_ns is not None
        ]
        if later:
            text += f", {min(later) / 1e6:+.1f} … {max(later) / 1e6:+.1f} ms"
        return text


def cost(trial: Trial) -> Cost | None:
    """What this trial's hang-up cost; None if it has no answer or nobody left."""
    left_ns, until_ns = trial.left_ns, trial.closed_ns
    if trial.failure is not None or left_ns is None or until_ns is None:
        return None
    events = [event for event in trial.events if event.t_ns <= until_ns]
    ended_ns = next(
        (e.t_ns for e in events if e.surface == Surface.SOURCE and e.event == "end"), None
    )
    closed_ns = upstream_closed_ns(events)
    return Cost(
        closed_ns=None if closed_ns is None else closed_ns - left_ns,
        ended_ns=None if ended_ns is None else ended_ns - left_ns,
        thrown_away=sum(
            e.surface == Surface.UPSTREAM and e.event == "sends" and e.t_ns >= left_ns
            for e in events
        ),
    )


def cost_rows(stack_results: Iterable[StackResult]) -> list[CostRow]:
    """A row for every stack and relaying scenario that was run, stacks in the order given."""
    rows = []
    for stack_result in stack_results:
        for scenario in RELAYS:
            costs = [cost(trial) for trial in stack_result.trials if trial.scenario == scenario]
            found = tuple(each for each in costs if each is not None)
            if found:
                rows.append(CostRow(stack=stack_result.stack, scenario=scenario, costs=found))
    return rows


def _spread_ms(times_ns: Sequence[int | None], otherwise: str) -> str:
    """Median and maximum of the times there are, and the share of those there are not."""
    known = [time for time in times_ns if time is not None]
    lacking = len(times_ns) - len(known)
    if not known:
        return otherwise
    text = f"{statistics.median(known) / 1e6:.1f} / {max(known) / 1e6:.1f}"
    return f"{text}, {otherwise} {lacking}/{len(times_ns)}" if lacking else text
