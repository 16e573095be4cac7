"""A trace as people read it: one line an event, times counted from the hang-up."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from hangup.model.outcomes import ClassifiedTrial
from hangup.model.trace import CLIENT, Event, Trial
from hangup.model.vocabulary import Surface

SIGTERM = "the operator sends SIGTERM"
"""What a client that stays has seen, in place of its leaving."""
MANY = 12
"""A surface's events in a row are shown in full up to so many."""


def text(each: ClassifiedTrial) -> str:
    """The timeline and what was concluded from it."""
    lines = list(_lines(each.trial))
    lines.append("")
    width = max(map(len, each.saws), default=0) + 2
    lines += [f"{surface:{width}}{', '.join(saws)}" for surface, saws in each.saws.items()]
    return "\n".join(lines)


def _lines(trial: Trial) -> Iterator[str]:
    if trial.failure is not None:
        yield f"no answer: {trial.failure}: {trial.note}"
    zero_ns = trial.left_ns
    if zero_ns is None:
        zero_ns = trial.events[0].t_ns if trial.events else 0
    closed_ns = trial.closed_ns
    for event in _abridged(trial.events, trial.left_ns):
        if not isinstance(event, int) and closed_ns is not None and event.t_ns > closed_ns:
            yield _closing(closed_ns - zero_ns)
            closed_ns = None
        if isinstance(event, int):
            yield f"{'':>12}     … {event} more sends and events …"
            continue
        yield f"{(event.t_ns - zero_ns) / 1e6:12.2f} ms  {event.surface:22} {_said(event)}"
    if closed_ns is not None:
        yield _closing(closed_ns - zero_ns)


def _closing(after_ns: int) -> str:
    return f"{after_ns / 1e6:12.2f} ms  (all was shown, or the window closed)"


def _abridged(events: tuple[Event, ...], left_ns: int | None) -> Iterator[Event | int]:
    """The events; where something goes on sending, only the first and the last sends.

    Of what an upstream sends, those around the hang-up are shown too: it is from there on
    that they are sent for nobody.
    """
    sends = [i for i, event in enumerate(events) if event.surface == Surface.SEND]
    quiet = {i for i in _middle(sends) if events[i].saw is None}
    upstream = [
        i for i, e in enumerate(events) if e.surface == Surface.UPSTREAM and e.event == "sends"
    ]
    before = [i for i in upstream if left_ns is None or events[i].t_ns < left_ns]
    quiet.update(_middle(before), _middle(upstream[len(before) :]))
    skipped = 0
    for i, event in enumerate(events):
        if i in quiet:
            skipped += 1
            continue
        if skipped:
            yield skipped
            skipped = 0
        yield event


def _middle(places: Sequence[int]) -> Sequence[int]:
    """All but the first and the last of them, where there are many."""
    return places[MANY // 2 : -MANY // 2] if len(places) > MANY else ()


def _said(event: Event) -> str:
    said = {
        "begin": "begins",
        "end": "ends",
        "saw": "sees",
        "waiting": "waits",
        "dropped": "is about to be reclaimed",
        "collects": "collects its garbage, as the harness asked it to",
    }.get(event.event, event.event)
    stack_results: list[str | None]
    if event.surface == CLIENT and event.detail == SIGTERM:
        stack_results = ["is there when", event.detail]
    elif event.surface == CLIENT:
        stack_results = [said, event.detail, str(event.n) if event.n is not None else None]
    else:
        number = f"#{event.n}" if event.n is not None else None
        at = f"at {'an' if event.at == 'await' else 'a'} {event.at}" if event.at else None
        detail = f"({event.detail})" if event.detail else None
        saw = f"with {event.saw}" if event.event == "end" and event.saw else event.saw
        stack_results = [number, said, saw, at, detail]
    return " ".join(stack_result for stack_result in stack_results if stack_result)
