"""The path of an exception, made out from its steps. Pure: steps in, itineraries out.

An itinerary begins where an exception came up that no other one had led to, and ends where
the last of those that it led to stayed. The steps are those of `apps/subject/itinerary.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import StrEnum

import msgspec

from harness.trace import Step, Trial


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
    """The coroutine of the task this happened in; None outside of tasks."""
    fate: Fate
    by: str | None = None
    """The handler that took it last: `except`, `finally` or `with`, and of what."""
    by_line: int | None = None


class Itinerary(msgspec.Struct, frozen=True, kw_only=True):
    """The path of an exception and of those it led to."""

    asked: tuple[Place, ...]
    """The call that asked for it, innermost frame first; empty where it was just raised."""
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
        return tuple(dict.fromkeys(stop.saw for stop in self.stops))


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
        self.reason: Step | None = None
        self.visits: list[_Visit] = []


def itineraries(steps: Iterable[Step]) -> tuple[Itinerary, ...]:
    """The itineraries of a trial, by when they began."""
    found = _sorted_out(steps)
    followed: set[int] = set()
    made = []
    for number, exception in found.items():
        if number in followed or not exception.visits:
            continue
        chain = list(_chain(number, found))
        followed.update(chain)
        if exception.reason is None:
            stops = tuple(_stops(chain, found))
            made.append(Itinerary(asked=tuple(exception.asked), stops=stops))
    return tuple(made)


def through(trial: Trial, file: str, functions: Sequence[str]) -> tuple[Itinerary, ...]:
    """The itineraries of a trial that lead through one of these functions."""
    return tuple(
        itinerary
        for itinerary in itineraries(trial.path)
        if any(s.place.file == file and s.place.function in functions for s in itinerary.stops)
    )


def _sorted_out(steps: Iterable[Step]) -> dict[int, _Exception]:
    found: dict[int, _Exception] = {}
    for step in steps:
        exception = found.setdefault(step.n, _Exception())
        visit = next((v for v in exception.visits[::-1] if v.raised.frame == step.frame), None)
        match step.event:
            case "asked":
                exception.asked.append(_place(step))
            case "replaces":
                exception.reason = step
            case "raised":
                exception.visits.append(_Visit(step))
            case "handled" if visit is not None:
                visit.handled = step
            case "left" if visit is not None:
                visit.left = step
    return found


def _chain(number: int, found: dict[int, _Exception]) -> Iterator[int]:
    """An exception, and those it led to one after the other."""
    following: int | None = number
    while following is not None:
        yield following
        following = _successor(following, found)


def _successor(number: int, found: dict[int, _Exception]) -> int | None:
    """The exception that took the place of this one where it went no further."""
    last = found[number].visits[-1]
    for other, exception in found.items():
        reason = exception.reason
        if reason is None or reason.of != number or not exception.visits:
            continue
        if reason.at == "member":  # of a group raised by whoever waited
            return other
        same_frame = (v for v in exception.visits if v.raised.frame == last.raised.frame)
        if last.left is None and any(v.left for v in same_frame):
            return other
    return None


def _stops(chain: Sequence[int], found: dict[int, _Exception]) -> Iterator[Stop]:
    for number in chain:
        visits = found[number].visits
        for visit in visits:
            last_of_it = visit is visits[-1]
            yield Stop(
                exception=number,
                saw=visit.raised.saw,
                place=_place(visit.raised),
                task=visit.raised.task,
                fate=_fate(visit, last_of_it, goes_on=number != chain[-1]),
                by=visit.handled.by if visit.handled else None,
                by_line=(visit.handled.by_line or visit.handled.line) if visit.handled else None,
            )


def _fate(visit: _Visit, last_of_it: bool, *, goes_on: bool) -> Fate:
    if not last_of_it:
        return Fate.PASSED if visit.left else Fate.HANDED_ON
    if visit.left is None:
        return Fate.REPLACED if goes_on else Fate.ABSORBED
    if goes_on:
        return Fate.COLLECTED
    if visit.left.at == "task":
        return Fate.ENDED_TASK
    return Fate.ENDED_CLOSE if visit.raised.saw == "GeneratorExit" else Fate.LOST


def _place(step: Step) -> Place:
    return Place(function=step.function, file=step.file, line=step.line)
