"""What is kept of a stack's traces: one for all that came out alike, floods thinned. Pure.

Trials of a scenario are alike if they are the same in everything that is concluded from a
trace today (every word, every claim and hazard, what a hang-up cost) and in the order in which
each kind of event first came, so that what is asked of the order tomorrow has the same answer
too. What is lost with the traces that are not kept is their times, but for those at which last
references went.

A stream without end calls `send()` thousands of times. Of many calls in a row the first and
the last ones are kept, if what is concluded stays the same.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Hashable, Sequence
from itertools import pairwise

import msgspec

from hangup.analysis.classification import classify_trials
from hangup.analysis.conditions import decide
from hangup.analysis.finalization import dropped_after_ns
from hangup.analysis.outcomes import StackOutcomes
from hangup.analysis.upstream import cost
from hangup.model.claims import CLAIMS
from hangup.model.conditions import Condition, PathCondition
from hangup.model.hazards import HAZARDS
from hangup.model.outcomes import Outcome
from hangup.model.process import PAUSED, STOPPED
from hangup.model.scenarios import BY_ID
from hangup.model.trace import CLIENT, SIGNALS, Event, StackResult, Trial
from hangup.model.vocabulary import Surface

KEPT = 20
"""So many calls in a row are kept at the beginning, and as many at the end."""


def compacted(result: StackResult) -> StackResult:
    """The result with one trial for all that came out alike, which bears their numbers."""
    outcomes = StackOutcomes(result)
    kept: list[Trial] = [trial for trial in result.trials if trial.scenario not in BY_ID]
    for scenario in outcomes.scenarios:
        alike: dict[Hashable, list[Outcome]] = defaultdict(list)
        for trial in sorted(outcomes.of(scenario), key=lambda t: t.trial.repeat):
            alike[_outcome(trial)].append(trial)
        kept += [_thinned(_representative(trials), outcomes) for trials in alike.values()]
    return msgspec.structs.replace(
        result,
        trials=tuple(sorted(kept, key=lambda trial: (trial.scenario, trial.repeat))),
        traced=tuple(_without_events(trial, outcomes) for trial in result.traced),
    )


def _representative(trials: Sequence[Outcome]) -> Trial:
    first, *others = (trial.trial for trial in trials)
    repeats = [*first.alike, *(r for other in others for r in (other.repeat, *other.alike))]
    dropped: dict[str, tuple[int, ...]] = defaultdict(tuple)
    for trial in trials:
        for generator, after_ns in dropped_after_ns(trial).items():
            dropped[generator] += after_ns
    return msgspec.structs.replace(
        first,
        alike=tuple(sorted(repeats)),
        # The first one of each is in the events that are kept.
        alike_dropped_ns=tuple((name, times[1:]) for name, times in dropped.items() if times[1:]),
    )


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


def _thinned(trial: Trial, outcomes: StackOutcomes) -> Trial:
    """The trial without the middle of many calls of `send()` and `receive()`.

    The trial itself, if that would change what is concluded from it.
    """
    dropped = _middle_sends(trial) | _middle_receives(trial)
    if not dropped:
        return trial
    events = tuple(event for i, event in enumerate(trial.events) if i not in dropped)
    thinned = msgspec.structs.replace(
        trial, events=events, omitted_events=trial.omitted_events + len(dropped)
    )
    before, after = (
        classify_trials(outcomes.result, [t], outcomes.trials) for t in (trial, thinned)
    )
    return thinned if _outcome(before[0]) == _outcome(after[0]) else trial


def _middle_sends(trial: Trial) -> set[int]:
    """Where the events of calls of `send()` are that are in the middle of many.

    They have returned, and are not among the first or last ones of a section (`_section`).
    """
    begun = {e.n: e for e in trial.events if e.surface == Surface.SEND and e.event == "begin"}
    ended = {e.n: e for e in trial.events if e.surface == Surface.SEND and e.event == "end"}
    calls: dict[int, list[int | None]] = defaultdict(list)
    for number, event in begun.items():
        if number in ended and ended[number].saw is None:
            # One that was under way at one of the moments is between two sections.
            section, until = (_section(trial, e) for e in (event, ended[number]))
            if section == until:
                calls[section].append(number)
    middle = {n for numbers in calls.values() for n in numbers[KEPT : -KEPT or None]}
    return {i for i, e in enumerate(trial.events) if e.surface == Surface.SEND and e.n in middle}


def _middle_receives(trial: Trial) -> set[int]:
    """As `_middle_sends`; calls of `receive()` have no numbers, but follow one another."""
    found = [(i, e) for i, e in enumerate(trial.events) if e.surface == Surface.RECEIVE]
    calls: dict[Hashable, list[tuple[int, int]]] = defaultdict(list)
    for (i, begin), (j, end) in pairwise(found):
        section = _section(trial, begin)
        if (begin.event, end.event) == ("begin", "end") and section == _section(trial, end):
            calls[section, end.saw].append((i, j))
    return {i for pairs in calls.values() for pair in pairs[KEPT : -KEPT or None] for i in pair}


def _section(trial: Trial, event: Event) -> int:
    """Between which of the moments that rules refer to an event is."""
    moments = (trial.left_ns, trial.closed_ns)
    return sum(at_ns is not None and event.t_ns >= at_ns for at_ns in moments)


def _outcome(trial: Outcome) -> Hashable:
    """Everything in which alike trials are the same."""
    kept = trial.trial
    return (
        kept.failure,
        kept.alone,
        kept.note,
        kept.got,
        kept.received,
        tuple(trial.saws.items()),
        tuple(decide(condition, trial) for condition in _asked_in(kept.scenario)),
        cost(kept) if BY_ID[kept.scenario].relays else None,
        _operated(kept),
        _order(kept),
    )


def _operated(trial: Trial) -> Hashable:
    """What the operator sent and how the process ended."""
    events = (e for e in trial.events if e.event == SIGNALS or e.surface == Surface.EXIT)
    return tuple(event.detail for event in events)


def _asked_in(scenario: str) -> Sequence[Condition]:
    conditions = [claim.condition for claim in CLAIMS if scenario in claim.scenarios]
    asked: list[Condition] = [c for c in conditions if not isinstance(c, PathCondition)]
    return [*asked, *(hazard.condition for hazard in HAZARDS if scenario in hazard.scenarios)]


def _order(trial: Trial) -> Hashable:
    """In which order each kind of event came first, and what was under way at two moments.

    The moments are those at which the client left and the window closed. The client's own
    events are in another process: their order beside the server's says nothing but when it
    left. Nor has a pause of a process that did not disturb its trial a place in the order.
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
        if event.surface != CLIENT and event.event not in (PAUSED, STOPPED):
            under_way[event.surface] += {"begin": 1, "end": -1}.get(event.event, 0)
            order.setdefault((event.surface, event.event, event.saw, event.at), None)
    pass_moments(math.inf)
    return tuple(order)
