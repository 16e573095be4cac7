"""One trial: bring a stream into a state, disconnect, and watch until everything has ended."""

from __future__ import annotations

import asyncio
import time
from contextlib import AsyncExitStack, suppress
from dataclasses import replace

import msgspec

from hangup.errors import SubjectError
from hangup.model.scenario import Scenario
from hangup.model.trace import COLLECTS, SIGNALS, Event, Trial
from hangup.model.vocabulary import FAILURES, Surface, Word
from hangup.runner.client import Client, ImpatientClient, Log, answers, target
from hangup.runner.preconditions import REACH_S, reach
from hangup.runner.signalling import (
    AGAIN_S,
    CLEANUP_BEGINS_S,
    INTO_CLEANUP_S,
    SENDINGS,
    Sending,
    exit_in_words,
    exit_word,
)
from hangup.runner.trial_events import all_ended, is_waiting
from hangup.runner.trial_setup import SETTLE_S, TrialSetup
from hangup.runner.upstream import Upstream


async def run_trial(setup: TrialSetup) -> Trial:
    """Run one trial; a server or an app that misbehaves gives a trial that says so.

    Its times count from when it began, and the agent's reports of it are forgotten.
    """
    server, scenario = setup.server, setup.scenario
    setup = replace(setup, window_s=scenario.window_s or setup.window_s)
    started_ns = time.monotonic_ns()
    reported_before = len(server.trace.unattributed_events)
    upstream = Upstream(scenario.script, server.notify)
    failure: SubjectError | None = None
    async with AsyncExitStack() as exits:
        if scenario.relays:
            await exits.enter_async_context(upstream)
            setup = replace(setup, scenario=_relaying(scenario, upstream.url))
        run = _TrialRun(setup, upstream)
        try:
            await run.run()
        except SubjectError as error:
            failure = error
        finally:
            setup.group.release(setup.name)
    ended_ns = time.monotonic_ns()
    server_events = [*setup.events, *_own(setup, reported_before)]
    events = [
        *run.log.events,
        *(event for event in [*upstream.events, *server_events] if event.t_ns <= ended_ns),
    ]
    steps = tuple(server.trace.steps_of(setup.name))
    server.trace.forget(setup.name)
    left_ns = None if failure else run.left_ns
    return Trial(
        scenario=scenario.id,
        repeat=setup.repeat,
        alone=scenario.alone,
        left_ns=None if left_ns is None else left_ns - started_ns,
        closed_ns=(run.closed_ns or ended_ns) - started_ns,
        failure=None if failure is None else failure.word,
        note=None if failure is None else str(failure),
        received=run.received,
        got=run.got,
        events=tuple(
            msgspec.structs.replace(event, t_ns=event.t_ns - started_ns)
            for event in sorted(events, key=lambda event: event.t_ns)
        ),
        steps=steps,
    )


def _relaying(scenario: Scenario, url: str) -> Scenario:
    """The scenario, its script with the address of what its stream relays."""
    script = msgspec.structs.replace(scenario.script, upstream=url)
    return msgspec.structs.replace(scenario, script=script)


def _own(setup: TrialSetup, reported_before: int) -> list[Event]:
    """Events of no trial that can only belong to this one.

    Garbage is collected for all trials of a process; what is logged outside of any request can
    only be of this one if no other ran at the same time.
    """
    scenario = setup.scenario
    only_trial = (scenario.exclusive or scenario.own_server) and not scenario.group
    return [
        event
        for event in setup.server.trace.unattributed_events[reported_before:]
        if event.event == COLLECTS or (only_trial and event.surface == Surface.SERVER_LOG)
    ]


