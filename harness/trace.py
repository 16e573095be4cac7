"""What was observed: events, trials, and what one stack's trials come with.

All types are immutable and plain data; times are integer nanoseconds on CLOCK_MONOTONIC,
those of a trial counted from its start.
"""

from __future__ import annotations

from typing import Literal

import msgspec

LOADED = "loaded"
"""The event that says that the app has been imported in the server's process."""
COLLECTS = "collects"
"""The event after which what is thrown into a generator is thrown by the collector: the
harness has had the process collect its garbage (`apps/subject/boundary.py`)."""
FOLLOWED = 0
"""The number of the trial in which exceptions are followed; repeats count from 1."""
PATH = "path"
"""The surface of the steps on an exception's path."""
CLIENT = "client"
"""The surface of the harness's own events: what the client did and got."""


class Event(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One event on one surface; `apps/subject/probe.py` says what each field means."""

    t_ns: int
    surface: str
    event: str
    saw: str | None = None
    at: str | None = None
    n: int | None = None
    detail: str | None = None


class Step(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One step on the path of an exception; `apps/subject/itinerary.py` says what it means."""

    event: str
    n: int
    """Which of the process's exceptions."""
    saw: str
    frame: int = 0
    function: str = ""
    file: str = ""
    """Below `site-packages/`, the standard library's `python3.x/` or the repository."""
    line: int = 0
    task: str | None = None
    at: str | None = None
    of: int | None = None
    kinds: tuple[str, ...] = ()
    """The names of its class and the classes above that."""
    by: str | None = None
    """What has handled it: `except`, `finally` or `with`, and of what."""
    by_line: int | None = None
    """The line of that."""


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One scenario run once on one stack."""

    scenario: str
    repeat: int
    left_ns: int | None = None
    """When the client left, or the operator signalled; None where nobody did."""
    closed_ns: int | None = None
    """When the window closed, or all had been shown."""
    failure: str | None = None
    """Why there is no answer, one of `vocabulary.FAILURES`; None if there is one."""
    note: str | None = None
    """What is to be said of the failure."""
    received: tuple[str, ...] = ()
    """The data of the events the client received, where it stayed."""
    got: str | None = None
    """What the client got, where it stayed: its status, the events' number, how it ended."""
    events: tuple[Event, ...] = ()
    path: tuple[Step, ...] = ()
    """The paths of exceptions, in a trial in which they were followed."""


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From the client's close to the stream's sighting of it, one stream at a time.

    Sample i of `own_ns` and sample i of `bare_ns` were taken one after the other, in the
    same run, on the same kind of server.
    """

    own_ns: tuple[int, ...] = ()
    bare_ns: tuple[int, ...] = ()


class Environment(msgspec.Struct, frozen=True, kw_only=True):
    """What the trials of a stack ran under."""

    python: str
    """Full version, such as `CPython 3.13.0`."""
    packages: dict[str, str]
    """Everything installed beside the app: name to version."""
    os: str
    cpu: str
    cores: int


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The distribution that a file was installed by."""

    name: str
    version: str
    repository: str | None = None
    """Where its metadata says that its source is, if that is on GitHub."""


class Stack(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """An app on a server under a version set and a Python."""

    versions: str
    python: str
    """Feature version, such as `3.13`."""
    app: str
    server: str

    @property
    def id(self) -> str:
        """What the stack is called in file names and messages."""
        return f"{self.versions}-py{self.python}/{self.app}/{self.server}"


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one stack: the head of a results file, and its trials."""

    format: int = 1
    stack: Stack
    title: str
    surfaces: tuple[str, ...]
    """The surfaces the app declares beyond those every app has."""
    lacks: tuple[str, ...] = ()
    """The capabilities scenarios may need and this app has not."""
    refused: dict[str, str] = {}
    """The handlers the framework would not register, and what it raised."""
    run: str
    """The id of the run, so that what was measured side by side can be told."""
    date: str
    hangup: str
    """The version of hangup that ran the trials."""
    window_s: float
    repeats: int
    command: str
    """How the server was started."""
    sources: str
    """A hash of the app's file and of what all apps share."""
    environment: Environment
    latency: Latency | None = None
    """None if it was not asked for."""
    unattributed: tuple[str, ...] = ()
    """Error lines of the server's log that could not be told to belong to one trial."""
    trials: tuple[Trial, ...] = ()
    followed: tuple[Trial, ...] = ()
    """One trial of each scenario besides, in which exceptions were followed: evidence for
    why, never counted in what."""
    origins: dict[str, Origin] = {}
    """What has installed the files that the paths lead through."""


Kind = Literal["disconnect", "control", "cleanup", "operator", "recipe"]
