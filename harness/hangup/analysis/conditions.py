"""What a claim is decided by: a small language over one trial. Pure.

A condition is data. Asked of a classified trial it answers True (the trial upholds it), False
(the trial refutes it) or None (the trial does not decide it); the answers are combined as in
Kleene's logic, so that what is not known never becomes a yes or a no. Every condition says
in words what it asks for (`said`) and which surfaces it reads (`surfaces`).

Conditions see what was classified (`ClassifiedTrial.saws`) and the order of the events up to
the closing of the window. What way an exception took between two frames is not in a trial
that counts: see `PathCondition`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeAlias

import msgspec

from hangup.analysis.ways import Ways
from hangup.model.outcomes import ClassifiedTrial
from hangup.model.trace import Event
from hangup.model.vocabulary import Surface, is_exception

AN_EXCEPTION = "an exception"
"""Among the words of `Saw`: any exception that is not named among the words itself."""
FEW = 3
"""So many of the words that refute a condition are named in what is said of it."""


class Saw(msgspec.Struct, frozen=True):
    """All that the surface saw is among `yes`; anything among `no` refutes it.

    What is in neither decides nothing: the words that mean "could not tell" are in neither.
    """

    surface: str
    yes: frozenset[str]
    no: frozenset[str]

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        saws = each.saws.get(self.surface, ())
        if any(self._among(saw, self.no, self.yes) for saw in saws):
            return False
        if saws and all(self._among(saw, self.yes, self.no) for saw in saws):
            return True
        return None

    @staticmethod
    def _among(saw: str, words: frozenset[str], others: frozenset[str]) -> bool:
        if saw in words:
            return True
        return AN_EXCEPTION in words and is_exception(saw) and saw not in others

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.surface,)

    @property
    def said(self) -> str:
        no = f", not {_either(self.no)}" if 0 < len(self.no) <= FEW else ""
        return f"`{self.surface}` sees {_either(self.yes)}{no}"


class Status(msgspec.Struct, frozen=True):
    """The client got a response, with a status that begins with `digits`."""

    digits: str

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        got = each.trial.got or ""
        if each.trial.failure is not None or not got[:1].isdigit():
            return None
        return got.startswith(self.digits)

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (Surface.CLIENT,)

    @property
    def said(self) -> str:
        return f"the status that the client gets is {self.digits}"


class Mark(msgspec.Struct, frozen=True):
    """A kind of event; what is None may be anything."""

    surface: str
    event: str
    saw: str | None = None
    detail: str | None = None

    def first(self, each: ClassifiedTrial) -> int | None:
        """Where among the trial's events the first one is, up to the closing of the window."""
        return next((i for i, event in enumerate(_watched(each)) if self._is(event)), None)

    def _is(self, event: Event) -> bool:
        return (
            (event.surface, event.event) == (self.surface, self.event)
            and self.saw in (None, event.saw)
            and self.detail in (None, event.detail)
        )

    @property
    def said(self) -> str:
        what = [f"`{self.surface}`", f"{self.event}s" if self.event != "saw" else "sees"]
        if self.saw is not None:
            what.append(f"`{self.saw}`")
        if self.detail is not None:
            what.append(f"({self.detail})")
        return " ".join(what)


class Before(msgspec.Struct, frozen=True):
    """The first event came before the other; undecided where there was no other."""

    first: Mark
    then: Mark

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        then = self.then.first(each)
        if then is None or each.trial.failure is not None:
            return None
        first = self.first.first(each)
        return first is not None and first < then

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.first.surface, self.then.surface)

    @property
    def said(self) -> str:
        return f"{self.first.said} before {self.then.said}"


class Pending(msgspec.Struct, frozen=True):
    """Something was under way on a surface when an event came; undecided where none came."""

    surface: str
    when: Mark

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        when = self.when.first(each)
        if when is None or each.trial.failure is not None:
            return None
        events = [e.event for e in _watched(each)[:when] if e.surface == self.surface]
        return events.count("begin") > events.count("end")

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.surface,)

    @property
    def said(self) -> str:
        return f"`{self.surface}` is under way when {self.when.said}"


