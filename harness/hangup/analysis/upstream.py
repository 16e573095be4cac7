"""What a hang-up costs upstream: how long it goes on sending, and how much. Pure.

Only streams that relay have an upstream (`Scenario.relays`). What it saw is seen from
outside, by the harness, and so can be compared with what the probe inside reports: that
the source ended.
"""

from __future__ import annotations

import msgspec

from hangup.analysis.classification import upstream_closed_ns
from hangup.analysis.outcomes import Outcomes
from hangup.model import scenarios as catalogue
from hangup.model.trace import Stack, Trial
from hangup.model.vocabulary import Surface

RELAYS = tuple(s.id for s in catalogue.SCENARIOS if s.relays)


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What one hang-up cost; times in ns from the client's leaving, None: not in the window."""

    closed_ns: int | None
    """When the upstream saw its connection closed."""
    ended_ns: int | None
    """When the source, which holds that connection, ended according to the probe."""
    sent_after: int
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
    def closed_ns(self) -> list[int | None]:
        """When the upstream saw the close, by trial."""
        return [cost.closed_ns for cost in self.costs]

    @property
    def ended_ns(self) -> list[int | None]:
        """When the source ended, by trial."""
        return [cost.ended_ns for cost in self.costs]

    @property
    def sent_after(self) -> list[int]:
        """How many events were sent after the client left, by trial."""
        return [cost.sent_after for cost in self.costs]

    @property
    def still_open(self) -> int:
        """In how many trials the connection was open when the window closed."""
        return sum(cost.closed_ns is None for cost in self.costs)

    @property
    def disagreements(self) -> int:
        """In how many trials only one of inside and outside saw the end."""
        return sum(not cost.agrees for cost in self.costs)

    @property
    def outside_later_ns(self) -> list[int]:
        """By how much outside was later than inside, where both saw the end."""
        return [
            cost.closed_ns - cost.ended_ns
            for cost in self.costs
            if cost.closed_ns is not None and cost.ended_ns is not None
        ]


def cost(trial: Trial) -> Cost | None:
    """What this trial's hang-up cost; None if the trial is inconclusive or nobody left."""
    left_ns, until_ns = trial.left_ns, trial.closed_ns
    if trial.failure is not None or left_ns is None or until_ns is None:
        return None
    events = [event for event in trial.events if event.t_ns <= until_ns]
    ended_ns = next(
        (e.t_ns for e in events if e.surface == Surface.SOURCE and e.event == "end"), None
    )
    closed_ns = upstream_closed_ns(e for e in events if e.surface == Surface.UPSTREAM)
    return Cost(
        closed_ns=None if closed_ns is None else closed_ns - left_ns,
        ended_ns=None if ended_ns is None else ended_ns - left_ns,
        sent_after=sum(
            e.surface == Surface.UPSTREAM and e.event == "sends" and e.t_ns >= left_ns
            for e in events
        ),
    )


def cost_rows(outcomes: Outcomes) -> list[CostRow]:
    """A row for every stack and relaying scenario that was run, stacks in the order given."""
    rows = []
    for of_stack in outcomes.stacks:
        for scenario in RELAYS:
            costs = [
                found
                for trial in of_stack.of(scenario)
                if (found := cost(trial.trial)) is not None
                for _ in range(trial.trial.count)
            ]
            if costs:
                rows.append(CostRow(stack=of_stack.stack, scenario=scenario, costs=tuple(costs)))
    return rows
