"""What is seen of disconnects beside the stream. Pure: outcomes in, data out."""

from __future__ import annotations

from collections import defaultdict

import msgspec

from hangup.analysis.conditions import reports_errors
from hangup.analysis.outcomes import Outcomes
from hangup.model.hazards import DISCONNECTS
from hangup.model.trace import Stack
from hangup.model.vocabulary import OPEN, Surface, Word, is_exception

LATE = OPEN | {Word.GARBAGE_COLLECTED}
"""How a stream is found that nothing ended within the window but the garbage collector."""
FINISHED = frozenset({Word.FINISHED, Word.FINISHED_AFTER_APP})
"""How a clean-up came out that was run to its end."""


class Among(msgspec.Struct, frozen=True):
    """Some of the scenarios that were run."""

    found: tuple[str, ...]
    ran: tuple[str, ...]


class SeenBy(msgspec.Struct, frozen=True):
    """A surface that saw something of disconnects, and in which scenarios."""

    surface: str
    scenarios: Among


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


def same_events(outcomes: Outcomes) -> bool:
    """Whether every trial of `complete` delivered the same events to its client."""
    received = {
        trial.trial.received
        for of_stack in outcomes.stacks
        for trial in of_stack.of("complete")
        if trial.trial.failure is None
    }
    return len(received) == 1 and received != {()}
