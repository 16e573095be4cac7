"""A trace as people read it: one line an event, times counted from the client's leaving."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hangup.model.outcomes import Outcome
from hangup.model.process import (
    ENDED,
    HARNESS,
    KILLED,
    LINES_LOST,
    PAUSED,
    PROCESS,
    STOPPED,
    WORKER_VANISHED,
)
from hangup.model.trace import CLIENT, COLLECTS, DECLARES, REJECTED, SIGNALS, Event, Trial
from hangup.model.vocabulary import Surface, Word
from hangup.report.observations import in_words

OPERATOR = "operator"
"""Who sends the signals, in place of the surface."""
_SIGNALLED = "the operator sends "
"""How the signal of an older trace is recorded: as what the client saw in place of its leaving."""
MANY = 12
"""A surface's events in a row are shown in full up to so many."""
_REPETITIVE = (Surface.SEND, Surface.RECEIVE)

_VERBS: Mapping[str, str] = {
    "begin": "begins",
    "end": "ends",
    "saw": "sees",
    "waiting": "waits",
    "dropped": "is about to be finalised:",
    DECLARES: "declares the ASGI spec version",
    PAUSED: "does not run",
    STOPPED: "is stopped",
    LINES_LOST: "loses lines of its trace:",
    ENDED: "ends",
    KILLED: "is ended by",
    WORKER_VANISHED: "that serves the app ends, and not in order",
    COLLECTS: "collects its garbage, as the harness asked it to",
    REJECTED: "is rejected",
}
"""What an event is called; one that is not here is called what it is."""


class Line(msgspec.Struct, frozen=True):
    """A line of a timeline: what was observed where, and when."""

    after_ns: int | None
    """Since the client left; None where the line is about no one moment."""
    surface: str
    """Empty where the line is about the trial."""
    words: str
    indented: bool = False
    """Whether it stands among those with a time."""


def text(trial: Outcome) -> str:
    """The timeline and what was concluded from it."""
    applicable = {
        surface: saws for surface, saws in trial.saws.items() if saws != (Word.NOT_APPLICABLE,)
    }
    width = max(map(len, applicable), default=0) + 2
    lines = [*map(_as_text, timeline(trial.trial)), ""]
    for surface, saws in applicable.items():
        words = (in_words(saw, surface, trial.trial.scenario) for saw in saws)
        lines.append(f"{surface:{width}}{', '.join(words)}")
    return "\n".join(lines)


def _as_text(line: Line) -> str:
    if line.after_ns is None:
        return f"{'':>12}     {line.words}" if line.indented else line.words
    surface = f"{line.surface:22} " if line.surface else ""
    return f"{line.after_ns / 1e6:12.2f} ms  {surface}{line.words}"


def timeline(trial: Trial) -> Iterator[Line]:
    """What was observed in a trial, in order; of many calls only the first and the last ones."""
    if trial.failure is not None:
        yield Line(None, "", f"inconclusive: {trial.failure}: {trial.note}")
    zero_ns = trial.left_ns
    if zero_ns is None:
        zero_ns = trial.events[0].t_ns if trial.events else 0
    closed_ns = trial.closed_ns
    for event in _abridged(trial.events, trial.left_ns):
        if isinstance(event, int):
            yield Line(None, "", f"… {event} more …", indented=True)
            continue
        if closed_ns is not None and event.t_ns > closed_ns:
            yield _closing(closed_ns - zero_ns)
            closed_ns = None
        signal = _signal(event)
        surface, words = (event.surface, _in_words(event)) if signal is None else (OPERATOR, signal)
        yield Line(event.t_ns - zero_ns, surface, words)
    if closed_ns is not None:
        yield _closing(closed_ns - zero_ns)
    if trial.omitted_events:
        words = f"({trial.omitted_events} events of send() and receive() were not kept)"
        yield Line(None, "", words, indented=True)


def _closing(after_ns: int) -> Line:
    return Line(after_ns, "", "(everything had ended, or the window closed)")


def _abridged(events: Sequence[Event], left_ns: int | None) -> Iterator[Event | int]:
    """The events; of many calls of `send()` and `receive()` only the first and the last ones.

    Of what an upstream sends, those around the client's leaving are shown too: it is from
    there on that they are sent in vain.
    """
    skipped = {
        i
        for surface in _REPETITIVE
        for i in _middle([i for i, event in enumerate(events) if event.surface == surface])
        if events[i].saw in (None, "http.request")
    }
    upstream = [
        i for i, e in enumerate(events) if e.surface == Surface.UPSTREAM and e.event == "sends"
    ]
    before = [i for i in upstream if left_ns is None or events[i].t_ns < left_ns]
    skipped.update(_middle(before), _middle(upstream[len(before) :]))
    run = 0
    for i, event in enumerate(events):
        if i in skipped:
            run += 1
            continue
        if run:
            yield run
            run = 0
        yield event


def _middle(places: Sequence[int]) -> Sequence[int]:
    """All but the first and the last of them, where there are many."""
    return places[MANY // 2 : -MANY // 2] if len(places) > MANY else ()


def _signal(event: Event) -> str | None:
    """What the operator did, if that is what an event is."""
    detail = event.detail or ""
    if event.event == SIGNALS:
        return f"sends {detail}"
    older = event.surface == CLIENT and detail.startswith(_SIGNALLED)
    return f"sends {detail.removeprefix(_SIGNALLED)}" if older else None


def _in_words(event: Event) -> str:
    verb = _VERBS.get(event.event, event.event)
    words: list[str | None]
    if event.surface == CLIENT:
        words = [verb, event.detail, str(event.n) if event.n is not None else None]
    elif event.surface in (PROCESS, HARNESS):
        number = str(event.n) if event.n is not None and event.detail is None else None
        words = [_VERBS.get(event.event, event.event), number, event.saw]
        words += [f"({event.detail})" if event.detail else None]
    else:
        number = f"#{event.n}" if event.n is not None else None
        at = f"at {'an' if event.at == 'await' else 'a'} {event.at}" if event.at else None
        detail = f"({event.detail})" if event.detail else None
        saw = f"with {event.saw}" if event.event == "end" and event.saw else event.saw
        words = [number, verb, saw, at, detail]
    return " ".join(word for word in words if word)
