"""What sees hang-ups that also sees errors, and what still runs after them. Pure.

A hang-up raises an alarm at a surface if a handler is called with an exception, a line is logged
as an error, an error is reported, or a span ends with one. What the same surface saw of ordinary
errors is its control: a silence is worth no more than what is heard otherwise.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hangup.analysis.conditions import reports_errors
from hangup.analysis.outcomes import Outcomes
from hangup.model.claim import ClaimVerdict, Ruling
from hangup.model.hazards import DISCONNECTS
from hangup.model.outcomes import Cell, ObservationCount
from hangup.model.trace import Stack
from hangup.model.variants import baseline_id
from hangup.model.vocabulary import FAILURES, Surface, Word, is_alarm

Observations = tuple[ObservationCount, ...]

IN_ENDPOINT: Mapping[str, str] = {
    Surface.HANDLER_APP_ERROR: "plain-app-error",
    Surface.HANDLER_CANCELLED: "plain-cancelled",
}
"""The control in which an endpoint raises what a handler is for, if not an ordinary error."""
IN_STREAM: Mapping[str, str] = {
    Surface.HANDLER_APP_ERROR: "app-error-mid-stream",
    Surface.HANDLER_CANCELLED: "",
}
"""The control in which a stream does; empty for none."""
PLAIN_ERROR, STREAM_ERROR = "plain-error", "error-mid-stream"
STILL_RUN = (Surface.DEPENDENCY, Surface.BACKGROUND)
"""What belongs to a request and is to be run whether or not its client leaves."""
ENDS_ITSELF = "complete"
"""The control in which nobody leaves."""
_NOT_LOOKED_AT = FAILURES | {Word.NOT_APPLICABLE}
_UNKNOWN = frozenset({Word.INCONCLUSIVE, Word.UNREACHED, Word.REJECTED})
"""The words of a surface that is not known to be in place."""
_WATCHING = (Surface.MIDDLEWARE, Surface.ERROR_REPORT, Surface.SPAN)


class Watch(msgspec.Struct, frozen=True, kw_only=True):
    """What a surface of a stack saw of ordinary errors and of hang-ups."""

    stack: Stack
    surface: str
    in_endpoint: Observations
    """Of an error that an endpoint raises."""
    in_stream: Observations
    """Of one that a stream raises after some events."""
    hang_ups: tuple[Observations, ...]
    """Of each hang-up in which it is known what it saw."""
    unknown: Observations = ()
    """Of the first one in which it is not, if it is known of none."""

    @property
    def alarms(self) -> tuple[Observations, ...]:
        """The hang-ups that it took for errors, in any trial."""
        return tuple(seen for seen in self.hang_ups if any(is_alarm(o.saw) for o in seen))

    @property
    def silent(self) -> bool:
        """Whether it is known to be in place and took none for an error."""
        return bool(self.hang_ups) and not self.alarms


class StillRun(msgspec.Struct, frozen=True, kw_only=True):
    """What became of something that belongs to a request."""

    stack: Stack
    surface: str
    by_itself: Observations
    """Where nobody left."""
    hang_ups: tuple[Observations, ...]
    """After each hang-up of which it is known."""


def watches(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[Watch]:
    """For every stack, what sees errors in it; of a variant, what its baseline has not."""
    return [
        watch
        for stack in stacks
        for surface in _own(outcomes, stack)
        if (watch := _watch(outcomes, stack, surface)) is not None
    ]


def _own(outcomes: Outcomes, stack: Stack) -> list[str]:
    """The surfaces that see errors and that the stack's baseline, if it was run, has not."""
    found = _surfaces(outcomes, stack)
    baseline = msgspec.structs.replace(
        stack, app=baseline_id(stack.app), server=baseline_id(stack.server)
    )
    if baseline == stack or baseline not in {of.stack for of in outcomes.stacks}:
        return found
    return [surface for surface in found if surface not in _surfaces(outcomes, baseline)]


