"""One trial: bring a stream into a state, leave, and watch until all is shown."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack, suppress

import msgspec
from msgspec.structs import replace

from hangup.errors import SubjectError
from hangup.model.scenario import Scenario
from hangup.model.script import Script
from hangup.model.trace import COLLECTS, Event, Trial
from hangup.model.vocabulary import Surface, Word
from hangup.runner.client import COLLECT_PATH, Client, ImpatientClient, Log, answers, target
from hangup.runner.server_process import ServerProcess
from hangup.runner.upstream import Upstream

REACH_S = 10.0
"""How long a stream may take to get into the state that the scenario is about."""
FLOOD_S = 2.0
"""How long a stream that never awaits may take to flood its client, if it ever gets to that."""
SETTLE_S = 0.05
"""How long to go on watching when everything seems to have been shown."""
IDLE_S = 0.03
"""A stream that waits is idle when its whole stack has done nothing for so long."""
QUIET_S = 0.2
"""A stream whose reader has stopped is stalled when it has done nothing for so long."""
EVENTS_UNTIL_STREAMING = 5
BYTES_UNTIL_FLOODED = 1 << 16

_SPANS = frozenset(
    {
        Surface.ASGI,
        Surface.STREAM,
        Surface.SOURCE,
        Surface.ENDPOINT,
        Surface.DEPENDENCY,
        Surface.MIDDLEWARE,
        Surface.BACKGROUND,
        Surface.CLEANUP,
    }
)

_TOLD = (Surface.STREAM, Surface.CLEANUP)
"""Where it shows that clean-up has been called for."""


class Latch:
    """Where trials that run at once wait for one another before they go on."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._missing = set(names)
        self._open = asyncio.Event()

    def arrive(self, name: str) -> None:
        """Say that nobody need wait for this trial any more."""
        self._missing.discard(name)
        if not self._missing:
            self._open.set()

    async def pass_through(self, name: str) -> None:
        """Arrive and wait until all have."""
        self.arrive(name)
        await self._open.wait()


class TrialGroup:
    """The trials that run at once on a server, and what they wait for one another for."""

    def __init__(self, names: Iterable[str] = (), *, leave_together: bool = False) -> None:
        names = tuple(names)
        self.leaving = Latch(names if leave_together else ())
        self.watched = Latch(names)
        """Behind it nobody asks any more whether the server still answers: it is busy while it
        collects garbage."""
        self._collecting = asyncio.Lock()
        self._collected = False

    def release(self, name: str) -> None:
        """Say that nobody need wait for this trial any more, anywhere."""
        self.leaving.arrive(name)
        self.watched.arrive(name)

    async def collect(self, name: str, port: int, timeout_s: float) -> None:
        """Have the server collect its garbage, once for all, when nobody watches any more."""
        await self.watched.pass_through(name)
        async with self._collecting:
            if not self._collected:
                self._collected = await answers(port, timeout_s, COLLECT_PATH)


def trial_name(scenario: Scenario, repeat: int) -> str:
    """What a trial is called on the wire and in the probe's file."""
    return f"{scenario.id}-{repeat}"


