"""The path of an exception, made out from its steps. Pure: steps in, exception_paths out.

An exception_path begins where an exception came up that no other one had led to, and ends where
the last of those that it led to stayed. The steps are those of `harness/hangup/agent/exception_tracer.py`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hangup.model.exception_path import Disposition, ExceptionPath, Frame, Location, Step


class _Visit:
    """An exception in a frame, as its steps come in."""

    def __init__(self, raised: Step) -> None:
        self.raised = raised
        self.handled: Step | None = None
        self.left: Step | None = None


class _Exception:
    """What the steps say of one exception object."""

    def __init__(self) -> None:
        self.cancelled_by: list[Location] = []
        self.cancelled_in: str | None = None
        self.reason: Step | None = None
        self.visits: list[_Visit] = []

    def leaves(self, frame: int) -> bool:
        """Whether it came up in this frame and left it."""
        return any(visit.left and visit.raised.frame == frame for visit in self.visits)


def exception_paths(steps: Iterable[Step]) -> tuple[ExceptionPath, ...]:
    """The exception_paths of a trial, by when they began."""
    visits, found = _sorted_out(steps)
    origin: dict[int, int] = {}
    for number, exception in sorted(found.items()):
        replaced = _replaces(exception, found)
        origin[number] = number if replaced is None else origin[replaced]
    return tuple(
        ExceptionPath(
            cancelled_by=tuple(found[first].cancelled_by),
            cancelled_in=found[first].cancelled_in,
            frames=tuple(_stops([v for v in visits if origin[v.raised.n] == first], found)),
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
            case "cancelled-by":
                exception.cancelled_by.append(_location(step))
                exception.cancelled_in = step.task
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


def _stops(visits: Sequence[_Visit], found: dict[int, _Exception]) -> Iterator[Frame]:
    for visit, following in zip(visits, [*visits[1:], None], strict=True):
        yield Frame(
            exception=visit.raised.n,
            saw=visit.raised.saw,
            location=_location(visit.raised),
            task=visit.raised.task,
            disposition=_fate(visit, following, found),
            handler=visit.handled.handler if visit.handled else None,
            handler_line=(visit.handled.handler_line or visit.handled.line)
            if visit.handled
            else None,
        )


def _fate(visit: _Visit, following: _Visit | None, found: dict[int, _Exception]) -> Disposition:
    if following is None:
        if visit.left is None:
            return Disposition.HANDLED
        if visit.left.at == "task":
            return Disposition.ENDED_TASK
        return (
            Disposition.ENDED_CLOSE
            if visit.raised.saw == "GeneratorExit"
            else Disposition.LEFT_PYTHON
        )
    same = following.raised.n == visit.raised.n
    if visit.left is None:
        return Disposition.RERAISED if same else Disposition.REPLACED
    reason = found[following.raised.n].reason
    grouped = not same and reason is not None and reason.of == visit.raised.n
    return Disposition.GROUPED if grouped else Disposition.PASSED


def _location(step: Step) -> Location:
    return Location(function=step.function, file=step.file, line=step.line)


def steps_through_apps(steps: Sequence[Step]) -> tuple[Step, ...]:
    """The steps of the exceptions whose paths lead through apps' code."""
    through_apps = {
        frame.exception
        for path in exception_paths(steps)
        if any(frame.location.file.startswith("apps/") for frame in path.frames)
        for frame in path.frames
    }
    return tuple(step for step in steps if step.n in through_apps)
