"""What a reader wants to know first, of a stack and of all of them. Pure: outcomes in, data out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from typing import Literal, get_args

import msgspec

from hangup.analysis.conditions import looks_complete, reports_errors
from hangup.analysis.outcomes import Outcomes
from hangup.model.hazards import CLEANUPS, DISCONNECTS
from hangup.model.trace import Stack
from hangup.model.vocabulary import OPEN, Surface, Word, is_exception

LATE = OPEN | {Word.GARBAGE_COLLECTED}
"""How a stream is found that nothing ended within the window but the garbage collector."""
FINISHED = frozenset({Word.FINISHED, Word.FINISHED_AFTER_APP})


class Among(msgspec.Struct, frozen=True):
    """Some of the scenarios that were run."""

    found: tuple[str, ...]
    ran: tuple[str, ...]


class SeenBy(msgspec.Struct, frozen=True):
    """A surface that saw something of disconnects, and in which scenarios."""

    surface: str
    scenarios: Among


def late_finally(outcomes: Outcomes, stack: Stack) -> Among:
    """The disconnects after which nothing, or only the garbage collector, ended the stream."""
    return Among(
        tuple(
            name
            for name in DISCONNECTS
            if LATE.intersection(outcomes.saws(stack, name, Surface.STREAM_END))
        ),
        tuple(name for name in DISCONNECTS if outcomes.conclusive(stack, name, Surface.STREAM_END)),
    )


def unfinished_cleanups(outcomes: Outcomes, stack: Stack) -> Among:
    """The ways to clean up that did not finish in every trial."""
    ran = tuple(n for n in CLEANUPS if outcomes.conclusive(stack, n, Surface.CLEANUP))
    return Among(
        tuple(
            name
            for name in ran
            if not FINISHED.issuperset(outcomes.conclusive(stack, name, Surface.CLEANUP))
        ),
        ran,
    )


def error_reporting_surfaces(outcomes: Outcomes, stack: Stack, scenario: str) -> list[str]:
    """The handlers, hooks and log that could see something."""
    return [s for s in outcomes.surfaces(scenario, [stack]) if reports_errors(s)]


def seen_of_disconnects(outcomes: Outcomes, stack: Stack) -> tuple[SeenBy, ...]:
    """What handlers, hooks and the log saw of disconnects, over all of them."""
    seen: dict[str, list[str]] = defaultdict(list)
    for scenario in DISCONNECTS:
        for surface in error_reporting_surfaces(outcomes, stack, scenario):
            saws = outcomes.saws(stack, scenario, surface)
            if any(is_exception(s) or s in (Word.ERROR_LINE, Word.CALLED) for s in saws):
                seen[surface].append(scenario)
    ran = tuple(n for n in DISCONNECTS if outcomes.conclusive(stack, n, Surface.ASGI))
    return tuple(SeenBy(surface, Among(tuple(found), ran)) for surface, found in seen.items())


def could_have_seen(outcomes: Outcomes, stack: Stack) -> bool:
    """Whether any handler, hook or log of a stack is known to have been in place."""
    return any(
        outcomes.conclusive(stack, scenario, surface)
        for scenario in DISCONNECTS
        for surface in error_reporting_surfaces(outcomes, stack, scenario)
    )


HeadlineId = Literal[
    "cancelled-at-await",
    "handler-called",
    "await-cut-short",
    "late-under-backpressure",
    "completes-under-backpressure",
    "blocks-the-event-loop",
    "failure-looks-complete",
    "endpoint-not-notified",
    "slow-shutdown",
]
"""The answers, in the order in which they are given."""


class Headline(msgspec.Struct, frozen=True):
    """One answer, and the stacks it was found on."""

    id: HeadlineId
    found: tuple[Stack, ...]
    ran: tuple[Stack, ...]


class _Question(msgspec.Struct, frozen=True):
    """A cell, and the words that make a headline true of a stack."""

    id: HeadlineId
    scenario: str
    surface: str
    words: frozenset[str]
    only: bool = False
    """Whether nothing else may have been seen."""


_QUESTIONS = (
    _Question(
        "cancelled-at-await",
        "idle",
        Surface.STREAM_END,
        frozenset({Word.CANCELLED_AT_AWAIT}),
        only=True,
    ),
    _Question("await-cut-short", "cleanup-await", Surface.CLEANUP, frozenset({"CancelledError"})),
    _Question(
        "late-under-backpressure",
        "backpressure",
        Surface.STREAM_END,
        LATE | {Word.COMPLETED, Word.REFERENCE_DROPPED},
    ),
    _Question(
        "completes-under-backpressure",
        "backpressure-busy",
        Surface.STREAM_END,
        frozenset({Word.COMPLETED}),
    ),
    _Question("blocks-the-event-loop", "firehose", Surface.LIVENESS, frozenset({Word.NO_ANSWER})),
    _Question(
        "endpoint-not-notified",
        "before-response",
        Surface.ENDPOINT,
        frozenset({Word.STILL_RUNNING}),
    ),
    _Question("slow-shutdown", "shutdown", Surface.EXIT, frozenset({Word.STILL_RUNNING})),
)


def headlines(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[Headline]:
    """The answers that any of these stacks gives."""
    answers = {question.id: _answer(outcomes, stacks, question) for question in _QUESTIONS}
    answers["handler-called"] = _handler_called(outcomes, stacks)
    answers["failure-looks-complete"] = _failure_looks_complete(outcomes, stacks)
    return [answers[name] for name in get_args(HeadlineId) if answers[name].ran]


def _answer(outcomes: Outcomes, stacks: Sequence[Stack], question: _Question) -> Headline:
    seen = {s: set(outcomes.conclusive(s, question.scenario, question.surface)) for s in stacks}
    ran = tuple(stack for stack in stacks if seen[stack])
    found = tuple(
        stack
        for stack in ran
        if (seen[stack] <= question.words if question.only else seen[stack] & question.words)
    )
    return Headline(question.id, found, ran)


def _handler_called(outcomes: Outcomes, stacks: Sequence[Stack]) -> Headline:
    def handler_saw(stack: Stack) -> bool:
        return any(
            is_exception(saw)
            for scenario in DISCONNECTS
            for saw in outcomes.saws(stack, scenario, Surface.HANDLER)
        )

    able = tuple(
        stack
        for stack in stacks
        if any(outcomes.conclusive(stack, scenario, Surface.HANDLER) for scenario in DISCONNECTS)
    )
    return Headline("handler-called", tuple(s for s in stacks if handler_saw(s)), able)


def _failure_looks_complete(outcomes: Outcomes, stacks: Sequence[Stack]) -> Headline:
    scenario = "error-mid-stream"
    failing = tuple(s for s in stacks if outcomes.conclusive(s, scenario, Surface.CLIENT))
    complete = tuple(
        stack
        for stack in failing
        if any(map(looks_complete, outcomes.saws(stack, scenario, Surface.CLIENT)))
    )
    return Headline("failure-looks-complete", complete, failing)


def same_events(outcomes: Outcomes) -> bool:
    """Whether every trial of `complete` delivered the same events to its client."""
    received = {
        trial.trial.received
        for of_stack in outcomes.stacks
        for trial in of_stack.of("complete")
        if trial.trial.failure is None
    }
    return len(received) == 1 and received != {()}
