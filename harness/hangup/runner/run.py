"""A run: every stack of a plan is brought up, hung up on, and put into results."""

from __future__ import annotations

import asyncio
import itertools
from collections import defaultdict
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, ExitStack, nullcontext, suppress
from pathlib import Path
from typing import Any, TypeVar

import msgspec

import hangup
from hangup.analysis.exception_path import exception_paths
from hangup.environment import machine
from hangup.environment.distributions import distributions_of
from hangup.environment.exception_path import with_handlers
from hangup.environment.installations import install, versions_of
from hangup.environment.staging import code_hash, staged_app
from hangup.environment.version_sets import constraints_of, pins_of
from hangup.errors import SubjectError
from hangup.model import servers
from hangup.model.apps import REFERENCE, App
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID
from hangup.model.servers import Server
from hangup.model.trace import REJECTED, TRACED, Environment, Latency, Stack, StackResult, Trial
from hangup.model.vocabulary import Surface, Word
from hangup.runner import latency
from hangup.runner.client import COLLECT_PATH, answers
from hangup.runner.plan import applicable, scenarios_to_trace
from hangup.runner.server_process import POLL_S, ServerProcess
from hangup.runner.trial import TrialGroup, all_shown, run_trial, trial_name
from hangup.store.journal import Batch, Journal

T = TypeVar("T")

_STAGED = ("apps/", "hangup/agent/")
"""What the recorded path of a file begins with that `hangup.environment.staging` has copied."""

SHARED_AT_ONCE = 30
"""So many servers that trials share are up at once."""
TRACED_AT_ONCE = 12
"""So many servers that follow exceptions are up at once; they are slow."""
OWN_AT_ONCE = 20
"""So many servers of a trial's own are up at once; nearly all of their time is waiting."""


class PreparedStack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack ready to be started."""

    app: App
    server: Server
    pins: tuple[str, ...]
    python: Path

    @property
    def name(self) -> str:
        return f"{self.app.id}-on-{self.server.id}"


class _ServerLog:
    """What a server's probe has reported that belongs to no trial."""

    def __init__(self) -> None:
        self.rejected_registrations: dict[str, str] = {}
        self.lines: list[str] = []

    def take(self, subject: ServerProcess, heard: int) -> None:
        """Take the handlers refused at the start, and the lines logged since `heard`."""
        for event in subject.unattributed_events:
            if event.event == REJECTED:
                why = f"{event.saw}: {event.detail}" if event.detail else event.saw
                self.rejected_registrations[event.surface] = machine.scrub(why or "", subject.root)
        self.lines += [
            f"{event.saw}: {event.detail}"
            for event in subject.unattributed_events[heard:]
            if event.surface == Surface.SERVER_LOG
        ]


