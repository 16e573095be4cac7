"""A run: all trials of a plan, in their order, as many at once as do not disturb one another.

Trials on servers that they share and on servers of their own come first, side by side; then what
the outcomes so far ask for; then those in which exceptions are traced; latency comes last, when
nothing else goes on.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from hangup.environment import machine
from hangup.errors import SubjectError
from hangup.model.apps import REFERENCE, App
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID
from hangup.model.trace import TRACED, Event, Latency, StackResult, Trial
from hangup.model.vocabulary import Surface, Word
from hangup.runner import latency, plan, server_pool
from hangup.runner.attempts import Attempts, Settle, settled_together
from hangup.runner.client import COLLECT_PATH, answers
from hangup.runner.gather import gather, running
from hangup.runner.prepare import PreparedStack, prepare_stacks
from hangup.runner.process_tree import kill_below
from hangup.runner.process_watch import HarnessWatch
from hangup.runner.recording import (
    SelectSteps,
    UnattributedEvents,
    failed_trial,
    scrubbed,
    with_process_events,
    with_selected_steps,
)
from hangup.runner.server_pool import ServerPool, ServerSlot, StartFailure
from hangup.runner.server_process import ServerProcess
from hangup.runner.stack_result import assemble
from hangup.runner.trial import run_trial
from hangup.runner.trial_events import all_ended
from hangup.runner.trial_group import TrialGroup
from hangup.runner.trial_setup import TrialSetup, trial_name
from hangup.store.journal import Batch, Journal

SAMPLE_ROUNDS = 3
"""How often the outcomes are asked what to run more of; the last answer need not be sampled."""


@dataclass(frozen=True, kw_only=True)
class Hooks:
    """What a run calls back while it runs."""

    select_steps: SelectSteps
    """Which steps of a trial's exceptions are kept."""
    settle: Settle
    """Whether a trial can be kept, or is to be run again on a fresh server."""
    check: Callable[[StackResult], None]
    """Called with every stack's result before there are trials in it; may raise UserError."""
    trials_finished: Callable[[int], None]
    """Called with how many more trials are finished."""
    phase_begins: Callable[[str], None]
    """Called with what the run does from now on."""
    to_sample: Callable[[StackResult], Collection[str]] = lambda _: ()
    """Says of a stack's result so far which scenarios are run by themselves, and more often."""
    trials_added: Callable[[int], None] = lambda _: None
    """Called with how many more trials there will be than were planned."""


