"""A trace, classified: what each surface saw. Pure: trials in, sightings out.

The rules read events as `apps/subject/probe.py` writes them. `sightings` classifies one
trial by itself; whether a handler's silence means anything depends on the other trials of
its stack, which is what `classify` adds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from harness.catalogue import BY_ID, Scenario
from harness.trace import Event, Part, Stack, Trial
from harness.vocabulary import HOOK, Surface, Word, is_exception

HANDLERS = (Surface.HANDLER, Surface.HANDLER_APP_ERROR, Surface.HANDLER_CANCELLED)
OPTIONAL = (Surface.DEPENDENCY, Surface.BACKGROUND, Surface.MIDDLEWARE, *HANDLERS)
"""The surfaces an app may have or not, hooks apart."""

_STREAMS = (Surface.STREAM, Surface.STREAM_END, Surface.SOURCE, Surface.BACKGROUND)
"""The surfaces that a request has only if it asks for a stream."""

ORDINARY_ERROR = "plain-error"
_CONTROL_OF = {
    Surface.HANDLER: ORDINARY_ERROR,
    Surface.HANDLER_APP_ERROR: "plain-app-error",
    Surface.HANDLER_CANCELLED: "plain-cancelled",
}
"""The control that raises, in a plain endpoint, exactly what a handler is registered for;
for all others an ordinary error has to do."""

_IN_PLACE = frozenset(
    {
        Word.FINISHED,
        Word.ALREADY_FINISHED,
        Word.STILL_RUNNING,
        Word.CALLED,
        Word.ALREADY_CALLED,
        Word.ERROR_LINE,
    }
)
"""The words that prove, as any exception does, that a surface is in place."""

Saws = Mapping[str, tuple[str, ...]]
"""What each surface saw, by surface, in the order it saw it."""


class Sighting(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """In `n` of `of` trials this surface saw this: a row of `outcomes.csv`."""

    stack: Stack
    scenario: str
    surface: str
    saw: str
    n: int
    of: int


class ClassifiedTrial(msgspec.Struct, frozen=True, kw_only=True):
    """A trial and what it comes to."""

    trial: Trial
    saws: Saws


def outcomes(part: Part) -> tuple[Sighting, ...]:
    """All sightings of a stack, sorted."""
    counts: Counter[tuple[str, str, str]] = Counter()
    trials: Counter[str] = Counter()
    for each in classify(part):
        scenario = each.trial.scenario
        trials[scenario] += 1
        counts.update(
            (scenario, surface, saw) for surface, saws in each.saws.items() for saw in set(saws)
        )
    for lacking in BY_ID.values():
        if lacking.needs in part.lacks:
            for surface in surfaces_of(lacking, part.surfaces):
                counts[lacking.id, surface, Word.NOT_APPLICABLE] = 0
    return tuple(
        sorted(
            Sighting(
                stack=part.stack,
                scenario=scenario_id,
                surface=surface,
                saw=str(saw),
                n=n,
                of=trials[scenario_id],
            )
            for (scenario_id, surface, saw), n in counts.items()
        )
    )


def classify(part: Part) -> list[ClassifiedTrial]:
    """Every trial of a stack with its sightings; a silence counts only where it is earned."""
    known = [trial for trial in part.trials if trial.scenario in BY_ID]
    alone = [sightings(trial, BY_ID[trial.scenario], part.surfaces) for trial in known]
    in_place = {
        surface
        for saws_by_surface in alone
        for surface, saws in saws_by_surface.items()
        if any(is_exception(saw) or saw in _IN_PLACE for saw in saws)
    }
    controls = {trial.scenario for trial in known if trial.failure is None}

    def earned(surface: str, saw: str) -> str:
        silent = saw in (Word.NOTHING, Word.DID_NOT_RUN)
        if not silent or not _must_be_proven(surface) or surface in in_place:
            return saw
        if surface in part.refused:
            return Word.REFUSED
        control = next((c for s, c in _CONTROL_OF.items() if s == surface), ORDINARY_ERROR)
        return Word.INERT if control in controls else Word.UNPROVEN

    return [
        ClassifiedTrial(
            trial=trial,
            saws={
                surface: tuple(earned(surface, saw) for saw in saws)
                for surface, saws in saws_by_surface.items()
            },
        )
        for trial, saws_by_surface in zip(known, alone, strict=True)
    ]


def surfaces_of(scenario: Scenario, declared: Iterable[str]) -> tuple[str, ...]:
    """The surfaces a scenario is looked at on, in the vocabulary's order."""
    surfaces: list[str] = [
        Surface.STREAM,
        Surface.STREAM_END,
        Surface.SOURCE,
        Surface.ENDPOINT,
        *OPTIONAL,
        *sorted(surface for surface in declared if surface.startswith(HOOK)),
        Surface.RECEIVE,
        Surface.SEND,
        Surface.ASGI,
        Surface.SERVER_LOG,
    ]
    if "cleanup" in scenario.script:
        surfaces.append(Surface.CLEANUP)
    surfaces.append(Surface.EXIT if scenario.leave == "sigterm" else Surface.LIVENESS)
    plain = scenario.path == "/plain"
    return tuple(s for s in surfaces if not (plain and s in _STREAMS))