class Run:
    """One run of a plan.

    `check` is given every part before there are trials in it, and may raise UserError;
    `advance` is told how many trials have been finished.
    """

    def __init__(
        self,
        *,
        root: Path,
        environments: Path,
        apps: Mapping[str, App],
        journal: Journal,
        check: Callable[[StackResult], None],
        advance: Callable[[int], None],
        say: Callable[[str], None],
    ) -> None:
        self.root = root
        self.environments = environments
        self.apps = apps
        self.journal = journal
        self.plan = journal.plan
        self.check = check
        self.advance = advance
        self.say = say
        self.failed_to_start: dict[str, str] = {}
        """The stacks that could not be started: name to reason."""
        self.logs: dict[str, Path] = {}
        """Their servers' logs."""
        # A run that is resumed finds the directories of the servers it had before.
        self._numbers = itertools.count(sum(1 for _ in journal.directory.iterdir()))
        cores = machine.cores()
        self._shared = asyncio.Semaphore(SHARED_AT_ONCE)
        self._own = asyncio.Semaphore(OWN_AT_ONCE)
        self._starting = asyncio.Semaphore(cores)
        self._tracing = asyncio.Semaphore(TRACED_AT_ONCE)
        # A server that spins takes a whole core: there are no more of them at a time than
        # there are cores, for the others' clocks to mean anything.
        self._spinning = asyncio.Semaphore(cores)

    async def run(self) -> list[StackResult]:
        """Do what is not done yet and return the parts of all that is.

        Raises UserError if an environment cannot be made.
        """
        self.say("making environments")
        prepared_stacks = await self._make_benches()
        for prepared in prepared_stacks:
            if prepared.app.id in self.plan.apps:
                self.check(self._part(prepared))
        self.say("running trials")
        to_do = [(prepared, *self._to_do(prepared)) for prepared in prepared_stacks]
        async with asyncio.TaskGroup() as tasks:
            # Servers start in the order they are asked for: first those with most to do.
            for prepared, _, shared in to_do:
                if shared:
                    tasks.create_task(self._run_shared(prepared, shared))
            for prepared, own, _ in to_do:
                for group in _groups(own):
                    tasks.create_task(self._run_apart(prepared, group))
        if self.plan.trace_exceptions:
            self.say("following exceptions")
            await _gather(self._run_traced(prepared) for prepared in prepared_stacks)
        if self.plan.latency:
            self.say("measuring latency")
            for server in self.plan.servers:
                await self._measure([b for b in prepared_stacks if b.server.id == server])
        return [
            self._part(prepared)
            for prepared in prepared_stacks
            if prepared.app.id in self.plan.apps
        ]

    async def _make_benches(self) -> list[PreparedStack]:
        at_once = asyncio.Semaphore(machine.cores())
        locks: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)
        resolved: dict[tuple[str, ...], tuple[str, ...]] = {}
        constraints = constraints_of(self.plan.versions)

        async def make(app: App, server: Server) -> PreparedStack:
            wanted = (app.requires_python, *app.dependencies, *server.requirements)
            async with locks[wanted], at_once:
                if wanted not in resolved:
                    resolved[wanted] = await pins_of(
                        app, server, constraints, self.plan.interpreter, self.environments
                    )
                pins = resolved[wanted]
                python = await install(pins, self.plan.interpreter, self.environments)
            return PreparedStack(app=app, server=server, pins=pins, python=python)

        chosen = list(self.plan.apps)
        if self.plan.latency and REFERENCE in self.apps and REFERENCE not in chosen:
            chosen.append(REFERENCE)
        making = [
            make(self.apps[app], servers.BY_ID[server])
            for server in self.plan.servers
            for app in chosen
        ]
        return await _gather(making)

    def _to_do(self, prepared: PreparedStack) -> tuple[list[Scenario], list[Scenario]]:
        """What is left to do of a stack: what needs servers of its own, and what shares."""
        if prepared.app.id not in self.plan.apps:
            return [], []
        left = [
            scenario
            for scenario in applicable(self.plan.scenarios, prepared.app)
            if not self.journal.finished(prepared.app.id, prepared.server.id, scenario.id)
        ]
        own = [scenario for scenario in left if scenario.own_server]
        shared = [scenario for scenario in left if not scenario.own_server]
        # A flood that gives others their turn comes before one that does not.
        return own, sorted(shared, key=lambda s: (s.may_hang_server, s.kind != "recipe"))

    async def _run_apart(self, prepared: PreparedStack, group: Sequence[Scenario]) -> None:
        """Run scenarios that end their server: each repeat of a group has one of its own."""

        async def once(repeat: int) -> list[Trial]:
            async with self._own, AsyncExitStack() as stack:
                try:
                    subject = await self._start(prepared, stack)
                except SubjectError as error:
                    return [_failed(scenario, repeat, error) for scenario in group]
                heard = len(subject.unattributed_events)
                runs = [(scenario, repeat) for scenario in group]
                companions = {scenario.companion for scenario in group if scenario.companion}
                runs += [(BY_ID[name], repeat) for name in sorted(companions)]
                trials = await self._at_once(subject, runs)
                if len(runs) > 1:
                    log.take(subject, heard)
                return trials[: len(group)]

        log = _ServerLog()
        repeats = range(1, self.plan.repeats_of(group[0]) + 1)
        trials = [t for repeat in await _gather(map(once, repeats)) for t in repeat]
        self._keep(prepared, group, trials, log)

    async def _run_shared(self, prepared: PreparedStack, scenarios: list[Scenario]) -> None:
        """Run scenarios, or groups of them, one after the other on one server.

        The repeats of each run at once, or one after the other where it wants to be alone or
        is of a group.
        """
        async with self._shared, AsyncExitStack() as stack:
            subject: ServerProcess | None = None
            again = False
            for group in _groups(scenarios):
                repeats = range(1, self.plan.repeats_of(group[0]) + 1)
                rounds = [[(scenario, repeat) for scenario in group] for repeat in repeats]
                if not (group[0].exclusive or group[0].group):
                    rounds = [[run for round_ in rounds for run in round_]]
                trials: list[Trial] = []
                log = _ServerLog()
                for together in rounds:
                    try:
                        subject = subject or await self._start(prepared, stack, at_once=again)
                    except SubjectError as error:
                        trials += [_failed(scenario, r, error) for scenario, r in together]
                        continue
                    heard = len(subject.unattributed_events)
                    alone = group[0].exclusive
                    if alone:
                        # All that the process logs is this trial's: not what others have left.
                        await answers(subject.port, self.plan.window_s, COLLECT_PATH)
                        subject.catch_up()
                        log.take(subject, heard)
                    done = await self._at_once(subject, together)
                    if not alone:
                        log.take(subject, heard)
                    trials += done
                    if not all(_left_well(trial, group[0]) for trial in done):
                        await stack.aclose()
                        subject = None
                        again = True
                self._keep(prepared, group, trials, log)

    async def _at_once(
        self, subject: ServerProcess, runs: Sequence[tuple[Scenario, int]]
    ) -> list[Trial]:
        """Run trials at once; those of a group leave together, when all are in their state."""
        together = any(scenario.group for scenario, _ in runs)
        company = TrialGroup((trial_name(*run) for run in runs), leave_together=together)
        return await _gather(self._trial(subject, *run, company) for run in runs)

    async def _run_traced(self, prepared: PreparedStack) -> None:
        """Run each scenario once on servers that follow exceptions; no time is measured."""
        app, server = prepared.app.id, prepared.server.id
        if app not in self.plan.apps or self.journal.traced(app, server):
            return
        scenarios = scenarios_to_trace(self.plan, prepared.app)
        own = [scenario for scenario in scenarios if scenario.own_server]
        shared = [scenario for scenario in scenarios if not scenario.own_server]
        shared.sort(key=lambda scenario: scenario.may_hang_server)
        done = await _gather(self._follow(prepared, each) for each in [shared, *([s] for s in own)])
        trials = tuple(trial for chain in done for trial in chain)
        if trials:
            self.journal.keep(Batch(app=app, server=server, traced=trials))

    async def _follow(self, prepared: PreparedStack, scenarios: list[Scenario]) -> list[Trial]:
        """Run scenarios one after the other on one server that follows exceptions."""
        trials: list[Trial] = []
        async with self._tracing, AsyncExitStack() as stack:
            subject: ServerProcess | None = None
            for scenario in scenarios:
                try:
                    subject = subject or await self._start(prepared, stack, trace_exceptions=True)
                except SubjectError as error:
                    trials.append(_failed(scenario, TRACED, error))
                else:
                    trial = await self._trial(subject, scenario, TRACED, TrialGroup())
                    trials.append(self._located(trial, prepared))
                    if not _left_well(trial, scenario):
                        await stack.aclose()
                        subject = None
                self.advance(1)
        return trials

    def _located(self, trial: Trial, prepared: PreparedStack) -> Trial:
        """A trial whose path says what handled an exception, and names no directory of ours."""
        steps = [
            msgspec.structs.replace(step, file=machine.scrub_file(step.file, self.root), kinds=())
            for step in with_handlers(trial.steps)
        ]
        meant = {
            frame.exception
            for exception_path in exception_paths(steps)
            if any(frame.location.file.startswith(_STAGED) for frame in exception_path.frames)
            for frame in exception_path.frames
        }
        return msgspec.structs.replace(trial, steps=tuple(s for s in steps if s.n in meant))

    async def _start(
        self,
        prepared: PreparedStack,
        stack: AsyncExitStack,
        *,
        at_once: bool = False,
        poll_s: float = POLL_S,
        trace_exceptions: bool = False,
    ) -> ServerProcess:
        """Start a server; raises SubjectError, at once if this stack is known not to start.

        `at_once` is for those that need not queue: their number is limited elsewhere, or
        they take the place of one that was just ended.
        """
        number = next(self._numbers)
        subject = ServerProcess(
            root=self.root,
            app=staged_app(self.root, prepared.app.path),
            server=prepared.server,
            python=prepared.python,
            directory=self.journal.directory / f"{prepared.name}-{number}",
            poll_s=poll_s,
            trace_exceptions=trace_exceptions,
        )
        try:
            async with nullcontext() if at_once else self._starting:
                if prepared.name in self.failed_to_start:
                    raise SubjectError(Word.FAILED_TO_START, self.failed_to_start[prepared.name])
                return await stack.enter_async_context(subject)
        except SubjectError as error:
            reason = machine.scrub(str(error), self.root)
            if prepared.name not in self.failed_to_start:
                self.failed_to_start[prepared.name] = reason
                self.logs[prepared.name] = subject.log_file
            raise SubjectError(error.word, reason) from None

    async def _trial(
        self, subject: ServerProcess, scenario: Scenario, repeat: int, company: TrialGroup
    ) -> Trial:
        if not scenario.may_hang_server:
            phase = abs(repeat - 0.5) / self.plan.repeats_of(scenario)
            trial = await run_trial(
                subject, scenario, repeat, self.plan.window_s, phase, company=company
            )
            return _scrubbed(trial, self.root)
        with ExitStack() as turn:
            await self._spinning.acquire()
            turn.callback(self._spinning.release)
            trial = await run_trial(
                subject, scenario, repeat, self.plan.window_s, on_answer=turn.close
            )
            if not _left_well(trial, scenario):
                subject.kill()  # before another one has its turn
        return _scrubbed(trial, self.root)

    def _keep(
        self,
        prepared: PreparedStack,
        group: Sequence[Scenario],
        trials: Sequence[Trial],
        log: _ServerLog,
    ) -> None:
        for scenario in group:
            # A line that may be of any of a group is kept once, with the first of them.
            lines = log.lines if scenario is group[0] else []
            self.journal.keep(
                Batch(
                    app=prepared.app.id,
                    server=prepared.server.id,
                    scenario=scenario.id,
                    trials=tuple(trial for trial in trials if trial.scenario == scenario.id),
                    rejected_registrations=log.rejected_registrations,
                    unattributed=tuple(
                        machine.scrub(f"{scenario.id}: {line}", self.root) for line in lines
                    ),
                )
            )
        self.advance(len(trials))

    async def _measure(self, prepared_stacks: list[PreparedStack]) -> None:
        """Measure the latencies of all apps on one server side by side, alone on the machine."""
        left = [
            prepared
            for prepared in prepared_stacks
            if prepared.app.id in self.plan.apps
            and not self.journal.finished(prepared.app.id, prepared.server.id, None)
        ]
        if not left:
            return
        async with AsyncExitStack() as stack:
            subjects: dict[str, ServerProcess] = {}

            async def start(prepared: PreparedStack) -> None:
                with suppress(SubjectError):  # its trials have said so
                    subjects[prepared.app.id] = await self._start(
                        prepared, stack, poll_s=latency.POLL_S
                    )

            await _gather(start(prepared) for prepared in prepared_stacks)
            measured = await latency.measure(
                dict(sorted(subjects.items())),
                REFERENCE,
                self.plan.latency,
                self.plan.window_s,
            )
        for prepared in left:
            self.journal.keep(
                Batch(
                    app=prepared.app.id,
                    server=prepared.server.id,
                    latency=measured.get(prepared.app.id, Latency()),
                )
            )

    def _part(self, prepared: PreparedStack) -> StackResult:
        plan = self.plan
        batches = [
            batch
            for batch in self.journal.batches
            if (batch.app, batch.server) == (prepared.app.id, prepared.server.id)
        ]
        traced = tuple(trial for batch in batches for trial in batch.traced)
        latencies = [batch.latency for batch in batches if batch.latency is not None]
        return StackResult(
            stack=Stack(
                versions=plan.versions,
                python=plan.interpreter.feature,
                app=prepared.app.id,
                server=prepared.server.id,
            ),
            title=prepared.app.about.title,
            surfaces=prepared.app.about.surfaces,
            unsupported=prepared.app.about.unsupported,
            rejected_registrations={
                k: v for batch in batches for k, v in batch.rejected_registrations.items()
            },
            run=plan.id,
            date=plan.date,
            hangup=hangup.__version__,
            window_s=plan.window_s,
            repeats=plan.repeats,
            code_hash=code_hash(prepared.app.path),
            command=" ".join(["python", *prepared.server.arguments("PORT")]),
            environment=Environment(
                python=plan.interpreter.version,
                packages=versions_of(prepared.pins),
                os=machine.os_name(),
                cpu=machine.cpu(),
                cores=machine.cores(),
            ),
            latency=latencies[-1] if latencies else None,
            unattributed=tuple(line for batch in batches for line in batch.unattributed),
            trials=tuple(trial for batch in batches for trial in batch.trials),
            traced=traced,
            distributions=distributions_of(
                prepared.python, {s.file for t in traced for s in t.steps if s.file}
            ),
        )


