"""Exception paths, made of the steps that the tracer recorded. Pure: steps in, paths out.

A path begins where an exception was raised that no other one had led to, and ends where the
last of those that it led to was handled or left Python code. Steps are those of
`hangup.agent.exception_tracer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from hangup.model.exception_path import (
    AGENT,
    APPS,
    STREAM_CODE,
    WRAPPER_FILES,
    Disposition,
    ExceptionPath,
    Frame,
    Location,
    Step,
)


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
        """Whether it was raised in this frame and left it."""
        return any(visit.left and visit.raised.frame == frame for visit in self.visits)


def through_the_stream(paths: Iterable[ExceptionPath]) -> tuple[ExceptionPath, ...]:
    """The paths that lead through the stream, its source or what the endpoint does."""
    return tuple(path for path in paths if any(_of_the_stream(f.location) for f in path.frames))


def _of_the_stream(location: Location) -> bool:
    return location.file.startswith(STREAM_CODE) and location.file not in WRAPPER_FILES


def exception_paths(steps: Iterable[Step]) -> tuple[ExceptionPath, ...]:
    """The paths of a trial, by when they began."""
    visits, found = _visits(steps)
    origin: dict[int, int] = {}
    for number, exception in sorted(found.items()):
        replaced = _replaces(exception, found)
        origin[number] = number if replaced is None else origin[replaced]
    return tuple(
        ExceptionPath(
            cancelled_by=tuple(found[first].cancelled_by),
            cancelled_in=found[first].cancelled_in,
            frames=tuple(_frames([v for v in visits if origin[v.raised.n] == first], found)),
        )
        for first in dict.fromkeys(origin.values())
        if found[first].visits
    )


def _visits(steps: Iterable[Step]) -> tuple[list[_Visit], dict[int, _Exception]]:
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
    """The exception whose path this one continues; None if it begins a path of its own.

    What is raised while another exception is being handled has it as its `__context__` even
    if it is handled there and then. It replaces the other one only if it left the frame that
    had caught that one, or what it led to did; or if it is a group that has it as a member.
    """
    reason = other.reason
    if reason is None or reason.of not in found or not other.visits:
        return None
    if reason.of > reason.n:
        return None  # An older one that is raised anew has a path of its own.
    if reason.at == "member":
        return reason.of
    caught = {v.raised.frame for v in found[reason.of].visits if v.handled and not v.left}
    return reason.of if any(_comes_of(other, frame, found) for frame in caught) else None


def _comes_of(exception: _Exception, frame: int, found: dict[int, _Exception]) -> bool:
    """Whether it left this frame, or one did that was raised there on account of it."""
    if exception.leaves(frame):
        return True
    if all(visit.raised.frame != frame for visit in exception.visits):
        return False
    number = exception.visits[0].raised.n
    led_to = (e for n, e in found.items() if n > number and e.reason and e.reason.of == number)
    return any(_comes_of(other, frame, found) for other in led_to)


def _frames(visits: Sequence[_Visit], found: dict[int, _Exception]) -> Iterator[Frame]:
    for visit, following in zip(visits, [*visits[1:], None], strict=True):
        yield Frame(
            exception=visit.raised.n,
            saw=visit.raised.saw,
            location=_location(visit.raised),
            task=visit.raised.task,
            disposition=_disposition(visit, following, found),
            handler=visit.handled.handler if visit.handled else None,
            handler_line=(visit.handled.handler_line or visit.handled.line)
            if visit.handled
            else None,
        )


def _disposition(
    visit: _Visit, following: _Visit | None, found: dict[int, _Exception]
) -> Disposition:
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
    """The steps of the exceptions whose paths lead through code of an app or of the agent."""
    through_apps = {
        frame.exception
        for path in exception_paths(steps)
        if any(frame.location.file.startswith((APPS, AGENT)) for frame in path.frames)
        for frame in path.frames
    }
    return tuple(step for step in steps if step.n in through_apps)
