"""A trace, classified: what each surface saw. Pure: trials in, observations out.

The rules read events as `harness/hangup/agent/probe.py` writes them. `observations` classifies one
trial by itself; whether a handler's silence means anything depends on the other trials of
its stack, which is what `classify` adds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from hangup.model.outcomes import ClassifiedTrial, Observation, Saws
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID, fits
from hangup.model.trace import COLLECTS, Event, StackResult, Trial
from hangup.model.vocabulary import HANDLERS, HOOK, OPTIONAL, Surface, Word, is_exception

_STREAMS = (Surface.STREAM, Surface.STREAM_END, Surface.SOURCE, Surface.BACKGROUND)
"""The surfaces that a request has only if it asks for a stream."""

_OF_RECIPES = (Surface.SOURCE, Surface.ASGI, Surface.SERVER_LOG, Surface.CLEANUP)

ORDINARY_ERROR = "plain-error"
_CONTROL_OF = {
    Surface.HANDLER: ORDINARY_ERROR,
    Surface.HANDLER_APP_ERROR: "plain-app-error",
    Surface.HANDLER_CANCELLED: "plain-cancelled",
    Surface.BACKGROUND: "complete",
}
"""The control that must reach a surface: for a handler, the one that raises in a plain endpoint
exactly what it is registered for; for what is not named, an ordinary error has to do."""

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

_ASKED_AFTERWARDS = (Surface.CLIENT, Surface.LIVENESS, Surface.EXIT)
_GENERATORS = (Surface.STREAM, Surface.SOURCE, Surface.ENDPOINT)
"""What may be a generator; an endpoint is one in some frameworks."""


def outcomes(stack_result: StackResult) -> tuple[Observation, ...]:
    """All observations of a stack, sorted."""
    counts: Counter[tuple[str, str, str]] = Counter()
    trials: Counter[str] = Counter()
    for each in classify(stack_result):
        scenario = each.trial.scenario
        trials[scenario] += 1
        counts.update(
            (scenario, surface, saw) for surface, saws in each.saws.items() for saw in set(saws)
        )
    # What only thorough runs have was not even asked of others.
    thorough = any(BY_ID[scenario].thorough for scenario in trials)
    for lacking in BY_ID.values():
        if lacking.thorough and not thorough:
            continue
        if not fits(lacking, stack_result.surfaces, stack_result.unsupported):
            for surface in surfaces_of(lacking, stack_result.surfaces):
                counts[lacking.id, surface, Word.NOT_APPLICABLE] = 0
    return tuple(
        sorted(
            Observation(
                stack=stack_result.stack,
                scenario=scenario_id,
                surface=surface,
                saw=str(saw),
                n=n,
                of=trials[scenario_id],
            )
            for (scenario_id, surface, saw), n in counts.items()
        )
    )


def classify(stack_result: StackResult) -> list[ClassifiedTrial]:
    """Every trial of a stack with its observations; a silence counts only where it is earned."""
    known = [trial for trial in stack_result.trials if trial.scenario in BY_ID]
    alone = [observations(trial, BY_ID[trial.scenario], stack_result.surfaces) for trial in known]
    in_place = {
        surface
        for saws_by_surface in alone
        for surface, saws in saws_by_surface.items()
        if any(is_exception(saw) or saw in _IN_PLACE for saw in saws)
    }
    controls = {trial.scenario for trial in known if trial.failure is None}
    logged = _with_unattributed(stack_result)

    def earned(scenario: str, surface: str, saw: str) -> str:
        silent = saw in (Word.NOTHING, Word.DID_NOT_RUN)
        if silent and surface == Surface.SERVER_LOG and scenario in logged:
            return Word.INCONCLUSIVE
        if not silent or not _must_be_proven(surface) or surface in in_place:
            return saw
        if surface in stack_result.rejected_registrations:
            return Word.REJECTED
        control = next((c for s, c in _CONTROL_OF.items() if s == surface), ORDINARY_ERROR)
        return Word.UNREACHED if control in controls else Word.INCONCLUSIVE

    return [
        ClassifiedTrial(
            trial=trial,
            saws={
                surface: tuple(earned(trial.scenario, surface, saw) for saw in saws)
                for surface, saws in saws_by_surface.items()
            },
        )
        for trial, saws_by_surface in zip(known, alone, strict=True)
    ]


def _with_unattributed(stack_result: StackResult) -> frozenset[str]:
    """The scenarios of which a line in the server's log may be that no trial is known for.

    Such a line is kept under the first of the scenarios that ran at once.
    """
    named = {line.partition(":")[0] for line in stack_result.unattributed}
    groups = {BY_ID[name].group for name in named & BY_ID.keys()} - {""}
    return frozenset(named | {s.id for s in BY_ID.values() if s.group in groups})


def surfaces_of(scenario: Scenario, declared: Iterable[str]) -> tuple[str, ...]:
    """The surfaces a scenario is looked at on, in the vocabulary's order."""
    if scenario.kind == "recipe":
        # A recipe's stream is bare of probes; what is asked is what came of its clean-up.
        return (
            *_OF_RECIPES,
            Surface.EXIT if scenario.disconnect == "sigterm" else Surface.LIVENESS,
        )
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
    if scenario.script.cleanup:
        surfaces.append(Surface.CLEANUP)
    if scenario.relays:
        surfaces.insert(surfaces.index(Surface.SOURCE) + 1, Surface.UPSTREAM)
    if scenario.script.polls:
        surfaces.append(Surface.IS_DISCONNECTED)
    if scenario.disconnect in ("stays", "sigterm"):
        surfaces.append(Surface.CLIENT)
    surfaces.append(Surface.EXIT if scenario.disconnect == "sigterm" else Surface.LIVENESS)
    plain = scenario.path == "/plain"
    return tuple(s for s in surfaces if not (plain and s in _STREAMS))


