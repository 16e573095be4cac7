"""Conditions, asked of a classified trial: True, False or None, as `hangup.model.conditions` says.

Conditions see what was classified and the order of the events up to the closing of the
window. What comes later is the harness's own doing.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hangup.model.conditions import (
    AN_EXCEPTION,
    All,
    Before,
    Came,
    Condition,
    Either,
    Elapsed,
    LooksComplete,
    Mark,
    Not,
    Pending,
    Saw,
    SawAny,
    SendsAfter,
    SentAfter,
    SpecVersion,
    Status,
    Unreported,
    When,
)
from hangup.model.outcomes import Outcome
from hangup.model.trace import DECLARES, SCOPE, Event
from hangup.model.vocabulary import HANDLERS, HOOK, Surface, Word, is_exception

_UNKNOWN = frozenset({Word.INCONCLUSIVE, Word.NOT_APPLICABLE})
"""The words with which a surface says neither that it saw something nor that it did not."""


def decide(condition: Condition, trial: Outcome) -> bool | None:
    """Whether a trial confirms a condition, refutes it, or does not decide it.

    A trial that failed decides nothing.
    """
    if trial.trial.failure is not None:
        return None
    return _RULES[type(condition)](condition, trial)


def why_undecided(condition: Condition, trial: Outcome) -> tuple[str | None, tuple[str, ...]]:
    """The surface that keeps a condition from being true of a trial, and what it saw."""
    match condition:
        case When(premise=premise, then=then):
            return why_undecided(then if decide(premise, trial) else premise, trial)
        case All(of=of) | Either(of=of):
            answer = decide(condition, trial)
            return why_undecided(next(p for p in of if decide(p, trial) is answer), trial)
        case Not(of=of):
            return why_undecided(of, trial)
        case SpecVersion():
            declared = _declared(trial)
            said = "no spec version recorded" if declared is None else f"spec version {declared}"
            return SCOPE, (said,)
        case _:
            surface = next(iter(condition.surfaces), None)
            return surface, trial.saws.get(surface or "", ())


def reports_errors(surface: str) -> bool:
    """Whether a surface is a handler, a hook or the server's log."""
    return surface in HANDLERS or surface == Surface.SERVER_LOG or surface.startswith(HOOK)


def looks_complete(got: str) -> bool:
    """Whether what a client got of a stream looks as if it were all there is."""
    return got.startswith("200") and got.endswith(f", {Word.WHOLE}")


def _saw(condition: Saw, trial: Outcome) -> bool | None:
    saws = trial.saws.get(condition.surface, ())
    if any(_among(saw, condition.no, condition.yes) for saw in saws):
        return False
    if saws and all(_among(saw, condition.yes, condition.no) for saw in saws):
        return True
    return None


def _saw_any(condition: SawAny, trial: Outcome) -> bool | None:
    saws = trial.saws.get(condition.surface, ())
    if any(_among(saw, condition.words, frozenset()) for saw in saws):
        return True
    return None if not saws or _UNKNOWN.intersection(saws) else False


def _among(saw: str, words: frozenset[str], others: frozenset[str]) -> bool:
    if saw in words:
        return True
    return AN_EXCEPTION in words and is_exception(saw) and saw not in others


def _status(condition: Status, trial: Outcome) -> bool | None:
    got = trial.trial.got or ""
    if not got[:1].isdigit():
        return None
    return got.startswith(condition.digits)


def _looks_complete(_: LooksComplete, trial: Outcome) -> bool | None:
    got = trial.saws.get(Surface.CLIENT, ())
    return any(map(looks_complete, got)) if got else None


def _unreported(_: Unreported, trial: Outcome) -> bool | None:
    saws = [saw for s, found in trial.saws.items() if reports_errors(s) for saw in found]
    if any(is_exception(saw) or saw == Word.ERROR_LINE for saw in saws):
        return False
    return None if Word.INCONCLUSIVE in saws else True


def _before(condition: Before, trial: Outcome) -> bool | None:
    events = _watched(trial)
    then = _first(condition.then, events)
    if then is None:
        return None
    first = _first(condition.first, events)
    return first is not None and first < then


def _pending(condition: Pending, trial: Outcome) -> bool | None:
    events = _watched(trial)
    when = _first(condition.when, events)
    if when is None:
        return None
    before = [event.event for event in events[:when] if event.surface == condition.surface]
    return before.count("begin") > before.count("end")