def _groups(scenarios: Iterable[Scenario]) -> list[list[Scenario]]:
    """Neighbours that run together; any other scenario is a group by itself."""
    grouped = itertools.groupby(scenarios, key=lambda s: s.group or s.id)
    return [list(members) for _, members in grouped]


def _left_well(trial: Trial, scenario: Scenario) -> bool:
    """Whether a trial has left a server that others can be run on."""
    answered = any(event.saw == Word.ANSWERED for event in trial.events)
    at_rest = not scenario.may_hang_server or all_shown(trial.events, cleans_up=False)
    return trial.failure is None and answered and at_rest


def _failed(scenario: Scenario, repeat: int, error: SubjectError) -> Trial:
    return Trial(scenario=scenario.id, repeat=repeat, failure=error.word, note=str(error))


def _scrubbed(trial: Trial, root: Path) -> Trial:
    return msgspec.structs.replace(
        trial,
        note=trial.note and machine.scrub(trial.note, root),
        events=tuple(
            msgspec.structs.replace(event, detail=machine.scrub(event.detail, root))
            if event.detail
            else event
            for event in trial.events
        ),
    )


async def _gather(jobs: Iterable[Coroutine[Any, Any, T]]) -> list[T]:
    """The results of all, in order; if one fails, the others are cancelled."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(job) for job in jobs]
    return [task.result() for task in tasks]