def observations(trial: Trial, scenario: Scenario, declared: Iterable[str]) -> Saws:
    """What every surface saw in one trial, taken by itself."""
    declared = frozenset(declared)
    trial = msgspec.structs.replace(
        trial, events=tuple(e for e in trial.events if _within_window(e, trial.closed_ns))
    )
    collected_ns = next((e.t_ns for e in trial.events if e.event == COLLECTS), None)
    sent_lately = _sent_lately(trial)
    saws: dict[str, tuple[str, ...]] = {}
    for surface in surfaces_of(scenario, declared):
        events = [event for event in trial.events if event.surface == surface]
        if surface in OPTIONAL and surface not in declared:
            saws[surface] = (Word.NOT_APPLICABLE,)
        elif trial.failure is not None:
            saws[surface] = (trial.failure,)
        elif surface == Surface.CLIENT:
            saws[surface] = (trial.got or "",)
        elif surface == Surface.STREAM:
            saws[surface] = _thrown(events, collected_ns)
        elif surface == Surface.STREAM_END:
            stream = [event for event in trial.events if event.surface == Surface.STREAM]
            saws[surface] = (_end_of_stream(stream, trial.left_ns, collected_ns, sent_lately),)
        elif surface == Surface.SOURCE:
            saws[surface] = _source(events, trial.left_ns, collected_ns, sent_lately)
            # Nobody but the app's own tasks knows whether one that relays is still read from.
            if scenario.relays and saws[surface] == (Word.SUSPENDED,):
                saws[surface] = (Word.SUSPENDED_OR_RUNNING,)
        elif surface == Surface.UPSTREAM:
            saws[surface] = (_upstream(events, trial.left_ns),)
        elif surface == Surface.RECEIVE:
            saws[surface] = (_receive(events, trial.left_ns),)
        elif surface == Surface.SEND:
            saws[surface] = _send(events, trial.left_ns, _disconnect_ns(trial), sent_lately)
        elif surface in (Surface.LIVENESS, Surface.EXIT):
            saws[surface] = tuple(event.saw or "" for event in events)
        elif surface in (*HANDLERS, Surface.SERVER_LOG) or surface.startswith(HOOK):
            saws[surface] = _moments(events, trial.left_ns)
        elif surface == Surface.CLEANUP:
            stream = [event for event in trial.events if event.surface == Surface.STREAM]
            saws[surface] = (_cleanup(events, trial, _garbage_ns(stream, collected_ns)),)
        elif surface == Surface.IS_DISCONNECTED:
            saws[surface] = (_asked(events),)
        else:
            # An endpoint that is a generator goes with the stream that it holds.
            held = [e for e in trial.events if e.surface == Surface.STREAM]
            garbage_ns = _garbage_ns(held, collected_ns)
            saws[surface] = (_span(events, trial.left_ns, garbage_ns),)
    if Word.NO_ANSWER in saws.get(Surface.LIVENESS, ()):
        # Something spins, and it may be what has not been heard of.
        for surface in (Surface.STREAM_END, Surface.SOURCE):
            if saws.get(surface) == (Word.SUSPENDED,):
                saws[surface] = (Word.SUSPENDED_OR_RUNNING,)
    ran = saws.get(Surface.STREAM_END) == (Word.COMPLETED,)
    if ran and saws.get(Surface.IS_DISCONNECTED) == (Word.RETURNED_TRUE,):
        saws[Surface.STREAM_END] = (Word.ENDED_ITSELF,)
    around = saws.get(Surface.ENDPOINT) == (Word.STILL_RUNNING,)
    if around and saws.get(Surface.STREAM_END) == (Word.SUSPENDED,):
        # An endpoint that is open around its stream is a generator, and stands where it does.
        saws[Surface.ENDPOINT] = (Word.SUSPENDED,)
    return saws