def sightings(trial: Trial, scenario: Scenario, declared: Iterable[str]) -> Saws:
    """What every surface saw in one trial, taken by itself."""
    declared = frozenset(declared)
    saws: dict[str, tuple[str, ...]] = {}
    for surface in surfaces_of(scenario, declared):
        events = [event for event in trial.events if event.surface == surface]
        if surface in OPTIONAL and surface not in declared:
            saws[surface] = (Word.NOT_APPLICABLE,)
        elif trial.failure is not None:
            saws[surface] = (trial.failure,)
        elif surface == Surface.STREAM:
            saws[surface] = _thrown(events)
        elif surface == Surface.STREAM_END:
            stream = [event for event in trial.events if event.surface == Surface.STREAM]
            end = _end_of_stream(stream, trial.left_ns, sent_lately=_sent_lately(trial))
            saws[surface] = (end,)
        elif surface == Surface.SOURCE:
            saws[surface] = _source(events, sent_lately=_sent_lately(trial))
        elif surface == Surface.RECEIVE:
            saws[surface] = (_receive(events, trial.left_ns),)
        elif surface == Surface.SEND:
            saws[surface] = _send(events, trial.left_ns)
        elif surface in (Surface.LIVENESS, Surface.EXIT):
            saws[surface] = tuple(event.saw or "" for event in events)
        elif surface in (*HANDLERS, Surface.SERVER_LOG) or surface.startswith(HOOK):
            saws[surface] = _moments(events, trial.left_ns)
        else:
            saws[surface] = (_span(events, trial.left_ns),)
    return saws


def _must_be_proven(surface: str) -> bool:
    return surface in OPTIONAL or surface == Surface.SERVER_LOG or surface.startswith(HOOK)


def _dropped_ns(events: Sequence[Event]) -> int | None:
    """When the generator was about to be reclaimed."""
    return next((event.t_ns for event in events if event.event == "dropped"), None)


def _by_collector(event: Event, dropped_ns: int | None) -> bool:
    """Whether what came in was thrown by nobody but the garbage collector."""
    return dropped_ns is not None and event.t_ns >= dropped_ns


def _thrown(events: Sequence[Event]) -> tuple[str, ...]:
    """What was thrown into a generator, each kind once."""
    dropped_ns = _dropped_ns(events)
    thrown = [event for event in events if event.saw is not None and event.event != "refused"]
    seen = dict.fromkeys(
        str(Word.GARBAGE_COLLECTED) if _by_collector(event, dropped_ns) else event.saw or ""
        for event in thrown
    )
    return tuple(seen) or (Word.NOTHING,)


