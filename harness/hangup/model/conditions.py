"""What claims and hazards are decided by: a small language over one trial, as data.

Asked of a classified trial, a condition is True (the trial confirms it), False (the trial
refutes it) or None (the trial does not decide it); the answers are combined as in Kleene's
logic, so that what is not known never becomes a yes or a no. `hangup.analysis.conditions`
asks, `hangup.report.conditions` says in words what is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal, TypeAlias

import msgspec

from hangup.model.vocabulary import Surface

AN_EXCEPTION = "an exception"
"""Among words: any exception that is not named among the words itself."""


class Saw(msgspec.Struct, frozen=True):
    """All that the surface saw is among `yes`; anything among `no` refutes it.

    What is in neither decides nothing: the words that mean "inconclusive" are in neither.
    """

    surface: str
    yes: frozenset[str]
    no: frozenset[str]

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.surface,)


class SawAny(msgspec.Struct, frozen=True):
    """Anything that the surface saw is among `words`."""

    surface: str
    words: frozenset[str]

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.surface,)


class Status(msgspec.Struct, frozen=True):
    """The client got a response, with a status that begins with `digits`."""

    digits: str

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (Surface.CLIENT,)


class LooksComplete(msgspec.Struct, frozen=True):
    """The client got a successful response with a proper end."""

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (Surface.CLIENT,)


class Unreported(msgspec.Struct, frozen=True):
    """No handler, no hook and no line in the server's log saw an exception or an error."""

    @property
    def surfaces(self) -> tuple[str, ...]:
        return ()


class Mark(msgspec.Struct, frozen=True):
    """A kind of event; what is None may be anything."""

    surface: str
    event: str
    saw: str | None = None
    detail: str | None = None


class Before(msgspec.Struct, frozen=True):
    """The first event came before the other; undecided where there was no other."""

    first: Mark
    then: Mark

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.first.surface, self.then.surface)


class Pending(msgspec.Struct, frozen=True):
    """Something was under way on a surface when an event came; undecided where none came."""

    surface: str
    when: Mark

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.surface,)


class Came(msgspec.Struct, frozen=True):
    """An event came; what refutes that is the other event or, where none is named, that it did not.

    Both are looked for up to the closing of the window.
    """

    event: Mark
    other: Mark | None = None

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.event.surface,)


class Elapsed(msgspec.Struct, frozen=True):
    """An event came at least `seconds` after the client left or the operator signalled.

    Undecided where it did not come, or where nobody left or signalled.
    """

    event: Mark
    seconds: float

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (self.event.surface,)


class SentAfter(msgspec.Struct, frozen=True):
    """Something was passed to `send()` after an event, and `send()` did not raise.

    Undecided where the event did not come.
    """

    event: Mark

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (Surface.SEND, self.event.surface)


class SpecVersion(msgspec.Struct, frozen=True):
    """The server declares this version of the ASGI HTTP specification, or a later one.

    Undecided where the trace does not have what it declares.
    """

    at_least: str

    @property
    def surfaces(self) -> tuple[str, ...]:
        return ()


class SendsAfter(msgspec.Struct, frozen=True):
    """Every `send()` called once the app had been given the disconnect raised an exception.

    With `returns`, every one of them returned. Where the app never was given it, those called
    once the client had left count. A cancellation of a `send()` is not an exception of its own and
    decides nothing.
    """

    returns: bool = False

    @property
    def surfaces(self) -> tuple[str, ...]:
        return (Surface.SEND,)


class All(msgspec.Struct, frozen=True):
    """All of them are true; one that is refuted refutes it."""

    of: tuple[Condition, ...]

    @property
    def surfaces(self) -> tuple[str, ...]:
        return _surfaces(self.of)


class Either(msgspec.Struct, frozen=True):
    """One of them is true; it takes all of them refuted to refute it."""

    of: tuple[Condition, ...]

    @property
    def surfaces(self) -> tuple[str, ...]:
        return _surfaces(self.of)


class Not(msgspec.Struct, frozen=True):
    """It is refuted."""

    of: Condition

    @property
    def surfaces(self) -> tuple[str, ...]:
        return self.of.surfaces


class When(msgspec.Struct, frozen=True):
    """Decided only in trials in which the premise is true."""

    premise: Condition
    then: Condition

    @property
    def surfaces(self) -> tuple[str, ...]:
        return _surfaces((self.then, self.premise))


Condition: TypeAlias = (
    Saw
    | SawAny
    | Status
    | LooksComplete
    | Unreported
    | Before
    | Pending
    | Came
    | Elapsed
    | SentAfter
    | SpecVersion
    | SendsAfter
    | All
    | Either
    | Not
    | When
)

PathQuestion = Literal["cancelled-by-another-task", "passes-no-handler"]


class PathCondition(msgspec.Struct, frozen=True):
    """A question about the path of an exception from frame to frame.

    It is asked of the trial in which exceptions were traced, and of no other: the trials
    that outcomes are counted from do not record paths.
    """

    question: PathQuestion

    @property
    def surfaces(self) -> tuple[str, ...]:
        return ()


def _surfaces(conditions: Iterable[Condition]) -> tuple[str, ...]:
    found = (surface for condition in conditions for surface in condition.surfaces)
    return tuple(dict.fromkeys(found))
