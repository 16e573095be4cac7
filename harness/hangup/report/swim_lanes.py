"""Who cancels whom: one trial of a hang-up as lanes and what goes between them, in time's order.

Computed from two things that are recorded: the events of a trial, which say what each surface saw
and when, and the exception path of the trial in which exceptions were traced, which says who
cancelled, which frames the exception went through, and what handled it. Both came out alike, or
there is no figure. No drawing here (`swim_lanes_svg`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from typing import Literal

import msgspec

from hangup.analysis.outcomes import StackOutcomes
from hangup.model.exception_path import (
    APPS,
    SITE_PACKAGES,
    STREAM_CODE,
    Disposition,
    ExceptionPath,
    Frame,
    Location,
    coroutine,
)
from hangup.model.outcomes import Outcome
from hangup.model.scenario import Disconnect
from hangup.model.scenarios import BY_ID
from hangup.model.trace import CLIENT, Event, StackResult
from hangup.model.variants import baseline_id
from hangup.model.vocabulary import (
    FINALIZED,
    HOOK,
    OPEN,
    Surface,
    Word,
    is_exception,
    surface_title,
)
from hangup.report.exception_path import (
    canceller,
    closed_by_finalizer_hook,
    package,
    short,
)

ArrowKind = Literal["message", "cancel", "exception"]
"""A call or its return, a cancellation or closing, an exception that passes."""

SERVER, MIDDLEWARE, APP, STREAM, SOURCE = "server", "middleware", "app", "stream", "source"
"""The ids of lanes, beside that of the client and those of packages inside of the stream."""
_STREAM_FUNCTIONS = frozenset({"_stream", "_sync_stream"})
"""What the stream's generator is called in the code of the stream; the rest of it is its source."""
_LEAVES: dict[Disconnect, str] = {
    "closes": "closes the connection",
    "resets": "resets the connection",
    "half-closes": "closes its sending side",
    "times-out": "gives up after its read timeout",
    "stays": "stays",
}


class Lane(msgspec.Struct, frozen=True):
    """Something that takes part, and what it is called."""

    id: str
    title: str
    subtitle: str = ""


class Arrow(msgspec.Struct, frozen=True, kw_only=True):
    """What goes from one lane to another."""

    kind: ArrowKind
    from_: str
    to: str
    text: str
    where: str = ""
    """The code that it is done by, if that is known."""


class Note(msgspec.Struct, frozen=True, kw_only=True):
    """What happens in a lane."""

    lane: str
    text: str
    where: str = ""
    final: bool = False
    """Whether it is where the exception ends."""


class SwimLanes(msgspec.Struct, frozen=True, kw_only=True):
    """A figure: lanes from left to right, and what happens, in time's order."""

    title: str
    lanes: tuple[Lane, ...]
    steps: tuple[Arrow | Note, ...]
    silent: tuple[str, ...]
    """The handlers, hooks and logs that are proven to be in place and saw nothing."""


def swim_lanes(of_stack: StackOutcomes, scenario: str) -> SwimLanes | None:
    """The figure of a scenario on a stack.

    None if it was not traced, or if the trial in which exceptions were traced came out otherwise
    than those that count.
    """
    traced = of_stack.traced.get(scenario)
    paths = of_stack.exception_paths.get(scenario)
    if traced is None or not paths:
        return None
    alike = (trial for trial in of_stack.of(scenario) if trial.saws == traced.saws)
    trial = next(alike, None)
    if trial is None or trial.trial.left_ns is None:
        return None
    return _Figure(of_stack.result, trial, paths[0]).lanes_and_steps()