class Scheduler:
    """One run of a journal's plan; `environments` is where those of all runs are kept."""

    def __init__(
        self, journal: Journal, apps: Mapping[str, App], environments: Path, hooks: Hooks
    ) -> None:
        self._journal = journal
        self._plan = journal.plan
        self._apps = apps
        self._environments = environments
        self._hooks = hooks
        self._pool = ServerPool(journal.directory)
        # A server that spins takes a whole core: there are no more of them at a time than
        # there are cores, for the others' clocks to mean anything.
        self._spinning = asyncio.Semaphore(machine.cores())
        self._harness = HarnessWatch()

    @property
    def failed_to_start(self) -> Mapping[str, StartFailure]:
        """The stacks that could not be started, by name."""
        return self._pool.failures

    async def run(self) -> list[StackResult]:
        """Do what is not done yet and return the results of all stacks.

        Raises UserError if an environment cannot be made, or what `check` raises.
        """
        self._hooks.phase_begins("making environments")
        prepared_stacks = await prepare_stacks(
            self._plan, self._apps, self._journal.directory, self._environments
        )
        # One that is not in the plan was prepared for its latency.
        asked_for = [
            stack
            for stack in prepared_stacks
            if (stack.app.id, stack.server.id) in self._plan.stacks
        ]
        for stack in asked_for:
            self._hooks.check(self._result(stack))
        # Before the directories of earlier runs go, by which their processes are known.
        await kill_below(self._journal.directory.parent)
        self._journal.start()
        async with self._pool, running(self._harness.run()):
            self._hooks.phase_begins("running trials")
            await self._run_trials(asked_for)
            self._hooks.phase_begins("trying what is recommended")
            await gather(self._run_samples(stack) for stack in asked_for)
            if self._plan.trace_exceptions:
                self._hooks.phase_begins("tracing exceptions")
                await gather(self._run_traced(stack) for stack in asked_for)
            if self._plan.latency:
                self._hooks.phase_begins("measuring latency")
                for server in self._plan.servers:
                    on_server = [s for s in prepared_stacks if s.server.id == server]
                    if not on_server[0].server.shutdown_only:
                        await self._measure_latency(on_server)
        return [self._result(stack) for stack in asked_for]

    def _result(self, stack: PreparedStack) -> StackResult:
        return assemble(self._plan, stack, self._journal.batches)

    async def _run_trials(self, stacks: Sequence[PreparedStack]) -> None:
        to_do = [(stack, self._unfinished(stack)) for stack in stacks]
        async with asyncio.TaskGroup() as tasks:
            # Servers start in the order they are asked for: first those with most to do.
            for stack, scenarios in to_do:
                if groups := plan.shared_server_groups(scenarios):
                    tasks.create_task(self._run_on_shared_server(stack, groups))
            for stack, scenarios in to_do:
                for group in plan.own_server_groups(scenarios):
                    tasks.create_task(self._run_on_own_servers(stack, group))

    def _unfinished(self, stack: PreparedStack) -> list[Scenario]:
        return [
            scenario
            for scenario in plan.applicable(self._plan.scenarios, stack.app, stack.server)
            if not self._journal.has_trials(stack.app.id, stack.server.id, scenario.id)
        ]

    async def _run_samples(self, stack: PreparedStack) -> None:
        """Run what the outcomes so far ask for more of, each trial by itself."""
        app, server = stack.app.id, stack.server.id
        for _ in range(SAMPLE_ROUNDS):
            to_do = [
                BY_ID[scenario].by_itself()
                for scenario in self._hooks.to_sample(self._result(stack))
                if not self._journal.has_sample(app, server, scenario)
            ]
            if not to_do:
                return
            self._hooks.trials_added(sum(map(self._plan.repeats_of, to_do)))
            async with asyncio.TaskGroup() as tasks:
                # One trial at a time, most of it waiting: each scenario has a server.
                for group in plan.shared_server_groups(to_do):
                    tasks.create_task(self._run_on_shared_server(stack, [group]))
                for group in plan.own_server_groups(to_do):
                    tasks.create_task(self._run_on_own_servers(stack, group))

    async def _run_on_shared_server(
        self, stack: PreparedStack, groups: Sequence[plan.Group]
    ) -> None:
        """Run groups one after the other on one server, or on the one that replaces it."""
        async with self._pool.slot(stack, server_pool.SHARED) as slot:
            for group in groups:
                rounds: list[Attempts] = []
                unattributed = UnattributedEvents(stack.staged)
                for round_ in plan.rounds(group, self._plan.repeats_of(group[0])):
                    earlier = [trial for attempts in rounds for trial in attempts.made]
                    together = bool(group[0].group)
                    attempts = Attempts(round_, self._hooks.settle, together=together)
                    while attempts.to_run:
                        await self._attempt_round(slot, attempts, earlier, unattributed)
                    rounds.append(attempts)
                self._keep(stack, group, settled_together(rounds), unattributed)

    async def _attempt_round(
        self,
        slot: ServerSlot,
        attempts: Attempts,
        earlier: Sequence[Trial],
        unattributed: UnattributedEvents,
    ) -> None:
        """Run what is to run of a round at once; retire the server unless it can be reused."""
        to_run = attempts.to_run
        exclusive = to_run[0][0].exclusive
        try:
            server = await slot.server()
        except SubjectError as error:
            attempts.add([failed_trial(*trial, error) for trial in to_run])
            return
        reported_before = len(server.trace.unattributed_events)
        if exclusive:
            # All that the process logs is this trial's: not what others have left.
            await answers(server.port, self._plan.window_s, COLLECT_PATH)
            server.trace.read()
            unattributed.take(server.trace, reported_before)
        finished = await self._run_at_once(server, to_run)
        if attempts.add(finished, earlier) and not exclusive:
            unattributed.take(server.trace, reported_before)
        if attempts.to_run or not all(_may_be_reused_after(trial) for trial in finished):
            await slot.retire()

    async def _run_on_own_servers(self, stack: PreparedStack, group: plan.Group) -> None:
        """Run a group that ends its server: each repeat has one of its own."""
        unattributed = UnattributedEvents(stack.staged)
        companions = {scenario.companion for scenario in group if scenario.companion}
        scenarios = [*group, *(BY_ID[name] for name in sorted(companions))]

        async def run(repeat: int) -> tuple[list[Trial], Callable[[], None]]:
            """The trials of a repeat, and what takes the log lines that may be of any of them."""
            async with self._pool.slot(stack, server_pool.OWN) as slot:
                try:
                    server = await slot.server()
                except SubjectError as error:
                    return [failed_trial(scenario, repeat, error) for scenario in group], _nothing
                reported_before = len(server.trace.unattributed_events)
                finished = await self._run_at_once(server, [(s, repeat) for s in scenarios])
                take = partial(unattributed.take, server.trace, reported_before)
                return finished[: len(group)], take if len(scenarios) > 1 else _nothing

        repeats = [
            Attempts([(s, repeat) for s in group], self._hooks.settle, together=True)
            for repeat in range(1, self._plan.repeats_of(group[0]) + 1)
        ]
        while to_run := [attempts for attempts in repeats if attempts.to_run]:
            # They are all on servers of their own, so that each can confirm what another shows.
            finished = await gather(run(attempts.to_run[0][1]) for attempts in to_run)
            others = [trial for trials, _ in finished for trial in trials]
            others += [trial for attempts in repeats for trial in attempts.made]
            for attempts, (trials, take) in zip(to_run, finished, strict=True):
                if attempts.add(trials, others):
                    take()
        self._keep(stack, group, settled_together(repeats), unattributed)

    async def _run_traced(self, stack: PreparedStack) -> None:
        """Run each scenario once on servers that trace exceptions; no time is measured."""
        app, server = stack.app.id, stack.server.id
        if self._journal.has_traced(app, server):
            return
        sequences = plan.traced_sequences(
            plan.scenarios_to_trace(self._plan, stack.app, stack.server)
        )
        finished = await gather(self._run_traced_sequence(stack, s) for s in sequences)
        trials = tuple(trial for sequence in finished for trial in sequence)
        if trials:
            self._journal.keep(Batch(app=app, server=server, traced=trials))

    async def _run_traced_sequence(
        self, stack: PreparedStack, scenarios: Sequence[Scenario]
    ) -> list[Trial]:
        """Run scenarios one after the other on one server that traces exceptions."""
        trials: list[Trial] = []
        select_steps = self._hooks.select_steps
        async with self._pool.slot(stack, server_pool.TRACED) as slot:
            for scenario in scenarios:
                attempts = Attempts([(scenario, TRACED)], self._hooks.settle)
                while attempts.to_run:
                    try:
                        server = await slot.server()
                    except SubjectError as error:
                        attempts.add([failed_trial(scenario, TRACED, error)])
                        continue
                    trial = await self._run_trial(server, scenario, TRACED, TrialGroup())
                    attempts.add([with_selected_steps(trial, stack.staged, select_steps)])
                    if attempts.to_run or not _may_be_reused_after(trial):
                        await slot.retire()
                trials += attempts.kept
                self._hooks.trials_finished(1)
        return trials

    async def _run_at_once(
        self, server: ServerProcess, trials: Sequence[tuple[Scenario, int]]
    ) -> list[Trial]:
        """Run trials at once; those of a group disconnect together, when all are in their state."""
        group = TrialGroup(
            (trial_name(*trial) for trial in trials),
            disconnect_together=any(scenario.group for scenario, _ in trials),
        )
        return await gather(
            # One that may hang the server has its turn, and waits for none that has not.
            self._run_trial(server, *trial, TrialGroup() if trial[0].may_hang_server else group)
            for trial in trials
        )

    async def _run_trial(
        self, server: ServerProcess, scenario: Scenario, repeat: int, group: TrialGroup
    ) -> Trial:
        with ExitStack() as turn:
            if scenario.may_hang_server:
                await self._spinning.acquire()
                turn.callback(self._spinning.release)
            since_ns, lost_before = time.monotonic_ns(), server.lost_lines
            trial = await run_trial(
                TrialSetup(
                    server=server,
                    scenario=scenario,
                    repeat=repeat,
                    window_s=self._plan.window_s,
                    phase=plan.phase(scenario, repeat, self._plan),
                    group=group,
                    on_answer=turn.close,
                )
            )
            events = [
                *server.process_events(since_ns, time.monotonic_ns(), lost_before),
                *self._activities(server, trial, since_ns),
                *self._harness.events(since_ns, time.monotonic_ns()),
            ]
            trial = with_process_events(trial, since_ns, events)
            if scenario.may_hang_server and not _may_be_reused_after(trial):
                server.kill()  # before another one has its turn
        return scrubbed(trial, server.stack.staged)

    def _activities(self, server: ServerProcess, trial: Trial, since_ns: int) -> list[Event]:
        """What the server did while it owed an answer, or its end, and gave none."""
        window_ns = round((BY_ID[trial.scenario].window_s or self._plan.window_s) * 1e9)
        owed_ns = [
            since_ns + event.t_ns
            for event in trial.events
            if event.surface in (Surface.LIVENESS, Surface.EXIT)
            and event.saw in (Word.NO_ANSWER, Word.STILL_RUNNING)
        ]
        found = [server.activity(until_ns - window_ns, until_ns) for until_ns in owed_ns]
        return [event for event in found if event is not None]

    async def _measure_latency(self, stacks: Sequence[PreparedStack]) -> None:
        """Measure the latencies of all apps on one server side by side, while nothing else runs."""
        unmeasured = [
            stack
            for stack in stacks
            if (stack.app.id, stack.server.id) in self._plan.stacks
            and not self._journal.has_latency(stack.app.id, stack.server.id)
        ]
        if not unmeasured:
            return
        async with AsyncExitStack() as exits:
            slots: dict[str, ServerSlot] = {}

            async def start(stack: PreparedStack) -> None:
                slot = await exits.enter_async_context(
                    self._pool.slot(stack, server_pool.UNDISTURBED)
                )
                with suppress(SubjectError):  # its trials show it
                    await slot.server()
                    slots[stack.app.id] = slot

            await gather(map(start, stacks))
            measured = await latency.measure(
                dict(sorted(slots.items())),
                self._harness,
                REFERENCE,
                self._plan.latency,
                self._plan.window_s,
            )
        for stack in unmeasured:
            self._journal.keep(
                Batch(
                    app=stack.app.id,
                    server=stack.server.id,
                    latency=measured.get(stack.app.id, Latency()),
                )
            )

    def _keep(
        self,
        stack: PreparedStack,
        group: plan.Group,
        trials: Sequence[Trial],
        unattributed: UnattributedEvents,
    ) -> None:
        for scenario in group:
            # A line that may be of any of a group is kept once, with the first of them.
            lines = unattributed.lines_of(scenario) if scenario is group[0] else ()
            self._journal.keep(
                Batch(
                    app=stack.app.id,
                    server=stack.server.id,
                    scenario=scenario.id,
                    sample=scenario.alone and not BY_ID[scenario.id].alone,
                    trials=tuple(trial for trial in trials if trial.scenario == scenario.id),
                    rejected_registrations=unattributed.rejected_registrations,
                    unattributed=lines,
                )
            )
        self._hooks.trials_finished(len(trials))


def _may_be_reused_after(trial: Trial) -> bool:
    """Whether a trial has left its server in a state in which others can be run on it."""
    answered = any(event.saw == Word.ANSWERED for event in trial.events)
    scenario = BY_ID[trial.scenario]
    ended = not scenario.may_hang_server or all_ended(trial.events, cleans_up=False)
    return trial.failure is None and answered and ended


def _nothing() -> None:
    """There are no log lines that may be of several trials."""