def _within_window(event: Event, closed_ns: int | None) -> bool:
    """Whether an event counts: what comes later is the harness's own doing, or too late.

    Generators that the collector closes, when the harness has had the process collect, say
    what they were until then.
    """
    if closed_ns is None or event.t_ns <= closed_ns or event.surface in _ASKED_AFTERWARDS:
        return True
    collected = event.saw == "GeneratorExit" or event.event == "dropped"
    called_for = event.surface == Surface.CLEANUP and event.event == "saw"
    return event.event == COLLECTS or (collected and (event.surface in _GENERATORS or called_for))


def _must_be_proven(surface: str) -> bool:
    return surface in OPTIONAL or surface == Surface.SERVER_LOG or surface.startswith(HOOK)


def _garbage_ns(events: Sequence[Event], collected_ns: int | None) -> int | None:
    """Since when whatever comes into a generator is thrown by the garbage collector alone."""
    times = [event.t_ns for event in events if event.event == "dropped"]
    if collected_ns is not None:
        times.append(collected_ns)
    return min(times, default=None)


def _by_collector(event: Event, garbage_ns: int | None) -> bool:
    late = garbage_ns is not None and event.t_ns >= garbage_ns
    return late and event.saw == "GeneratorExit"


def _thrown(events: Sequence[Event], collected_ns: int | None) -> tuple[str, ...]:
    """What was thrown into a generator, each kind once."""
    garbage_ns = _garbage_ns(events, collected_ns)
    seen = dict.fromkeys(
        str(Word.GARBAGE_COLLECTED) if _by_collector(event, garbage_ns) else event.saw
        for event in events
        if event.saw is not None
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


def _end_of_stream(
    events: Sequence[Event], left_ns: int | None, collected_ns: int | None, sent_lately: bool
) -> Word:
    if not any(event.event == "begin" for event in events):
        return Word.NEVER_STARTED
    end = next((event for event in events if event.event == "end"), None)
    if end is None:
        told_of_it = any(event.event == "saw" for event in events)
        return Word.STILL_RUNNING if sent_lately or told_of_it else Word.SUSPENDED
    told = next((event for event in events if event.event == "saw"), end)
    if end.saw is None:
        if told is not end:
            return Word.SWALLOWED
        if left_ns is None:
            return Word.FINISHED
        return Word.ALREADY_FINISHED if end.t_ns < left_ns else Word.COMPLETED
    if _by_collector(told, _garbage_ns(events, collected_ns)):
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


def _source(
    events: Sequence[Event], left_ns: int | None, collected_ns: int | None, sent_lately: bool
) -> tuple[str, ...]:
    if not any(event.event == "begin" for event in events):
        return (Word.DID_NOT_RUN,)
    end = next((event for event in events if event.event == "end"), None)
    if end is None:
        return (Word.STILL_RUNNING if sent_lately else Word.SUSPENDED,)
    if end.saw is not None:
        return _thrown(events, collected_ns)
    # It may be read ahead of the stream, by a task with a queue between the two.
    early = left_ns is not None and end.t_ns < left_ns
    return (Word.ALREADY_FINISHED if early else Word.FINISHED,)


def _upstream(events: Sequence[Event], left_ns: int | None) -> Word:
    """What the server that the stream relays saw of its connection."""
    if not any(event.event == "accepts" for event in events):
        return Word.DID_NOT_RUN
    closed_ns = upstream_closed_ns(events)
    if closed_ns is None:
        return Word.STILL_OPEN
    return Word.ALREADY_CLOSED if left_ns is not None and closed_ns < left_ns else Word.CLOSED


def upstream_closed_ns(events: Iterable[Event]) -> int | None:
    """When the last connection to the upstream server was closed; None if one is open."""
    seen = [event for event in events if event.surface == Surface.UPSTREAM]
    closed = [event.t_ns for event in seen if event.event == "closed"]
    still = sum(event.event == "accepts" for event in seen) - len(closed)
    return None if still else max(closed, default=None)


def _cleanup(events: Sequence[Event], trial: Trial, garbage_ns: int | None) -> str:
    """How the clean-up came out, and whether anybody was there to wait for it."""
    if any(event.event == "saw" and _by_collector(event, garbage_ns) for event in events):
        return Word.GARBAGE_COLLECTED
    came_out = _span(events, trial.left_ns, None)
    gone_ns = next(
        (e.t_ns for e in trial.events if e.surface == Surface.ASGI and e.event == "end"), None
    )
    ended_ns = next((e.t_ns for e in events if e.event == "end"), None)
    if came_out == Word.FINISHED and gone_ns is not None and ended_ns and ended_ns > gone_ns:
        return Word.FINISHED_AFTER_APP
    return came_out


def _asked(events: Sequence[Event]) -> str:
    """What a stream was told that asked whether its client had gone."""
    if not any(event.event == "begin" for event in events):
        return Word.DID_NOT_RUN
    told = next((event.saw for event in events if event.saw is not None), None)
    return told or Word.NEVER_TRUE


def _span(events: Sequence[Event], left_ns: int | None, garbage_ns: int | None) -> str:
    """How something with a beginning and an end came out."""
    if not any(event.event == "begin" for event in events):
        return Word.DID_NOT_RUN
    end = next((event for event in events if event.event == "end"), None)
    if end is None:
        return Word.STILL_RUNNING
    if end.saw is not None:
        # An endpoint may be a generator: then the collector can be what ends it.
        return Word.GARBAGE_COLLECTED if _by_collector(end, garbage_ns) else end.saw
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
    return Word.NOTHING if begun > ended else Word.NOT_AWAITED


def _disconnect_ns(trial: Trial) -> int | None:
    """When `receive()` returned the disconnect message for a client that had left."""
    if trial.left_ns is None:
        return None
    return next(
        (
            event.t_ns
            for event in trial.events
            if event.surface == Surface.RECEIVE
            and event.saw == Word.DISCONNECT
            and event.t_ns >= trial.left_ns
        ),
        None,
    )


def _send(
    events: Sequence[Event], left_ns: int | None, known_ns: int | None, sent_lately: bool
) -> tuple[str, ...]:
    """What became of the sends that had to do with the hang-up.

    These are the sends begun when the server had given the app the disconnect (`known_ns`)
    or, if it never did, when the client had left; and those that were under way then. One
    that was on its way out while the client was leaving says nothing, and neither does the
    last one of a stream that is still sending when the window closes.
    """
    since_ns = known_ns or left_ns or 0
    ended = {event.n: event for event in events if event.event == "end"}
    seen = dict.fromkeys(
        event.saw or str(Word.RETURNED) for event in ended.values() if event.t_ns >= since_ns
    )
    unended = any(event.event == "begin" and event.n not in ended for event in events)
    if unended and not sent_lately:
        seen[Word.SEND_SUSPENDED] = None
    return tuple(seen) or (Word.NOT_CALLED,)


def all_outcomes(stack_results: Sequence[StackResult]) -> list[Observation]:
    """The observations of all stacks, sorted."""
    return sorted(
        observation for stack_result in stack_results for observation in outcomes(stack_result)
    )