class _TrialRun:
    """The steps of one trial, and what was observed from the client's side."""

    def __init__(self, setup: TrialSetup, upstream: Upstream) -> None:
        self.setup = setup
        self.server = setup.server
        self.scenario = setup.scenario
        self.upstream = upstream
        self.log = Log()
        self.received: tuple[str, ...] = ()
        self.got: str | None = None
        self.left_ns: int | None = None
        """When the client left or the operator signalled."""
        self.closed_ns: int | None = None
        """When the window closed."""

    async def run(self) -> None:
        """Run it; raises SubjectError where it is inconclusive."""
        if self.scenario.disconnect == "times-out":
            await self._run_until_the_client_times_out()
            return
        client = Client(
            self.server.port,
            self.scenario.method,
            target(self.scenario, self.setup.name),
            small_buffers=self.scenario.small_buffers,
        )
        self.log = client.log
        try:
            await self._run_with(client)
        except (ConnectionError, ProcessLookupError, TimeoutError) as error:
            # What the other side of the connection, or of the signal, can be to blame for.
            raise await self.setup.failure(f"the client got {type(error).__name__}") from error
        finally:
            if self._reads_on:
                self.received = client.event_stream.data
                self.got = client.got()
            await client.close()

    async def _run_with(self, client: Client) -> None:
        asked_s = asyncio.get_running_loop().time()
        await client.ask()
        await reach(self.setup, client)
        watched_since_s = asked_s
        if self.scenario.disconnect != "stays":
            await self.setup.group.disconnecting.pass_through(self.setup.name)
            if client.ended.is_set():
                raise await self.setup.failure("the response was over before the client left")
            watched_since_s = asyncio.get_running_loop().time()
            self.left_ns = await client.disconnect(self.scenario.disconnect)
        sending = SENDINGS.get(self.scenario.signal)
        if sending is None:
            await self._watch(watched_since_s)
            return
        await self._signal(sending)
        await self._watch_the_exit(sending)
        if not self.server.running and self._reads_on:
            await client.wait_until(lambda c: c.ended.is_set(), self.setup.window_s)

    @property
    def _reads_on(self) -> bool:
        """Whether the client reads until the end."""
        scenario = self.scenario
        return scenario.disconnect == "stays" and scenario.precondition != "stalled"

    async def _signal(self, sending: Sending) -> None:
        """Signal when all trials of the group have come as far as the signal is to find them."""
        if self.left_ns is not None and self.scenario.script.cleans_up:
            if not await self.server.wait_for(self._cleanup_has_begun, CLEANUP_BEGINS_S):
                raise await self.setup.failure(
                    f"clean-up had not begun {CLEANUP_BEGINS_S:g} s after the client left"
                )
            await asyncio.sleep(INTO_CLEANUP_S)
        self.setup.group.disconnecting.arrive(self.setup.name)
        await self.setup.group.signalling.pass_through(self.setup.name)
        if not self.server.running:
            raise await self.setup.failure("it ended before the operator's signal")
        signalled_ns = self.log.add(SIGNALS, detail=sending.title, t_ns=self.server.signal(sending))
        if self.left_ns is None:
            self.left_ns = signalled_ns

    def _cleanup_has_begun(self) -> bool:
        return any((e.surface, e.event) == (Surface.CLEANUP, "begin") for e in self.setup.events)

    async def _run_until_the_client_times_out(self) -> None:
        client = ImpatientClient(self.server.port, self.scenario, self.setup.name)
        self.log = client.log
        left_ns = await client.give_up()
        if left_ns is None:
            raise await self.setup.failure("the response ended before the client's timeout")
        self.server.trace.read()
        if not is_waiting([event for event in self.setup.events if event.t_ns < left_ns]):
            raise await self.setup.failure("the client timed out before the stream was idle")
        self.left_ns = left_ns
        await self._watch(asyncio.get_running_loop().time())

    async def _watch(self, since_s: float) -> None:
        """Watch until everything has ended or the window closes, then ask whether it still serves.

        The answer has come through the same event loop, so what was to happen in it at once has
        happened. A server that may hang is asked as soon as the client has disconnected.
        """
        closes_s = since_s + self.setup.window_s
        asking = asyncio.create_task(self._answers()) if self.scenario.may_hang_server else None
        try:
            ended = await self._watch_the_window(closes_s)
            if not ended:
                self.log.add("closes the window")
            answered = await (asking or self._answers())
        finally:
            if asking is not None and not asking.done():
                asking.cancel()
                await asyncio.wait({asking})
        if not answered and not self.server.running:
            raise await self.setup.failure("it ended when it was asked for something else")
        if not ended and answered:
            await self._collect_garbage()

    async def _watch_the_window(self, closes_s: float) -> bool:
        """Whether everything had ended before the window closed; raises SubjectError."""
        while True:
            rest_s = max(0.0, closes_s - asyncio.get_running_loop().time())
            ended = await self.server.wait_for(
                lambda: self._all_ended() or not self.server.running, rest_s
            )
            if not self.server.running:
                raise await self.setup.failure("it ended while the trial was watched")
            if ended:
                await asyncio.sleep(SETTLE_S)
            self.closed_ns = time.monotonic_ns()
            if not ended or self._all_ended():
                return ended

    async def _watch_the_exit(self, sending: Sending) -> None:
        """Wait until the process has ended or the window closes; raises SubjectError."""
        rest_s = self.setup.window_s
        if sending.twice:
            if not await self._exits_within(AGAIN_S):
                with suppress(ProcessLookupError):  # it has just ended
                    again_ns = self.server.signal(sending, nth=2)
                    self.log.add(SIGNALS, detail=f"{sending.title} once more", t_ns=again_ns)
            rest_s -= AGAIN_S
        if not await self._exits_within(rest_s):
            self._saw(Surface.EXIT, Word.STILL_RUNNING)
            return
        self.server.trace.read()
        exit_code = self.server.exit_code or 0
        word, how = exit_word(exit_code, sending.number), exit_in_words(exit_code)
        if word in FAILURES:
            raise SubjectError(word, f"its process ended with {how}, which was not the operator's")
        self._saw(Surface.EXIT, word, detail=how)

    async def _exits_within(self, timeout_s: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                await self.server.exited()
        return not self.server.running

    async def _collect_garbage(self) -> None:
        """Have the server collect its garbage, and see what that closes.

        When Python collects by itself depends on how much is allocated, and so on luck;
        what is garbage at the end of the window does not.
        """
        setup = self.setup
        await setup.group.collect(setup.name, self.server.port, setup.window_s)
        await self.server.wait_for_quiet(setup.name, SETTLE_S, REACH_S)

    async def _answers(self) -> bool:
        answered = await answers(self.server.port, self.setup.window_s)
        self._saw(Surface.LIVENESS, Word.ANSWERED if answered else Word.NO_ANSWER)
        if answered:
            self.setup.on_answer()
        return answered

    def _all_ended(self) -> bool:
        cleans_up = self.scenario.script.cleans_up
        return all_ended(self.setup.events, cleans_up=cleans_up) and not self.upstream.open

    def _saw(self, surface: str, saw: str, detail: str | None = None) -> None:
        now_ns = time.monotonic_ns()
        self.log.events.append(
            Event(t_ns=now_ns, surface=surface, event="saw", saw=saw, detail=detail)
        )
