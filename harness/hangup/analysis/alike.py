"""Which trials of a stack came out alike, so that one trace can stand for several. Pure.

Trials of a scenario are alike if they are the same in everything that is concluded from a
trace today (every word, every claim and hazard, what a hang-up cost) and in the order in which
each kind of event first came, so that what is asked of the order tomorrow has the same answer
too. What is lost with the traces that are not kept is their times.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence

import msgspec

from hangup.analysis.conditions import decide
from hangup.analysis.outcomes import StackOutcomes
from hangup.analysis.upstream import cost
from hangup.model.claims import CLAIMS
from hangup.model.conditions import Condition, PathCondition
from hangup.model.hazards import HAZARDS
from hangup.model.outcomes import ClassifiedTrial
from hangup.model.scenarios import BY_ID
from hangup.model.trace import CLIENT, StackResult, Trial


def without_repetition(result: StackResult) -> StackResult:
    """The result with one trial for all that came out alike, which bears their numbers."""
    outcomes = StackOutcomes(result)
    kept: list[Trial] = [trial for trial in result.trials if trial.scenario not in BY_ID]
    for scenario in outcomes.scenarios:
        alike: dict[Hashable, list[Trial]] = defaultdict(list)
        for trial in sorted(outcomes.of(scenario), key=lambda t: t.trial.repeat):
            alike[_outcome(trial)].append(trial.trial)
        kept += [_representative(trials) for trials in alike.values()]
    return msgspec.structs.replace(
        result,
        trials=tuple(sorted(kept, key=lambda trial: (trial.scenario, trial.repeat))),
        traced=tuple(_without_events(trial, outcomes) for trial in result.traced),
    )


def with_own_events(result: StackResult) -> StackResult:
    """The result with the events of every traced trial in it, to be put beside other trials.

    A traced trial whose events were not kept gets those of the trial that it came out like.
    Where a scenario is run again without tracing, that trial is going to be replaced.
    """
    kept = {(trial.scenario, trial.repeat): trial for trial in result.trials}
    traced = []
    for trial in result.traced:
        same = kept.get((trial.scenario, trial.same_as)) if trial.same_as is not None else None
        if same is not None:
            trial = msgspec.structs.replace(
                trial,
                left_ns=same.left_ns,
                closed_ns=same.closed_ns,
                events=same.events,
                same_as=None,
            )
        traced.append(trial)
    return msgspec.structs.replace(result, traced=tuple(traced))


def _representative(trials: Sequence[Trial]) -> Trial:
    first, *others = trials
    repeats = [*first.alike, *(r for other in others for r in (other.repeat, *other.alike))]
    return msgspec.structs.replace(first, alike=tuple(sorted(repeats)))


def _without_events(trial: Trial, outcomes: StackOutcomes) -> Trial:
    """A trial with traced exceptions; its events are not kept if another's say the same."""
    own = outcomes.traced.get(trial.scenario)
    if own is None or trial.failure is not None:
        return trial
    same = [t.trial for t in outcomes.of(trial.scenario) if t.saws == own.saws]
    if not same:
        return trial
    first = min(same, key=lambda t: t.repeat)
    # The two moments are on the clock of the events that are kept.
    return msgspec.structs.replace(
        trial,
        left_ns=first.left_ns,
        closed_ns=first.closed_ns,
        events=(),
        same_as=first.repeat,
    )


def _outcome(trial: ClassifiedTrial) -> Hashable:
    """Everything in which alike trials are the same."""
    kept = trial.trial
    return (
        kept.failure,
        kept.note,
        kept.got,
        kept.received,
        tuple(trial.saws.items()),
        tuple(decide(condition, trial) for condition in _asked_in(kept.scenario)),
        cost(kept) if BY_ID[kept.scenario].relays else None,
        _order(kept),
    )


def _asked_in(scenario: str) -> Sequence[Condition]:
    conditions = [claim.condition for claim in CLAIMS if scenario in claim.scenarios]
    asked: list[Condition] = [c for c in conditions if not isinstance(c, PathCondition)]
    return [*asked, *(hazard.condition for hazard in HAZARDS if scenario in hazard.scenarios)]


def _order(trial: Trial) -> Hashable:
    """In which order each kind of event came first, and what was under way at two moments.

    The moments are those at which the client left and the window closed. The client's own
    events are in another process: their order beside the server's says nothing but when it
    left.
    """
    order: dict[Hashable, None] = {}
    under_way: dict[str, int] = defaultdict(int)
    times = {"left": trial.left_ns, "closed": trial.closed_ns}
    moments = [(name, t_ns) for name, t_ns in times.items() if t_ns is not None]

    def pass_moments(until_ns: float) -> None:
        while moments and moments[0][1] <= until_ns:
            name, _ = moments.pop(0)
            order[name, tuple(s for s, n in sorted(under_way.items()) if n > 0)] = None

    for event in trial.events:
        pass_moments(event.t_ns)
        if event.surface != CLIENT:
            under_way[event.surface] += {"begin": 1, "end": -1}.get(event.event, 0)
            order.setdefault((event.surface, event.event, event.saw, event.at), None)
    pass_moments(math.inf)
    return tuple(order)