async def run_trial(
    subject: ServerProcess,
    scenario: Scenario,
    repeat: int,
    window_s: float,
    phase: float = 0.5,
    on_answer: Callable[[], None] = lambda: None,
    company: TrialGroup | None = None,
) -> Trial:
    """Run one trial; a subject that misbehaves gives a trial that says so.

    `phase`, from 0 to 1, is where between two events of a streaming stream it leaves.

    `on_answer` is called when the server has answered another request after the hang-up.

    `company` is what it runs at once with.
    """
    name = trial_name(scenario, repeat)
    company = company or TrialGroup()
    window_s = scenario.window_s or window_s
    started_ns = time.monotonic_ns()
    heard = len(subject.unattributed_events)
    upstream = Upstream(scenario.script, subject.ask_again)
    left_ns: int | None = None
    failure: SubjectError | None = None
    async with AsyncExitStack() as stack:
        if scenario.relays:
            await stack.enter_async_context(upstream)
            scenario = _relaying(scenario, upstream.url)
        watch = _Watch(subject, scenario, name, window_s, phase, on_answer, company, upstream)
        try:
            left_ns = await watch.run()
        except SubjectError as error:
            failure = error
        finally:
            company.release(name)
    ended_ns = time.monotonic_ns()
    closed_ns = watch.closed_ns or ended_ns
    # Garbage is collected for all trials of a process; what is logged outside of any request
    # can only be of this one if it is alone.
    alone = (scenario.exclusive or scenario.own_server) and not scenario.group
    unattributed_events = [
        event
        for event in subject.unattributed_events[heard:]
        if event.event == COLLECTS or (alone and event.surface == Surface.SERVER_LOG)
    ]
    seen = [
        event for event in [*subject.seen(name), *unattributed_events] if event.t_ns <= ended_ns
    ]
    path = tuple(subject.path(name))
    subject.forget(name)
    sent = [event for event in upstream.events if event.t_ns <= ended_ns]
    shown = sorted([*watch.log.events, *sent, *seen], key=lambda event: event.t_ns)
    return Trial(
        scenario=scenario.id,
        repeat=repeat,
        left_ns=None if left_ns is None else left_ns - started_ns,
        closed_ns=closed_ns - started_ns,
        failure=None if failure is None else failure.word,
        note=None if failure is None else str(failure),
        received=watch.received,
        got=watch.got,
        events=tuple(_since(event, started_ns) for event in shown),
        steps=path,
    )


def _relaying(scenario: Scenario, url: str) -> Scenario:
    """The scenario, its stream told where what it relays comes from."""
    return msgspec.structs.replace(scenario, script=replace(scenario.script, upstream=url))


def all_shown(events: Sequence[Event], cleans_up: bool) -> bool:
    """Whether everything that was begun has ended, and nothing more can be expected.

    A clean-up that the stream was told to do but that has not begun is expected.
    """
    begun: dict[str, int] = {}
    for event in events:
        if event.surface in _SPANS and event.event in ("begin", "end"):
            step = 1 if event.event == "begin" else -1
            begun[event.surface] = begun.get(event.surface, 0) + step
    told = any(e.surface in _TOLD and e.event == "saw" for e in events)
    if cleans_up and told and Surface.CLEANUP not in begun:
        return False
    return Surface.ASGI in begun and not any(begun.values())


def came_to_pass(script: Script, events: Sequence[Event]) -> bool:
    """Whether what the script has the endpoint or the source do to end the response was done.

    Where it was not, because the process was too slow, say, silence about it says nothing.
    """
    if script.timeout_ms:
        return any(event.event == "waiting" for event in events)
    by = Surface.ENDPOINT if script.endpoint != "go-on" else Surface.SOURCE
    return any(event.surface == by and event.event == "end" for event in events)


