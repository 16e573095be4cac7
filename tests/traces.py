"""Traces written by hand: a line an event, a millisecond apart.

    trial("idle", "stream begin", LEAVES, "stream end CancelledError at an await")

A line is `SURFACE EVENT [#N] [SAW] [at a PLACE] [(DETAIL)]`; a number among the lines is so many
milliseconds in which nothing happens.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from hangup.analysis.classification import classify, classify_trial
from hangup.model import trace
from hangup.model.exception_path import Step
from hangup.model.outcomes import Outcome
from hangup.model.scenarios import BY_ID
from hangup.model.trace import CLIENT, Environment, Event, Latency, Stack, StackResult, Trial
from hangup.model.vocabulary import Word

LEAVES = f"{CLIENT} leaves"
CLOSES = "the window closes"
COLLECTS = "the process collects its garbage"

_LINE = re.compile(
    r"(?P<surface>\S+) (?P<event>\S+)(?: #(?P<n>\d+))?(?: (?P<saw>[^( ].*?))?"
    r"(?: at an? (?P<at>await|yield|call|finally))?(?: \((?P<detail>.+)\))?"
)

Line = str | int


def trial(
    scenario: str,
    *lines: Line,
    repeat: int = 1,
    failure: Word | None = None,
    received: tuple[str, ...] = (),
    got: str | None = None,
    steps: Sequence[Step] = (),
    alike: Sequence[int] = (),
    alone: bool = False,
) -> Trial:
    """The trial that these lines were observed in."""
    now_ns = 0
    left_ns = closed_ns = None
    events = []
    for line in lines:
        if isinstance(line, int):
            now_ns += line * 1_000_000
            continue
        now_ns += 1_000_000
        if line == CLOSES:
            closed_ns = now_ns
            continue
        if line == COLLECTS:
            events.append(Event(t_ns=now_ns, surface=CLIENT, event=trace.COLLECTS))
            continue
        if line == LEAVES:
            left_ns = now_ns
        match = _LINE.fullmatch(line)
        assert match is not None, line
        events.append(
            Event(
                t_ns=now_ns,
                surface=match["surface"],
                event=match["event"],
                saw=match["saw"],
                at=match["at"],
                n=int(match["n"]) if match["n"] else None,
                detail=match["detail"],
            )
        )
    return Trial(
        scenario=scenario,
        repeat=repeat,
        left_ns=left_ns,
        closed_ns=closed_ns or now_ns + 1_000_000,
        failure=failure,
        note=None if failure is None else "it was made up",
        received=received,
        got=got,
        events=tuple(events),
        steps=tuple(steps),
        alike=tuple(alike),
        alone=alone,
    )


def stack(
    app: str = "starlette",
    server: str = "uvicorn",
    *,
    versions: str = "current",
    python: str = "3.13",
) -> Stack:
    """A stack; by default one app, server, version set and Python for all tests."""
    return Stack(versions=versions, python=python, app=app, server=server)


def stack_result(
    *trials: Trial,
    surfaces: Sequence[str] = (),
    unsupported: Sequence[str] = (),
    rejected_registrations: Mapping[str, str] | None = None,
    unattributed: Sequence[str] = (),
    traced: Sequence[Trial] = (),
    latency: Latency | None = Latency(own_ns=(3, 4), bare_ns=(1, 2)),  # noqa: B008 - immutable
    of: Stack | None = None,
) -> StackResult:
    """The result of a stack whose trials these are."""
    return StackResult(
        stack=of or stack(),
        title="an app made up for a test",
        surfaces=tuple(surfaces),
        unsupported=tuple(unsupported),
        rejected_registrations=dict(rejected_registrations or {}),
        run="0badcafe",
        date="2025-01-31",
        hangup="0.1.0",
        window_s=2.0,
        repeats=1,
        command="python -m uvicorn",
        code_hash="0123456789abcdef",
        environment=Environment(
            python="CPython 3.13.0",
            packages={"uvicorn": "1.0", "anyio": "4.0"},
            os="an OS",
            cpu="a CPU",
            cores=2,
        ),
        latency=latency,
        unattributed=tuple(unattributed),
        trials=trials,
        traced=tuple(traced),
    )


def classified(trial: Trial, *surfaces: str) -> Outcome:
    """The trial classified by itself, of an app that declares these surfaces."""
    saws = classify_trial(trial, BY_ID[trial.scenario], surfaces)
    return Outcome(trial=trial, saws=saws)


def saws(result: StackResult, scenario: str, surface: str) -> tuple[str, ...]:
    """What the surface saw in the first trial of a scenario, earned silences and all."""
    first = next(found for found in classify(result) if found.trial.scenario == scenario)
    return first.saws[surface]
