"""The result of a stack, assembled from the batches of a run's journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from hangup.environment import machine
from hangup.environment.distributions import distributions_of
from hangup.environment.installations import versions_of
from hangup.environment.staging import code_hash
from hangup.model.plan import Plan
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Environment, Stack, StackResult, Trial
from hangup.runner.prepare import PreparedStack
from hangup.store.journal import Batch


def assemble(plan: Plan, prepared: PreparedStack, batches: Iterable[Batch]) -> StackResult:
    """All that is known of a stack: what it is, what it ran under, and what its batches hold.

    Batches of other stacks are passed over.
    """
    own = [
        batch
        for batch in batches
        if (batch.app, batch.server) == (prepared.app.id, prepared.server.id)
    ]
    traced = tuple(trial for batch in own for trial in batch.traced)
    latencies = [batch.latency for batch in own if batch.latency is not None]
    about = prepared.app.about
    return StackResult(
        stack=Stack(
            versions=plan.versions,
            python=plan.interpreter.feature,
            app=prepared.app.id,
            server=prepared.server.id,
        ),
        title=about.title,
        surfaces=about.surfaces,
        unsupported=about.unsupported,
        rejected_registrations={
            surface: reason
            for batch in own
            for surface, reason in batch.rejected_registrations.items()
        },
        run=plan.id,
        date=plan.date,
        hangup=plan.hangup,
        window_s=plan.window_s,
        repeats=plan.repeats,
        code_hash=code_hash(prepared.app, prepared.staged),
        command=" ".join(["python", *prepared.server.arguments("PORT")]),
        environment=Environment(
            python=plan.interpreter.version,
            packages=versions_of(prepared.pins),
            os=machine.os_name(),
            cpu=machine.cpu(),
            cores=machine.cores(),
        ),
        latency=latencies[-1] if latencies else None,
        unattributed=tuple(line for batch in own for line in batch.unattributed),
        trials=tuple(_trials(own)),
        traced=traced,
        distributions=distributions_of(
            prepared.python,
            {step.file for trial in traced for step in trial.steps if step.file},
        ),
    )


def _trials(batches: Sequence[Batch]) -> Iterator[Trial]:
    """The trials of a stack's batches, those of samples numbered after the others.

    Where a scenario ends its server, samples are taken in the place of the others: a stream that
    is open beside another may keep the process up, and what is to be known is what comes of one.
    """
    sampled = {batch.scenario for batch in batches if batch.sample}

    def counts(trial: Trial) -> bool:
        return trial.scenario not in sampled or not BY_ID[trial.scenario].own_server

    others = [trial for batch in batches if not batch.sample for trial in batch.trials]
    yield from filter(counts, others)
    numbers = Counter(trial.scenario for trial in others if counts(trial))
    for batch in batches:
        if batch.sample:
            for trial in batch.trials:
                number = numbers[trial.scenario] + trial.repeat
                yield msgspec.structs.replace(trial, repeat=number)