class _Watch:
    """The steps of one trial, and what the client's side of it has shown."""

    def __init__(
        self,
        subject: ServerProcess,
        scenario: Scenario,
        name: str,
        window_s: float,
        phase: float,
        on_answer: Callable[[], None],
        company: TrialGroup,
        upstream: Upstream,
    ) -> None:
        self.subject = subject
        self.scenario = scenario
        self.name = name
        self.window_s = window_s
        self.phase = phase
        self.on_answer = on_answer
        self.company = company
        self.upstream = upstream
        self.log = Log()
        self.received: tuple[str, ...] = ()
        self.got: str | None = None
        self.closed_ns: int | None = None
        """When the window closed."""

    async def run(self) -> int | None:
        """Run it; when the client left or the operator signalled, in ns."""
        if self.scenario.disconnect == "times-out":
            return await self._give_up()
        client = Client(
            self.subject.port,
            self.scenario.method,
            target(self.scenario, self.name),
            small_buffers=self.scenario.small_buffers,
        )
        self.log = client.log
        try:
            since_s = asyncio.get_running_loop().time()
            await client.ask()
            await self._reach(client)
            if self.scenario.disconnect != "stays":
                await self.company.leaving.pass_through(self.name)
            left_ns: int | None = None
            match self.scenario.disconnect:
                case "stays":
                    pass
                case "sigterm":
                    left_ns = self.subject.terminate()
                    self.log.add("leaves", detail="the operator sends SIGTERM")
                    await self._see_it_exit()
                    if not self.subject.running:
                        await client.wait_until(lambda c: c.ended.is_set(), self.window_s)
                    return left_ns
                case how:
                    if client.ended.is_set():
                        raise await self._gone("the response was over before the client left")
                    since_s = asyncio.get_running_loop().time()
                    left_ns = await client.leave(how)
            await self._see_it_out(since_s)
            return left_ns
        except OSError as error:
            raise await self._gone(f"the client got {type(error).__name__}") from error
        finally:
            if self.scenario.disconnect in ("stays", "sigterm"):
                self.received = client.events()
                self.got = client.got()
            await client.close()

    async def _give_up(self) -> int:
        client = ImpatientClient(self.subject.port, self.scenario, self.name)
        self.log = client.log
        left_ns = await client.give_up()
        if left_ns is None:
            raise await self._gone("the response ended before the client's patience")
        self.subject.catch_up()
        if not any(e.event == "waiting" and e.t_ns < left_ns for e in self._seen()):
            raise await self._gone("the client lost its patience before the stream was idle")
        await self._see_it_out(asyncio.get_running_loop().time())
        return left_ns

    async def _reach(self, client: Client) -> None:
        match self.scenario.precondition:
            case "waiting":
                reached = await self.subject.wait_for(self._waits, REACH_S)
                if self.scenario.script.endpoint == "wait":
                    await self.subject.wait_for_quiet(self.name, IDLE_S, REACH_S)
                    if client.status is not None:
                        raise await self._gone(
                            "the response had begun before the endpoint answered"
                        )
                elif reached:
                    wanted = self.scenario.script.events
                    reached = await client.wait_until(
                        lambda c: c.status is not None and c.body.count(b"data:") >= wanted,
                        REACH_S,
                    )
                # Idle is more than about to be: the framework's other tasks run first.
                await self.subject.wait_for_quiet(self.name, IDLE_S, REACH_S)
            case "streaming":
                reached = await client.wait_until(
                    lambda c: c.body.count(b"data:") >= EVENTS_UNTIL_STREAMING, REACH_S
                )
                # Each repeat leaves at another point between two events: a stream is at an
                # `await` for most of that time and at a `yield` for little of it.
                await asyncio.sleep(self.scenario.script.pause_ms / 1000 * self.phase)
            case "stalled":
                reached = await client.wait_until(lambda c: c.received_bytes > 0, REACH_S)
                await client.stop_reading()
                reached = (
                    reached
                    and await self.subject.wait_for(self._sending, REACH_S)
                    and await self.subject.wait_for_quiet(self.name, QUIET_S, REACH_S)
                    and self._sending()
                )
            case "flooded":
                reached = await client.wait_until(
                    lambda c: c.received_bytes >= BYTES_UNTIL_FLOODED, FLOOD_S
                )
                # One that is read ahead of the stream may spin without getting anything out.
                reached = reached or self._source_runs()
            case "ended":
                # What is watched is all that matters; not every stack ends every response.
                await client.wait_until(lambda c: c.ended.is_set(), self.window_s)
                # The client may know before what the probe has written was read.
                reached = await self.subject.wait_for(self._came_to_pass, self.window_s)
        if not reached:
            raise await self._gone(f"the stream was not {self.scenario.precondition!r}")

    async def _see_it_out(self, since_s: float) -> None:
        """Watch until all is shown or the window closes, then ask whether it still serves.

        The answer has come through the same event loop, so what was to happen in it at
        once has happened. A server that may be spoilt is asked as soon as the client has left.
        """
        closes_s = since_s + self.window_s
        asking = asyncio.create_task(self._alive()) if self.scenario.may_hang_server else None
        try:
            shown = await self._watch(closes_s)
        except SubjectError:
            if asking is not None:
                asking.cancel()
                await asyncio.gather(asking, return_exceptions=True)
            raise
        if not shown:
            self.log.add("closes the window")
        alive = await (asking or self._alive())
        if not alive and not self.subject.running:
            raise await self._gone("it ended when it was asked for something else")
        if not shown and alive:
            await self._collect()

    async def _watch(self, closes_s: float) -> bool:
        """Whether all was shown before the window closed; raises SubjectError."""
        while True:
            left_s = max(0.0, closes_s - asyncio.get_running_loop().time())
            shown = await self.subject.wait_for(
                lambda: self._all_shown() or not self.subject.running, left_s
            )
            if not self.subject.running:
                raise await self._gone("it ended while the trial was watched")
            if shown:
                await asyncio.sleep(SETTLE_S)
            self.closed_ns = time.monotonic_ns()
            if not shown or self._all_shown():
                return shown

    async def _see_it_exit(self) -> None:
        try:
            async with asyncio.timeout(self.window_s):
                await self.subject.exited()
        except TimeoutError:
            self._note(Surface.EXIT, Word.STILL_RUNNING)
        else:
            self._note(Surface.EXIT, Word.EXITED, detail=f"code {self.subject.exit_code}")
            self.subject.catch_up()

    async def _collect(self) -> None:
        """Have the subject collect its garbage, and see what that closes.

        When Python collects by itself depends on how much is allocated, and so on luck;
        what is garbage at the end of the window does not.
        """
        await self.company.collect(self.name, self.subject.port, self.window_s)
        await self.subject.wait_for_quiet(self.name, SETTLE_S, REACH_S)

    async def _alive(self) -> bool:
        alive = await answers(self.subject.port, self.window_s)
        self._note(Surface.LIVENESS, Word.ANSWERED if alive else Word.NO_ANSWER)
        if alive:
            self.on_answer()
        return alive

    def _sending(self) -> bool:
        """Whether a `send()` has not returned."""
        sends = [e.event for e in self._seen() if e.surface == Surface.SEND]
        return bool(sends) and sends[-1] == "begin"

    def _seen(self) -> list[Event]:
        return self.subject.seen(self.name)

    def _source_runs(self) -> bool:
        """Whether the source has begun and not ended."""
        said = [e.event for e in self._seen() if e.surface == Surface.SOURCE]
        return "begin" in said and "end" not in said

    def _came_to_pass(self) -> bool:
        return came_to_pass(self.scenario.script, self._seen())

    def _waits(self) -> bool:
        return any(event.event == "waiting" for event in self._seen())

    def _all_shown(self) -> bool:
        cleans_up = self.scenario.script.cleans_up
        return all_shown(self._seen(), cleans_up) and not self.upstream.open

    def _note(self, surface: str, saw: str, detail: str | None = None) -> None:
        now_ns = time.monotonic_ns()
        self.log.events.append(
            Event(t_ns=now_ns, surface=surface, event="saw", saw=saw, detail=detail)
        )

    async def _gone(self, why: str) -> SubjectError:
        # A connection is closed before the end of the process that held it can be seen.
        with suppress(TimeoutError):
            async with asyncio.timeout(SETTLE_S):
                await self.subject.exited()
        if self.subject.running:
            return SubjectError(Word.NOT_REACHED, why)
        return SubjectError(
            Word.SERVER_EXITED,
            f"{why}; exit code {self.subject.exit_code}: {self.subject.log_tail()}",
        )


def _since(event: Event, started_ns: int) -> Event:
    return msgspec.structs.replace(event, t_ns=event.t_ns - started_ns)
