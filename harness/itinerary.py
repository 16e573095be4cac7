"""The path of an exception, made out from its steps. Pure: steps in, itineraries out.

An itinerary begins where an exception came up that no other one had led to, and ends where
the last of those that it led to stayed. The steps are those of `apps/subject/itinerary.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum
from itertools import groupby

import msgspec

from harness.trace import Step


class Fate(StrEnum):
    """What became of an exception in a frame it came up in."""

    PASSED = "passed"
    """It left the frame as it was."""
    REPLACED = "replaced"
    """The frame was left by another exception, raised on account of it."""
    HANDED_ON = "handed on"
    """A handler took it and it came up again elsewhere: in the task that waited, say."""
    COLLECTED = "put into a group"
    """It ended its task, and came up elsewhere as a member of a group."""
    ABSORBED = "absorbed"
    """A handler took it and the frame went on."""
    ENDED_TASK = "ended its task"
    """It left the outermost frame of a task, and nobody raised it again."""
    ENDED_CLOSE = "ended the close()"
    """It left the generator it was thrown into; the call that threw it was content."""
    LOST = "left Python code"
    """It left a frame that was not called by Python code; who took it cannot be told."""


FINAL = frozenset({Fate.ABSORBED, Fate.ENDED_TASK, Fate.ENDED_CLOSE, Fate.LOST})
"""The fates that end an itinerary."""


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A line of code that was being executed."""

    function: str
    file: str
    line: int


class Stop(msgspec.Struct, frozen=True, kw_only=True):
    """An exception in one frame: where it came up there and what became of it."""

    exception: int
    saw: str
    place: Place
    task: str | None
    """The task this happened in, its coroutine and a number; None outside of tasks."""
    fate: Fate
    by: str | None = None
    """The handler that took it last: `except`, `finally` or `with`, and of what."""
    by_line: int | None = None


class Itinerary(msgspec.Struct, frozen=True, kw_only=True):
    """The path of an exception and of those it led to."""

    asked: tuple[Place, ...]
    """The call that asked for it, innermost frame first; empty where it was just raised."""
    asked_in: str | None
    """The task in which that call was made; None outside of tasks."""
    stops: tuple[Stop, ...]

    @property
    def delivered(self) -> Stop:
        """Where it came up first."""
        return self.stops[0]

    @property
    def end(self) -> Stop:
        """Where it stayed."""
        return self.stops[-1]

    @property
    def names(self) -> tuple[str, ...]:
        """What it was and became, in order."""
        return tuple(saw for saw, _ in groupby(stop.saw for stop in self.stops))


class _Visit:
    """An exception in a frame, as its steps come in."""

    def __init__(self, raised: Step) -> None:
        self.raised = raised
        self.handled: Step | None = None
        self.left: Step | None = None


class _Exception:
    """What the steps say of one exception object."""

    def __init__(self) -> None:
        self.asked: list[Place] = []
        self.asked_in: str | None = None
        self.reason: Step | None = None
        self.visits: list[_Visit] = []

    def leaves(self, frame: int) -> bool:
        """Whether it came up in this frame and left it."""
        return any(visit.left and visit.raised.frame == frame for visit in self.visits)


def itineraries(steps: Iterable[Step]) -> tuple[Itinerary, ...]:
    """The itineraries of a trial, by when they began."""
    visits, found = _sorted_out(steps)
    origin: dict[int, int] = {}
    for number, exception in sorted(found.items()):
        replaced = _replaces(exception, found)
        origin[number] = number if replaced is None else origin[replaced]
    return tuple(
        Itinerary(
            asked=tuple(found[first].asked),
            asked_in=found[first].asked_in,
            stops=tuple(_stops([v for v in visits if origin[v.raised.n] == first], found)),
        )
        for first in dict.fromkeys(origin.values())
        if found[first].visits
    )


def _sorted_out(steps: Iterable[Step]) -> tuple[list[_Visit], dict[int, _Exception]]:
    """All visits by when they began, and the exceptions by number."""
    found: dict[int, _Exception] = {}
    visits: list[_Visit] = []
    for step in steps:
        exception = found.setdefault(step.n, _Exception())
        visit = next((v for v in exception.visits[::-1] if v.raised.frame == step.frame), None)
        match step.event:
            case "asked":
                exception.asked.append(_place(step))
                exception.asked_in = step.task
            case "replaces":
                exception.reason = step
            case "raised":
                visits.append(_Visit(step))
                exception.visits.append(visits[-1])
            case "handled" if visit is not None:
                visit.handled = step
            case "left" if visit is not None:
                visit.left = step
    return visits, found


def _replaces(other: _Exception, found: dict[int, _Exception]) -> int | None:
    """The exception whose path this one continues; None if it is one of its own.

    What is raised while another exception is being handled bears its name (`__context__`)
    even if it is handled there and then. It has taken the other one's place only if it left
    the frame that had taken that one, or what it led to did; or if it is a group that has it
    as a member.
    """
    reason = other.reason
    if reason is None or reason.of not in found or not other.visits:
        return None
    if reason.of > reason.n:
        return None  # An older one that is raised anew goes its own way.
    if reason.at == "member":
        return reason.of
    took = {v.raised.frame for v in found[reason.of].visits if v.handled and not v.left}
    return reason.of if any(_comes_of(other, frame, found) for frame in took) else None


def _comes_of(exception: _Exception, frame: int, found: dict[int, _Exception]) -> bool:
    """Whether it left this frame, or one did that was raised there on account of it."""
    if exception.leaves(frame):
        return True
    if all(visit.raised.frame != frame for visit in exception.visits):
        return False
    number = exception.visits[0].raised.n
    led_to = (e for n, e in found.items() if n > number and e.reason and e.reason.of == number)
    return any(_comes_of(other, frame, found) for other in led_to)


def _stops(visits: Sequence[_Visit], found: dict[int, _Exception]) -> Iterator[Stop]:
    for visit, following in zip(visits, [*visits[1:], None], strict=True):
        yield Stop(
            exception=visit.raised.n,
            saw=visit.raised.saw,
            place=_place(visit.raised),
            task=visit.raised.task,
            fate=_fate(visit, following, found),
            by=visit.handled.by if visit.handled else None,
            by_line=(visit.handled.by_line or visit.handled.line) if visit.handled else None,
        )


def _fate(visit: _Visit, following: _Visit | None, found: dict[int, _Exception]) -> Fate:
    if following is None:
        if visit.left is None:
            return Fate.ABSORBED
        if visit.left.at == "task":
            return Fate.ENDED_TASK
        return Fate.ENDED_CLOSE if visit.raised.saw == "GeneratorExit" else Fate.LOST
    same = following.raised.n == visit.raised.n
    if visit.left is None:
        return Fate.HANDED_ON if same else Fate.REPLACED
    reason = found[following.raised.n].reason
    grouped = not same and reason is not None and reason.of == visit.raised.n
    return Fate.COLLECTED if grouped else Fate.PASSED


def coroutine(task: str) -> str:
    """The coroutine of a task, without the number that tells it from others."""
    return task.partition("#")[0]


def _place(step: Step) -> Place:
    return Place(function=step.function, file=step.file, line=step.line)