def _came(condition: Came, trial: Outcome) -> bool | None:
    events = _watched(trial)
    if _first(condition.event, events) is not None:
        return True
    if condition.other is None or _first(condition.other, events) is not None:
        return False
    return None


def _elapsed(condition: Elapsed, trial: Outcome) -> bool | None:
    events, left_ns = _watched(trial), trial.trial.left_ns
    came = _first(condition.event, events)
    if came is None or left_ns is None:
        return None
    return events[came].t_ns - left_ns >= condition.seconds * 1e9


def _sent_after(condition: SentAfter, trial: Outcome) -> bool | None:
    events = _watched(trial)
    came = _first(condition.event, events)
    if came is None:
        return None
    sends = [event for event in events[came:] if event.surface == Surface.SEND]
    called = {event.n for event in sends if event.event == "begin"}
    returned = {event.n for event in sends if event.event == "end" and event.saw is None}
    return not called.isdisjoint(returned)


def _spec_version(condition: SpecVersion, trial: Outcome) -> bool | None:
    declared = _declared(trial)
    return None if declared is None else _numbers(declared) >= _numbers(condition.at_least)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, re.findall(r"\d+", version)))


def _declared(trial: Outcome) -> str | None:
    """The ASGI spec version that the server declared; None if that is not in the trace."""
    events = trial.trial.events
    return next((e.detail for e in events if (e.surface, e.event) == (SCOPE, DECLARES)), None)


def _sends_after(condition: SendsAfter, trial: Outcome) -> bool | None:
    left_ns = trial.trial.left_ns
    if left_ns is None:
        return None
    events = _watched(trial)
    given_ns = next(
        (
            event.t_ns
            for event in events
            if event.surface == Surface.RECEIVE
            and event.saw == Word.DISCONNECT
            and event.t_ns >= left_ns
        ),
        left_ns,
    )
    sends = [event for event in events if event.surface == Surface.SEND]
    called = {e.n for e in sends if e.event == "begin" and e.t_ns >= given_ns}
    returned = [e.saw for e in sends if e.event == "end" and e.n in called]
    some_returned = None in returned
    some_raised = any(saw not in (None, "CancelledError") for saw in returned)
    if some_returned and some_raised:
        return False
    decided = some_returned or some_raised
    return some_returned == condition.returns if decided else None


def _all(condition: All, trial: Outcome) -> bool | None:
    answers = [decide(part, trial) for part in condition.of]
    if False in answers:
        return False
    return None if None in answers else True


def _either(condition: Either, trial: Outcome) -> bool | None:
    answers = [decide(part, trial) for part in condition.of]
    if True in answers:
        return True
    return None if None in answers else False


def _not(condition: Not, trial: Outcome) -> bool | None:
    answer = decide(condition.of, trial)
    return None if answer is None else not answer


def _when(condition: When, trial: Outcome) -> bool | None:
    return decide(condition.then, trial) if decide(condition.premise, trial) else None


_RULES: Mapping[type, Callable[[Any, Outcome], bool | None]] = {
    Saw: _saw,
    SawAny: _saw_any,
    Status: _status,
    LooksComplete: _looks_complete,
    Unreported: _unreported,
    Before: _before,
    Pending: _pending,
    Came: _came,
    Elapsed: _elapsed,
    SentAfter: _sent_after,
    SpecVersion: _spec_version,
    SendsAfter: _sends_after,
    All: _all,
    Either: _either,
    Not: _not,
    When: _when,
}


def _first(mark: Mark, events: Sequence[Event]) -> int | None:
    """Where among these events the first one of a kind is."""
    return next((i for i, event in enumerate(events) if _is(event, mark)), None)


def _is(event: Event, mark: Mark) -> bool:
    return (
        (event.surface, event.event) == (mark.surface, mark.event)
        and mark.saw in (None, event.saw)
        and mark.detail in (None, event.detail)
    )


def _watched(trial: Outcome) -> Sequence[Event]:
    """The events up to the closing of the window."""
    closed_ns = trial.trial.closed_ns
    if closed_ns is None:
        return trial.trial.events
    events = trial.trial.events
    return events[: bisect_right(events, closed_ns, key=_time_ns)]


def _time_ns(event: Event) -> int:
    return event.t_ns