def _sent_lately(trial: Trial) -> bool:
    """Whether sends were still going through in the last quarter of the window."""
    if trial.closed_ns is None:
        return False
    since_ns = trial.closed_ns - (trial.closed_ns - (trial.left_ns or 0)) // 4
    return any(
        event.surface == Surface.SEND and event.event == "end" and event.t_ns >= since_ns
        for event in trial.events
    )


def _end_of_stream(events: Sequence[Event], left_ns: int | None, *, sent_lately: bool) -> Word:
    if not any(event.event == "begin" for event in events):
        return Word.NEVER_STARTED
    end = next((event for event in events if event.event == "end"), None)
    if end is None:
        return Word.STILL_RUNNING if sent_lately else Word.SUSPENDED
    told = next((event for event in events if event.event == "saw"), end)
    if end.saw is None:
        if told is not end:
            return Word.CARRIED_ON
        if left_ns is None:
            return Word.FINISHED
        return Word.ALREADY_FINISHED if end.t_ns < left_ns else Word.RAN_TO_END
    if _by_collector(told, _dropped_ns(events)):
        return Word.GARBAGE_COLLECTED
    match told.saw, told.at:
        case "CancelledError", "yield":
            return Word.CANCELLED_AT_YIELD
        case "CancelledError", _:
            return Word.CANCELLED_AT_AWAIT
        case "GeneratorExit", "yield":
            return Word.CLOSED_AT_YIELD
        case "GeneratorExit", _:
            return Word.CLOSED_AT_AWAIT
        case _:
            return Word.RAISED


def _source(events: Sequence[Event], *, sent_lately: bool) -> tuple[str, ...]:
    if not any(event.event == "begin" for event in events):
        return (Word.DID_NOT_RUN,)
    end = next((event for event in events if event.event == "end"), None)
    if end is None:
        return (Word.STILL_RUNNING if sent_lately else Word.SUSPENDED,)
    return (Word.FINISHED,) if end.saw is None else _thrown(events)


def _span(events: Sequence[Event], left_ns: int | None) -> str:
    """How something with a beginning and an end came out."""
    if not any(event.event == "begin" for event in events):
        return Word.DID_NOT_RUN
    end = next((event for event in events if event.event == "end"), None)
    if end is None:
        return Word.STILL_RUNNING
    if end.saw is not None:
        return end.saw
    if left_ns is not None and end.t_ns < left_ns:
        return Word.ALREADY_FINISHED
    return Word.FINISHED


def _moments(events: Sequence[Event], left_ns: int | None) -> tuple[str, ...]:
    """What a handler, a hook or the log saw, each kind once."""
    seen = dict.fromkeys(
        str(Word.ALREADY_CALLED)
        if event.saw == Word.CALLED and left_ns is not None and event.t_ns < left_ns
        else event.saw or ""
        for event in events
        if event.event == "saw"
    )
    return tuple(seen) or (Word.NOTHING,)


def _receive(events: Sequence[Event], left_ns: int | None) -> str:
    """What came out of the `receive()` that was awaited when the client left, or after."""
    since_ns = left_ns or 0
    came = [
        event.saw
        for event in events
        if event.event == "end" and event.t_ns >= since_ns and event.saw != "http.request"
    ]
    if came:
        return came[0] or ""
    begun = sum(event.event == "begin" for event in events)
    ended = sum(event.event == "end" for event in events)
    return Word.NOTHING if begun > ended else Word.NOT_ASKED


def _send(events: Sequence[Event], left_ns: int | None) -> tuple[str, ...]:
    """What became of the sends that were under way when the client left, or came after."""
    since_ns = left_ns or 0
    ended = [event for event in events if event.event == "end"]
    seen = dict.fromkeys(
        event.saw or str(Word.RETURNED) for event in ended if event.t_ns >= since_ns
    )
    unended = {e.n for e in events if e.event == "begin"} - {e.n for e in ended}
    if unended:
        seen[Word.SEND_SUSPENDED] = None
    return tuple(seen) or (Word.NOT_CALLED,)