class SendsAfter(msgspec.Struct, frozen=True):
    """Every `send()` begun once the app had been given the disconnect raised an exception.

    Where the app never was given it, those begun once the client had left count. A
    cancellation that hits a `send()` is none of its own exceptions and decides nothing.
    """

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        trial = each.trial
        if trial.failure is not None or trial.left_ns is None:
            return None
        left_ns = trial.left_ns
        events = _watched(each)
        given_ns = next(
            (
                e.t_ns
                for e in events
                if e.surface == Surface.RECEIVE and e.saw == "http.disconnect" and e.t_ns >= left_ns
            ),
            left_ns,
        )
        sends = [e for e in events if e.surface == Surface.SEND]
        begun = {e.n for e in sends if e.event == "begin" and e.t_ns >= given_ns}
        ended = [e.saw for e in sends if e.event == "end" and e.n in begun]
        if None in ended:
            return False
        return True if any(saw != "CancelledError" for saw in ended) else None

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (Surface.SEND,)

    @property
    def said(self) -> str:
        return "`send` raises when it is called after the disconnect, and does not return"


class All(msgspec.Struct, frozen=True):
    """All of them hold; one that is refuted refutes it."""

    of: tuple[Condition, ...]

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        answers = [condition(each) for condition in self.of]
        if False in answers:
            return False
        return None if None in answers else True

    @property
    def surfaces(self) -> tuple[str, ...]:
        return _surfaces(self.of)

    @property
    def said(self) -> str:
        return ", and ".join(condition.said for condition in self.of)


class Either(msgspec.Struct, frozen=True):
    """One of them holds; it takes all of them refuted to refute it."""

    of: tuple[Condition, ...]

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        answers = [condition(each) for condition in self.of]
        if True in answers:
            return True
        return None if None in answers else False

    @property
    def surfaces(self) -> tuple[str, ...]:
        return _surfaces(self.of)

    @property
    def said(self) -> str:
        return ", or ".join(condition.said for condition in self.of)


class When(msgspec.Struct, frozen=True):
    """Decided only in trials in which the premise holds."""

    premise: Condition
    then: Condition

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        return self.then(each) if self.premise(each) else None

    @property
    def surfaces(self) -> tuple[str, ...]:
        return _surfaces((self.then, self.premise))

    @property
    def said(self) -> str:
        return f"{self.then.said} (asked only where {self.premise.said})"


class PathCondition(msgspec.Struct, frozen=True):
    """A condition on the way of an exception from frame to frame.

    It is asked of the trial in which exceptions were followed, and of no other: the trials
    that outcomes are counted from do not record ways.
    """

    question: str
    decides: Callable[[Ways, str], bool | None]

    def __call__(self, each: ClassifiedTrial) -> bool | None:
        return None

    @property
    def surfaces(self) -> tuple[str, ...]:
        return ()

    @property
    def said(self) -> str:
        return f"{self.question}, in the trial in which exceptions were followed"


Condition: TypeAlias = (
    Saw | Status | Before | Pending | SendsAfter | All | Either | When | PathCondition
)


def _surfaces(conditions: Iterable[Condition]) -> tuple[str, ...]:
    found = (surface for condition in conditions for surface in condition.surfaces)
    return tuple(dict.fromkeys(found))


def parts_of(condition: Condition) -> Iterator[Condition]:
    """A condition and all that it is made of."""
    yield condition
    inner: tuple[Condition, ...] = ()
    if isinstance(condition, All | Either):
        inner = condition.of
    elif isinstance(condition, When):
        inner = (condition.then, condition.premise)
    for each in inner:
        yield from parts_of(each)


def decisive(condition: Condition) -> str | None:
    """The surface whose observations say why a condition came out as it did, if there is one."""
    match condition:
        case Saw(surface=surface):
            return surface
        case Status():
            return Surface.CLIENT
        case When(then=then):
            return decisive(then)
        case All(of=of) | Either(of=of):
            return next((s for s in map(decisive, of) if s is not None), None)
        case _:
            return None


def _watched(each: ClassifiedTrial) -> tuple[Event, ...]:
    """The events up to the closing of the window: what comes later is the harness's doing."""
    closed_ns = each.trial.closed_ns
    if closed_ns is None:
        return each.trial.events
    return tuple(event for event in each.trial.events if event.t_ns <= closed_ns)


def _either(words: frozenset[str]) -> str:
    named = [f"`{word}`" if is_exception(word) else word for word in sorted(words)]
    return " or ".join(f"“{word}”" if not word.startswith("`") else word for word in named)