def _surfaces(outcomes: Outcomes, stack: Stack) -> list[str]:
    scenarios = (*DISCONNECTS, PLAIN_ERROR)
    every = {s for name in scenarios for s in outcomes.surfaces(name, [stack])}
    return [
        surface
        for surface in every
        if (reports_errors(surface) or surface in _WATCHING)
        and any(
            saw != Word.NOT_APPLICABLE
            for name in scenarios
            for saw in outcomes.saws(stack, name, surface)
        )
    ]


def _watch(outcomes: Outcomes, stack: Stack, surface: str) -> Watch | None:
    in_stream = IN_STREAM.get(surface, STREAM_ERROR)
    known, unknown = _after_hang_ups(outcomes, stack, surface)
    if not known and not unknown:
        return None
    return Watch(
        stack=stack,
        surface=surface,
        in_endpoint=outcomes[Cell(stack, IN_ENDPOINT.get(surface, PLAIN_ERROR), surface)],
        in_stream=outcomes[Cell(stack, in_stream, surface)] if in_stream else (),
        hang_ups=known,
        unknown=() if known else unknown[0],
    )


def _after_hang_ups(
    outcomes: Outcomes, stack: Stack, surface: str
) -> tuple[tuple[Observations, ...], tuple[Observations, ...]]:
    """What it saw of the hang-ups of which that is known, and of those of which it is not."""
    seen = [outcomes[Cell(stack, scenario, surface)] for scenario in DISCONNECTS]
    looked_at = [s for s in seen if any(o.n and o.saw not in _NOT_LOOKED_AT for o in s)]
    unknown = [s for s in looked_at if all(o.saw in _UNKNOWN | _NOT_LOOKED_AT for o in s)]
    return tuple(s for s in looked_at if s not in unknown), tuple(unknown)


def still_run(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[StillRun]:
    """What became of what belongs to a request, on the stacks that have it."""
    found = (
        StillRun(
            stack=stack,
            surface=surface,
            by_itself=outcomes[Cell(stack, ENDS_ITSELF, surface)],
            hang_ups=_after_hang_ups(outcomes, stack, surface)[0],
        )
        for surface in STILL_RUN
        for stack in stacks
    )
    return [one for one in found if one.hang_ups]


class TornDown(msgspec.Struct, frozen=True, kw_only=True):
    """When dependencies with `yield` are torn down after a hang-up, by stack."""

    after_stream: tuple[Stack, ...]
    """After the stream has ended, in every trial."""
    before_stream: tuple[Stack, ...]
    """Before it begins, in every trial."""
    otherwise: tuple[Stack, ...]


def torn_down(
    verdicts: Iterable[ClaimVerdict], stacks: Sequence[Stack], scenario: str
) -> TornDown | None:
    """When it was in a scenario; None if there is no trial that says it."""
    rulings: dict[Stack, dict[str, Ruling]] = defaultdict(dict)
    for verdict in verdicts:
        for case in verdict.run:
            if case.scenario == scenario and verdict.claim in (_AFTER, _BEFORE):
                rulings[verdict.stack][verdict.claim] = case.ruling
    decided = {
        stack: rulings[stack]
        for stack in stacks
        if any(ruling in _DECIDED for ruling in rulings[stack].values())
    }
    by_claim = {
        claim: tuple(s for s, of in decided.items() if of.get(claim) == Ruling.CONFIRMED)
        for claim in (_AFTER, _BEFORE)
    }
    rest = set(decided) - set(by_claim[_AFTER]) - set(by_claim[_BEFORE])
    if not decided:
        return None
    return TornDown(
        after_stream=by_claim[_AFTER],
        before_stream=by_claim[_BEFORE],
        otherwise=tuple(stack for stack in decided if stack in rest),
    )


_AFTER, _BEFORE = "dependency-outlives-the-stream", "dependency-ends-before-the-stream"
"""The claims that say when."""
_DECIDED = (Ruling.CONFIRMED, Ruling.REFUTED, Ruling.MIXED)