class _Figure:
    """One trial and one exception path, on their way to lanes."""

    def __init__(self, result: StackResult, trial: Outcome, path: ExceptionPath) -> None:
        self.result, self.trial, self.path = result, trial, path
        self.left_ns = trial.trial.left_ns or 0
        self.inner = self._inner_packages()

    def lanes_and_steps(self) -> SwimLanes:
        stack, scenario = self.result.stack, BY_ID[self.trial.trial.scenario]
        return SwimLanes(
            title=f"{stack.app} on {stack.server}: {scenario.title}",
            lanes=tuple(self._lanes()),
            steps=tuple(self._steps()),
            silent=tuple(
                surface_title(surface)
                for surface, saws in self.trial.saws.items()
                if saws == (Word.NOTHING,) and surface != Surface.STREAM
            ),
        )

    # ------------------------------------------------------------------ lanes

    def _lanes(self) -> Iterator[Lane]:
        yield Lane(CLIENT, "client")
        yield Lane(SERVER, *self._named(baseline_id(self.result.stack.server)))
        if self._has_middleware():
            yield Lane(MIDDLEWARE, "middleware", "the function")
        yield Lane(APP, "application", baseline_id(self.result.stack.app))
        yield Lane(STREAM, "stream", "async generator")
        for name in self.inner:
            yield Lane(name, *self._named(name))
        yield Lane(SOURCE, "source", "it reads from")

    def _has_middleware(self) -> bool:
        return any(event.surface == Surface.MIDDLEWARE for event in self.trial.trial.events)

    def _named(self, name: str) -> tuple[str, str]:
        """A distribution and its version."""
        packages = self.result.environment.packages
        versions = {key.lower(): version for key, version in packages.items()}
        return name.lower(), versions.get(name.lower(), "")

    def _inner_packages(self) -> list[str]:
        """The distributions that the path leads through before it comes to the stream."""
        inner: list[str] = []
        for frame in self.path.frames:
            if _lane_of_stream_code(frame.location) == STREAM:
                return list(dict.fromkeys(reversed(inner)))
            name = package(frame.location.file, self.result)
            if frame.location.file.startswith(SITE_PACKAGES) and not _acts_for_others(name):
                inner.append(name)
        return []

    def _lane(self, location: Location) -> str | None:
        """The lane of a frame; None for what acts for others."""
        own = _lane_of_stream_code(location)
        if own is not None:
            return own
        name = package(location.file, self.result)
        if not _named(location) or _acts_for_others(name):
            return None
        return name if name in self.inner else APP

    # ------------------------------------------------------------------ steps

    def _steps(self) -> Iterator[Arrow | Note]:
        yield from self._before()
        scenario = BY_ID[self.trial.trial.scenario]
        yield Arrow(kind="message", from_=CLIENT, to=SERVER, text=_LEAVES[scenario.disconnect])
        thrown = False
        for surface, run in groupby(self._after(), key=lambda event: event.surface):
            events = list(run)
            if surface in (Surface.STREAM, Surface.SOURCE) and any(map(_of_exception, events)):
                if not thrown:
                    yield from self._thrown()
                thrown = True
            else:
                yield from self._of_surface(surface, events)
        yield from self._open()

    def _before(self) -> Iterator[Note]:
        """What was over before the client left, where a reader would look for it after."""
        for event in self.trial.trial.events:
            over = event.surface == Surface.MIDDLEWARE and event.event == "end"
            if over and event.t_ns < self.left_ns:
                yield Note(lane=MIDDLEWARE, text="the middleware has returned, before anyone left")

    def _after(self) -> list[Event]:
        return [event for event in self.trial.trial.events if event.t_ns > self.left_ns]

    def _of_surface(self, surface: str, events: Sequence[Event]) -> Iterator[Arrow | Note]:
        """The steps of events in a row on one surface."""
        match surface:
            case Surface.RECEIVE if any(event.saw == Word.DISCONNECT for event in events):
                yield Arrow(
                    kind="message",
                    from_=SERVER,
                    to=APP,
                    text="receive() returns http.disconnect",
                )
            case Surface.SEND:
                begun = sum(event.event == "begin" for event in events)
                times = f", {begun} times" if begun > 1 else ""
                if begun:
                    yield Arrow(kind="message", from_=APP, to=SERVER, text=f"calls send(){times}")
            case Surface.ASGI:
                raised = next((event.saw for event in events if event.saw), "")
                yield Arrow(
                    kind="exception" if raised else "message",
                    from_=APP,
                    to=SERVER,
                    text=raised or "the application returns",
                )
            case Surface.SERVER_LOG:
                yield Note(lane=SERVER, text=f"logs an error: {events[0].saw or 'a line'}")
            case Surface.MIDDLEWARE:
                yield Note(lane=MIDDLEWARE, text=_ended("the middleware", events[-1]))
            case Surface.BACKGROUND | Surface.DEPENDENCY | Surface.ENDPOINT | Surface.CLEANUP:
                yield Note(lane=APP, text=_ended(surface_title(surface), events[-1]))
            case _ if surface.startswith(HOOK) and events[-1].event == "saw":
                saw = events[-1].saw or ""
                with_ = f" with {saw}" if is_exception(saw) else ""
                yield Note(lane=APP, text=f"{surface_title(surface)} is called{with_}")
            case Surface.STREAM | Surface.SOURCE if events[-1].event == "end":
                yield Note(lane=str(surface), text=_ended(surface_title(surface), events[-1]))
            case _:
                pass

    def _thrown(self) -> Iterator[Arrow | Note]:
        """Who cancelled, and the way of the exception."""
        path = self.path
        lanes = [(frame, self._lane(frame.location)) for frame in path.frames]
        named = [(frame, lane) for frame, lane in lanes if lane is not None]
        first = named[0][1] if named else STREAM
        raised = path.raised_in
        if closed_by_finalizer_hook(path):
            yield Note(lane=first, text="nothing refers to it any more: the event loop closes it")
        elif path.cancelled_by:
            by = canceller(path, self.result)
            closed = raised.saw == "GeneratorExit"
            yield Arrow(
                kind="cancel",
                from_=self._lane(by) or APP,
                to=first,
                text="close()" if closed else "cancel()" + self._tasks(),
                where=self._where(by),
            )
        before, lane = raised.saw, first
        yield Note(lane=first, text=f"{raised.saw} is raised", where=self._where(raised.location))
        for frame, there in named:
            if there != lane or frame.saw != before:
                yield self._passes(lane, there, before, frame)
            before, lane = frame.saw, there
        yield self._end(lane)

    def _passes(self, lane: str, there: str, before: str, frame: Frame) -> Arrow | Note:
        if there == lane:
            return Note(
                lane=lane, text=f"it becomes {frame.saw}", where=self._where(frame.location)
            )
        became = "" if frame.saw == before else f", as {frame.saw}"
        return Arrow(kind="exception", from_=lane, to=there, text=f"{before} passes{became}")

    def _tasks(self) -> str:
        """Which task cancels which, where both are known and are not one."""
        by, cancelled = self.path.cancelled_in, self.path.raised_in.task
        if by is None or cancelled is None or by == cancelled:
            return ""
        if _task(by) == _task(cancelled):
            return f": one task {_task(by)} cancels another"
        return f": task {_task(by)} cancels task {_task(cancelled)}"

    def _end(self, lane: str) -> Note:
        """What became of the exception."""
        end = self.path.end
        match end.disposition:
            case Disposition.HANDLED:
                by = end.handler or "its frame"
                return Note(
                    lane=lane,
                    text=f"handled by `{by}`",
                    where=self._where(end.location, end.handler_line),
                    final=True,
                )
            case Disposition.ENDED_TASK:
                task = _task(end.task or "")
                return Note(lane=lane, text=f"ends task {task}; nothing re-raises it", final=True)
            case Disposition.ENDED_CLOSE:
                return Note(lane=lane, text="close() swallows it", final=True)
            case _:
                return Note(lane=lane, text="leaves Python code", final=True)

    def _where(self, location: Location, line: int | None = None) -> str:
        """A line of code, and the distribution that it is of."""
        distribution = self.result.distributions.get(location.file)
        of = f"{distribution.name} {distribution.version}: " if distribution else ""
        name = location.file.removeprefix(APPS)
        if location.file.startswith("python3."):
            of, name = f"{self.result.environment.python}: ", name.partition("/")[2]
        elif of:
            name = name.rpartition("/")[2]
        return f"{of}{short(location.function)}, {name}:{line or location.line}"

    def _open(self) -> Iterator[Note]:
        """What had not ended when the window closed, or only for the garbage collector."""
        for surface in (Surface.STREAM, Surface.SOURCE):
            key = Surface.STREAM_END if surface == Surface.STREAM else surface
            for saw in self.trial.saws.get(key, ()):
                if saw in OPEN | FINALIZED:
                    yield Note(lane=str(surface), text=f"{saw}, {self.result.window_s:g} s later")


def _lane_of_stream_code(location: Location) -> str | None:
    if not location.file.startswith(STREAM_CODE):
        return None
    return STREAM if short(location.function) in _STREAM_FUNCTIONS else SOURCE


def _named(location: Location) -> bool:
    """Whether a location is in a framework or an app, and not in what every app shares."""
    installed = location.file.startswith(SITE_PACKAGES)
    app = location.file.startswith(APPS) and not location.file.startswith(STREAM_CODE)
    return installed or app


def _acts_for_others(name: str) -> bool:
    """Whether a distribution cancels, and handles, on behalf of what uses it."""
    return name.lower() == "anyio"


def _of_exception(event: Event) -> bool:
    return event.saw is not None and is_exception(event.saw) and event.event in ("saw", "end")


def _ended(what: str, event: Event) -> str:
    what = what.replace("`", "")
    if event.event != "end":
        return f"{what} begins"
    return f"{what} ends" + (f" with {event.saw}" if event.saw else "")


def _task(task: str) -> str:
    return short(coroutine(task))
