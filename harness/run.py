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

import harness
from harness import latency, machine, servers
from harness.appfiles import AppFile, sources_hash
from harness.catalogue import BY_ID, Scenario
from harness.client import COLLECT_PATH, answers
from harness.environments import install, versions_of
from harness.errors import SubjectError
from harness.itinerary import itineraries
from harness.journal import Batch, Journal
from harness.locate import located
from harness.packages import origins
from harness.plan import REFERENCE, applicable, to_follow
from harness.servers import Server
from harness.subject import POLL_S, Subject
from harness.trace import FOLLOWED, Environment, Latency, Part, Stack, Trial
from harness.trial import Company, all_shown, run_trial, trial_name
from harness.versions import constraints_of, pins_of
from harness.vocabulary import Surface, Word

T = TypeVar("T")

SHARED_AT_ONCE = 30
"""So many servers that trials share are up at once."""
FOLLOWED_AT_ONCE = 12
"""So many servers that follow exceptions are up at once; they are slow."""
OWN_AT_ONCE = 20
"""So many servers of a trial's own are up at once; nearly all of their time is waiting."""


class Bench(msgspec.Struct, frozen=True, kw_only=True):
    """A stack ready to be started."""

    app: AppFile
    server: Server
    pins: tuple[str, ...]
    python: Path

    @property
    def name(self) -> str:
        return f"{self.app.id}-on-{self.server.id}"


