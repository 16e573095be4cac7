"""What was observed in trials: events, the trials they belong to, and a stack's results.

All types are immutable, plain data. Times are integer nanoseconds on CLOCK_MONOTONIC; those of
a trial count from its start.
"""

from __future__ import annotations

import msgspec

from hangup.model.exception_path import Step

LOADED = "loaded"
"""The event that says that the app has been imported in the server's process."""
COLLECTS = "collects"
"""The event after which what is thrown into a generator is thrown by the garbage collector: the
harness has had the process collect its garbage (`hangup.agent.boundary`)."""
SIGNALS = "signals"
"""The event that says that the operator has sent the signal that its detail names."""
DECLARES = "declares"
"""The event on `SCOPE` whose detail is the ASGI spec version that the server declares."""
SCOPE = "scope"
"""The surface of what the scope says that a server calls the app with."""
REJECTED = "rejected"
"""The event that says that the framework raised when a handler was registered."""
TRACED = 0
"""The number of the trial in which exceptions are traced; repeats count from 1."""
NOT_KEPT = -1
"""In the place of a repeat: the trial that is meant is not there any more."""
EXCEPTION_PATH = "path"
"""The surface of the steps of exceptions (`hangup.agent.exception_tracer`)."""
CLIENT = "client"
"""The surface of the harness's own events: what the client did and received."""


class Event(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One event on one surface; `hangup.agent.probe` says what each field means."""

    t_ns: int
    surface: str
    event: str
    saw: str | None = None
    at: str | None = None
    n: int | None = None
    detail: str | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One scenario run once on one stack."""

    scenario: str
    repeat: int
    left_ns: int | None = None
    """When the client left or, where it stayed, the operator signalled; None where nobody did."""
    closed_ns: int | None = None
    """When the window closed, or everything that had begun had ended."""
    failure: str | None = None
    """Why the trial is inconclusive, one of `vocabulary.FAILURES`; None if it is not."""
    note: str | None = None
    """Details of the failure."""
    received: tuple[str, ...] = ()
    """The data of the events the client received, where it stayed."""
    got: str | None = None
    """What the client received, where it stayed: status, number of events, how it ended."""
    events: tuple[Event, ...] = ()
    steps: tuple[Step, ...] = ()
    """The steps of exceptions, in a trial in which exceptions were traced."""
    alone: bool = False
    """Whether it was a recipe's, and no other stream was open on its server."""
    alike: tuple[int, ...] = ()
    """The repeats that came out the same and whose traces were not kept."""
    alike_dropped_ns: tuple[tuple[str, tuple[int, ...]], ...] = ()
    """Of those in which the loss of its last reference ended a generator: by generator, how long
    after `left_ns` that was (`hangup.analysis.finalization`)."""
    omitted_events: int = 0
    """So many events were not kept: calls of `send()` and `receive()` in the middle of many."""
    same_as: int | None = None
    """Of a trial in which exceptions were traced: the repeat of the scenario that it came out
    like, and whose events are kept in the place of its own; `NOT_KEPT` if that one has been
    measured again since."""

    @property
    def count(self) -> int:
        """How many trials this one stands for, itself included."""
        return 1 + len(self.alike)


class Latency(msgspec.Struct, frozen=True, kw_only=True):
    """From the client's close to the stream's observation of it, one stream at a time.

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


class Distribution(msgspec.Struct, frozen=True, kw_only=True):
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


class StackResult(msgspec.Struct, frozen=True, kw_only=True):
    """All that is known of one stack: the head of a results file, and its trials."""

    format: int = 3
    """The number of the format on disk (`hangup.store.formats`)."""
    stack: Stack
    title: str
    surfaces: tuple[str, ...]
    """The surfaces the app declares beyond those every app has."""
    unsupported: tuple[str, ...] = ()
    """The capabilities scenarios may need and this app does not have."""
    rejected_registrations: dict[str, str] = {}
    """The handlers the framework would not register, and what it raised."""
    run: str
    """The id of the run, so that what was measured side by side can be recognised."""
    date: str
    hangup: str
    """The version of hangup that ran the trials."""
    window_s: float
    repeats: int
    command: str
    """How the server was started."""
    code_hash: str
    """A hash of the app's file and of all the code that runs in the server beside it."""
    environment: Environment
    latency: Latency | None = None
    """None if it was not asked for."""
    unattributed: tuple[str, ...] = ()
    """Error lines of the server's log that could not be attributed to one trial."""
    trials: tuple[Trial, ...] = ()
    traced: tuple[Trial, ...] = ()
    """One trial more of each scenario, in which exceptions were traced: evidence for why,
    never counted in what."""
    distributions: dict[str, Distribution] = {}
    """What has installed the files that the exception paths lead through."""
