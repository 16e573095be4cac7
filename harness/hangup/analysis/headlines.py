"""What holds on all of some stacks, or on nearly all. Pure: outcomes in, data out.

A statement holds on a stack if every conclusive trial of every scenario that it is about says so;
a stack on which nothing conclusive is known of it is not counted.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Literal, get_args

import msgspec

from hangup.analysis.conditions import looks_complete
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.summary import FINISHED, LATE
from hangup.model.hazards import DISCONNECTS, NOTIFIED
from hangup.model.scenarios import ERRORS_IN_STREAM
from hangup.model.trace import Stack
from hangup.model.vocabulary import HANDLERS, Surface, Word, is_exception

HeadlineId = Literal[
    "cancelled-at-await",
    "all-ways-alike",
    "no-handler-called",
    "no-handler-for-cancellation",
    "background-runs",
    "await-cut-short",
    "shield-finishes",
    "endpoint-not-told",
    "blocks-the-event-loop",
    "slow-shutdown",
    "dependency-torn-down-after",
    "plain-generator-not-told",
    "upstream-closed",
    "failure-shows",
    "completes-under-backpressure",
]
"""The statements, in the order in which they are made."""

NEARLY_ALL = 0.75
"""The share of the stacks on which a statement has to hold to be made of nearly all."""


class Headline(msgspec.Struct, frozen=True):
    """A statement, the scenario that shows it best, and the stacks that it holds on."""

    id: HeadlineId
    scenario: str
    found: tuple[Stack, ...]
    ran: tuple[Stack, ...]

    @property
    def common(self) -> bool:
        """Whether it holds on all or nearly all."""
        return len(self.found) >= NEARLY_ALL * len(self.ran)


class _Seen(msgspec.Struct, frozen=True):
    """Something that holds if nothing but certain words was seen at a surface."""

    scenarios: tuple[str, ...]
    surface: str
    words: frozenset[str]

    def __call__(self, outcomes: Outcomes, stack: Stack) -> bool | None:
        saws = [s for n in self.scenarios for s in outcomes.conclusive(stack, n, self.surface)]
        return self.words.issuperset(saws) if saws else None


def _all_ways_alike(outcomes: Outcomes, stack: Stack) -> bool | None:
    """Whether a stream in the same state ends alike, whatever way the client leaves."""
    first, *others = (
        frozenset(outcomes.conclusive(stack, name, Surface.STREAM_END)) for name in _WAYS
    )
    known = [saws for saws in others if saws]
    if not first or len(known) < len(others):
        return None
    return NOTIFIED.issuperset(first) and all(saws == first for saws in known)


def _no_handler_called(outcomes: Outcomes, stack: Stack) -> bool | None:
    saws = [s for n in DISCONNECTS for h in HANDLERS for s in outcomes.conclusive(stack, n, h)]
    if not any(saw == Word.NOTHING or is_exception(saw) for saw in saws):
        return None
    return not any(is_exception(saw) for saw in saws)


def _failure_shows(outcomes: Outcomes, stack: Stack) -> bool | None:
    got = [s for n in ERRORS_IN_STREAM for s in outcomes.conclusive(stack, n, Surface.CLIENT)]
    return not any(map(looks_complete, got)) if got else None


_WAYS = ("idle", "idle-rst", "idle-timeout", "idle-half-close", "post")
"""The ways in which a client leaves a stream that is idle, a plain close first."""

_STATEMENTS: Mapping[HeadlineId, tuple[str, Callable[[Outcomes, Stack], bool | None]]] = {
    "cancelled-at-await": (
        "idle",
        _Seen(("idle",), Surface.STREAM_END, frozenset({Word.CANCELLED_AT_AWAIT})),
    ),
    "all-ways-alike": ("idle-rst", _all_ways_alike),
    "no-handler-called": ("backpressure", _no_handler_called),
    "no-handler-for-cancellation": (
        "plain-cancelled",
        _Seen(
            ("idle", "plain-cancelled"),
            Surface.HANDLER_CANCELLED,
            frozenset({Word.REJECTED, Word.UNREACHED}),
        ),
    ),
    "background-runs": (
        "idle",
        _Seen(("idle", "ticking"), Surface.BACKGROUND, frozenset({Word.FINISHED})),
    ),
    "await-cut-short": (
        "cleanup-await",
        _Seen(("cleanup-await",), Surface.CLEANUP, frozenset({"CancelledError"})),
    ),
    "shield-finishes": (
        "cleanup-anyio-shield",
        _Seen(("cleanup-anyio-shield",), Surface.CLEANUP, FINISHED),
    ),
    "endpoint-not-told": (
        "before-response",
        _Seen(("before-response",), Surface.ENDPOINT, frozenset({Word.STILL_RUNNING})),
    ),
    "blocks-the-event-loop": (
        "firehose",
        _Seen(("firehose",), Surface.LIVENESS, frozenset({Word.NO_ANSWER})),
    ),
    "slow-shutdown": (
        "shutdown",
        _Seen(("shutdown",), Surface.EXIT, frozenset({Word.STILL_RUNNING})),
    ),
    "dependency-torn-down-after": (
        "idle",
        _Seen(("idle", "ticking"), Surface.DEPENDENCY, frozenset({Word.FINISHED})),
    ),
    "plain-generator-not-told": (
        "sync",
        _Seen(("sync",), Surface.STREAM_END, LATE | {Word.COMPLETED, Word.REFERENCE_DROPPED}),
    ),
    "upstream-closed": ("relay", _Seen(("relay",), Surface.UPSTREAM, frozenset({Word.CLOSED}))),
    "failure-shows": ("error-mid-stream", _failure_shows),
    "completes-under-backpressure": (
        "backpressure-busy",
        _Seen(("backpressure-busy",), Surface.STREAM_END, frozenset({Word.COMPLETED})),
    ),
}


def headlines(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[Headline]:
    """What can be said of these stacks, whether it holds on any or not."""
    made = (_headline(outcomes, stacks, name) for name in get_args(HeadlineId))
    return [headline for headline in made if headline.ran]


def _headline(outcomes: Outcomes, stacks: Sequence[Stack], name: HeadlineId) -> Headline:
    scenario, holds = _STATEMENTS[name]
    answers = {stack: holds(outcomes, stack) for stack in stacks}
    return Headline(
        name,
        scenario,
        found=tuple(stack for stack, answer in answers.items() if answer),
        ran=tuple(stack for stack, answer in answers.items() if answer is not None),
    )