class _ServerLog:
    """What a server's probe has reported that belongs to no trial."""

    def __init__(self) -> None:
        self.refused: dict[str, str] = {}
        self.lines: list[str] = []

    def take(self, subject: Subject, heard: int) -> None:
        """Take the handlers refused at the start, and the lines logged since `heard`."""
        for event in subject.loose:
            if event.event == "refused":
                why = f"{event.saw}: {event.detail}" if event.detail else event.saw
                self.refused[event.surface] = machine.scrub(why or "", subject.root)
        self.lines += [
            f"{event.saw}: {event.detail}"
            for event in subject.loose[heard:]
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
        apps: Mapping[str, AppFile],
        journal: Journal,
        check: Callable[[Part], None],
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
        self.unfit: dict[str, str] = {}
        """The stacks that could not be started: name to reason."""
        self.logs: dict[str, Path] = {}
        """Their servers' logs."""
        # A run that is resumed finds the directories of the servers it had before.
        self._numbers = itertools.count(sum(1 for _ in journal.directory.iterdir()))
        cores = machine.cores()
        self._shared = asyncio.Semaphore(SHARED_AT_ONCE)
        self._own = asyncio.Semaphore(OWN_AT_ONCE)
        self._starting = asyncio.Semaphore(cores)
        self._following = asyncio.Semaphore(FOLLOWED_AT_ONCE)
        # A server that spins takes a whole core: there are no more of them at a time than
        # there are cores, for the others' clocks to mean anything.
        self._spinning = asyncio.Semaphore(cores)

    async def run(self) -> list[Part]:
        """Do what is not done yet and return the parts of all that is.

        Raises UserError if an environment cannot be made.
        """
        self.say("making environments")
        benches = await self._make_benches()
        for bench in benches:
            if bench.app.id in self.plan.apps:
                self.check(self._part(bench))
        self.say("running trials")
        to_do = [(bench, *self._to_do(bench)) for bench in benches]
        async with asyncio.TaskGroup() as tasks:
            # Servers start in the order they are asked for: first those with most to do.
            for bench, _, shared in to_do:
                if shared:
                    tasks.create_task(self._run_shared(bench, shared))
            for bench, own, _ in to_do:
                for group in _groups(own):
                    tasks.create_task(self._run_apart(bench, group))
        if self.plan.follow:
            self.say("following exceptions")
            await _gather(self._run_followed(bench) for bench in benches)
        if self.plan.latency:
            self.say("measuring latency")
            for server in self.plan.servers:
                await self._measure([b for b in benches if b.server.id == server])
        return [self._part(bench) for bench in benches if bench.app.id in self.plan.apps]

    async def _make_benches(self) -> list[Bench]:
        at_once = asyncio.Semaphore(machine.cores())
        locks: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)
        resolved: dict[tuple[str, ...], tuple[str, ...]] = {}
        constraints = constraints_of(self.root / "apps" / "versions", self.plan.versions)

        async def make(app: AppFile, server: Server) -> Bench:
            wanted = (app.requires_python, *app.dependencies, *server.requirements)
            async with locks[wanted], at_once:
                if wanted not in resolved:
                    resolved[wanted] = await pins_of(
                        app, server, constraints, self.plan.interpreter, self.environments
                    )
                pins = resolved[wanted]
                python = await install(pins, self.plan.interpreter, self.environments)
            return Bench(app=app, server=server, pins=pins, python=python)

        chosen = list(self.plan.apps)
        if self.plan.latency and REFERENCE in self.apps and REFERENCE not in chosen:
            chosen.append(REFERENCE)
        making = [
            make(self.apps[app], servers.BY_ID[server])
            for server in self.plan.servers
            for app in chosen
        ]
        return await _gather(making)

    def _to_do(self, bench: Bench) -> tuple[list[Scenario], list[Scenario]]:
        """What is left to do of a stack: what needs servers of its own, and what shares."""
        if bench.app.id not in self.plan.apps:
            return [], []
        left = [
            scenario
            for scenario in applicable(self.plan.scenarios, bench.app)
            if not self.journal.finished(bench.app.id, bench.server.id, scenario.id)
        ]
        own = [scenario for scenario in left if scenario.own_server]
        shared = [scenario for scenario in left if not scenario.own_server]
        # A flood that gives others their turn comes before one that does not.
        return own, sorted(shared, key=lambda s: (s.spoils, s.kind != "recipe"))

    async def _run_apart(self, bench: Bench, group: Sequence[Scenario]) -> None:
        """Run scenarios that end their server: each repeat of a group has one of its own."""

        async def once(repeat: int) -> list[Trial]:
            async with self._own, AsyncExitStack() as stack:
                try:
                    subject = await self._start(bench, stack)
                except SubjectError as error:
                    return [_failed(scenario, repeat, error) for scenario in group]
                heard = len(subject.loose)
                runs = [(scenario, repeat) for scenario in group]
                companions = {scenario.beside for scenario in group if scenario.beside}
                runs += [(BY_ID[name], repeat) for name in sorted(companions)]
                trials = await self._at_once(subject, runs)
                if len(runs) > 1:
                    log.take(subject, heard)
                return trials[: len(group)]

        log = _ServerLog()
        repeats = range(1, self.plan.repeats_of(group[0]) + 1)
        trials = [t for repeat in await _gather(map(once, repeats)) for t in repeat]
        self._keep(bench, group, trials, log)

    async def _run_shared(self, bench: Bench, scenarios: list[Scenario]) -> None:
        """Run scenarios, or groups of them, one after the other on one server.

        The repeats of each run at once, or one after the other where it wants to be alone or
        is of a group.
        """
        async with self._shared, AsyncExitStack() as stack:
            subject: Subject | None = None
            again = False
            for group in _groups(scenarios):
                repeats = range(1, self.plan.repeats_of(group[0]) + 1)
                rounds = [[(scenario, repeat) for scenario in group] for repeat in repeats]
                if not (group[0].alone or group[0].together):
                    rounds = [[run for round_ in rounds for run in round_]]
                trials: list[Trial] = []
                log = _ServerLog()
                for together in rounds:
                    try:
                        subject = subject or await self._start(bench, stack, at_once=again)
                    except SubjectError as error:
                        trials += [_failed(scenario, r, error) for scenario, r in together]
                        continue
                    heard = len(subject.loose)
                    alone = group[0].alone
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
                self._keep(bench, group, trials, log)

    async def _at_once(self, subject: Subject, runs: Sequence[tuple[Scenario, int]]) -> list[Trial]:
        """Run trials at once; those of a group leave together, when all are in their state."""
        together = any(scenario.together for scenario, _ in runs)
        company = Company((trial_name(*run) for run in runs), leave_together=together)
        return await _gather(self._trial(subject, *run, company) for run in runs)

    async def _run_followed(self, bench: Bench) -> None:
        """Run each scenario once on servers that follow exceptions; no time is measured."""
        app, server = bench.app.id, bench.server.id
        if app not in self.plan.apps or self.journal.followed(app, server):
            return
        scenarios = to_follow(self.plan, bench.app)
        own = [scenario for scenario in scenarios if scenario.own_server]
        shared = [scenario for scenario in scenarios if not scenario.own_server]
        shared.sort(key=lambda scenario: scenario.spoils)
        done = await _gather(self._follow(bench, each) for each in [shared, *([s] for s in own)])
        trials = tuple(trial for chain in done for trial in chain)
        if trials:
            self.journal.keep(Batch(app=app, server=server, followed=trials))

    async def _follow(self, bench: Bench, scenarios: list[Scenario]) -> list[Trial]:
        """Run scenarios one after the other on one server that follows exceptions."""
        trials: list[Trial] = []
        async with self._following, AsyncExitStack() as stack:
            subject: Subject | None = None
            for scenario in scenarios:
                try:
                    subject = subject or await self._start(bench, stack, follow=True)
                except SubjectError as error:
                    trials.append(_failed(scenario, FOLLOWED, error))
                else:
                    trial = await self._trial(subject, scenario, FOLLOWED, Company())
                    trials.append(self._located(trial, bench))
                    if not _left_well(trial, scenario):
                        await stack.aclose()
                        subject = None
                self.advance(1)
        return trials

    def _located(self, trial: Trial, bench: Bench) -> Trial:
        """A trial whose path says what handled an exception, and names no directory of ours."""
        steps = [
            msgspec.structs.replace(
                step, file=machine.scrub_file(step.file, bench.app.path, self.root), kinds=()
            )
            for step in located(trial.path)
        ]
        meant = {
            stop.exception
            for itinerary in itineraries(steps)
            if any(stop.place.file.startswith("apps/") for stop in itinerary.stops)
            for stop in itinerary.stops
        }
        return msgspec.structs.replace(trial, path=tuple(s for s in steps if s.n in meant))

    async def _start(
        self,
        bench: Bench,
        stack: AsyncExitStack,
        *,
        at_once: bool = False,
        poll_s: float = POLL_S,
        follow: bool = False,
    ) -> Subject:
        """Start a server; raises SubjectError, at once if this stack is known not to start.

        `at_once` is for those that need not queue: their number is limited elsewhere, or
        they take the place of one that was just ended.
        """
        number = next(self._numbers)
        subject = Subject(
            root=self.root,
            app=bench.app.path,
            server=bench.server,
            python=bench.python,
            directory=self.journal.directory / f"{bench.name}-{number}",
            poll_s=poll_s,
            follow=follow,
        )
        try:
            async with nullcontext() if at_once else self._starting:
                if bench.name in self.unfit:
                    raise SubjectError(Word.COULD_NOT_START, self.unfit[bench.name])
                return await stack.enter_async_context(subject)
        except SubjectError as error:
            reason = machine.scrub(str(error), self.root)
            if bench.name not in self.unfit:
                self.unfit[bench.name] = reason
                self.logs[bench.name] = subject.log_file
            raise SubjectError(error.word, reason) from None

    async def _trial(
        self, subject: Subject, scenario: Scenario, repeat: int, company: Company
    ) -> Trial:
        if not scenario.spoils:
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
        self, bench: Bench, group: Sequence[Scenario], trials: Sequence[Trial], log: _ServerLog
    ) -> None:
        for scenario in group:
            # A line that may be of any of a group is kept once, with the first of them.
            lines = log.lines if scenario is group[0] else []
            self.journal.keep(
                Batch(
                    app=bench.app.id,
                    server=bench.server.id,
                    scenario=scenario.id,
                    trials=tuple(trial for trial in trials if trial.scenario == scenario.id),
                    refused=log.refused,
                    unattributed=tuple(
                        machine.scrub(f"{scenario.id}: {line}", self.root) for line in lines
                    ),
                )
            )
        self.advance(len(trials))

    async def _measure(self, benches: list[Bench]) -> None:
        """Measure the latencies of all apps on one server side by side, alone on the machine."""
        left = [
            bench
            for bench in benches
            if bench.app.id in self.plan.apps
            and not self.journal.finished(bench.app.id, bench.server.id, None)
        ]
        if not left:
            return
        async with AsyncExitStack() as stack:
            subjects: dict[str, Subject] = {}

            async def start(bench: Bench) -> None:
                with suppress(SubjectError):  # its trials have said so
                    subjects[bench.app.id] = await self._start(bench, stack, poll_s=latency.POLL_S)

            await _gather(start(bench) for bench in benches)
            measured = await latency.measure(
                dict(sorted(subjects.items())),
                REFERENCE,
                self.plan.latency,
                self.plan.window_s,
            )
        for bench in left:
            self.journal.keep(
                Batch(
                    app=bench.app.id,
                    server=bench.server.id,
                    latency=measured.get(bench.app.id, Latency()),
                )
            )

    def _part(self, bench: Bench) -> Part:
        plan = self.plan
        batches = [
            batch
            for batch in self.journal.batches
            if (batch.app, batch.server) == (bench.app.id, bench.server.id)
        ]
        followed = tuple(trial for batch in batches for trial in batch.followed)
        latencies = [batch.latency for batch in batches if batch.latency is not None]
        return Part(
            stack=Stack(
                versions=plan.versions,
                python=plan.interpreter.feature,
                app=bench.app.id,
                server=bench.server.id,
            ),
            title=bench.app.about.title,
            surfaces=bench.app.about.surfaces,
            lacks=bench.app.about.lacks,
            refused={k: v for batch in batches for k, v in batch.refused.items()},
            run=plan.id,
            date=plan.date,
            hangup=harness.__version__,
            window_s=plan.window_s,
            repeats=plan.repeats,
            sources=sources_hash(bench.app.path, self.root / "apps" / "subject"),
            command=" ".join(["python", *bench.server.arguments("PORT")]),
            environment=Environment(
                python=plan.interpreter.version,
                packages=versions_of(bench.pins),
                os=machine.os_name(),
                cpu=machine.cpu(),
                cores=machine.cores(),
            ),
            latency=latencies[-1] if latencies else None,
            unattributed=tuple(line for batch in batches for line in batch.unattributed),
            trials=tuple(trial for batch in batches for trial in batch.trials),
            followed=followed,
            origins=origins(bench.python, {s.file for t in followed for s in t.path if s.file}),
        )


def _groups(scenarios: Iterable[Scenario]) -> list[list[Scenario]]:
    """Neighbours that run together; any other scenario is a group by itself."""
    grouped = itertools.groupby(scenarios, key=lambda s: s.together or s.id)
    return [list(members) for _, members in grouped]


def _left_well(trial: Trial, scenario: Scenario) -> bool:
    """Whether a trial has left a server that others can be run on."""
    answered = any(event.saw == Word.ANSWERED for event in trial.events)
    at_rest = not scenario.spoils or all_shown(trial.events, cleans_up=False)
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
