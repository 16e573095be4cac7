"""A trace, classified: what each surface saw in a trial. Pure: a trial in, words out.

The theory
----------
A trial's events are written by the agent in the server (`hangup.agent.probe` says what they
mean), by the client and by the upstream server, all on one clock. Two moments divide them:

`left_ns`
    the client left or, where it stays, the operator signalled. What ended before could not see
    it. Where the client leaves and the operator signals after that, what ended between the two
    has seen the one that this moment is, and what ended later may have seen either: every
    surface but one is asked what became of it since the client left. Only the exit is the
    signal's: its window begins with the signal, which the timeline shows.
`closed_ns`
    the window closed. What comes later is too late, or the harness's own doing: it then
    asks whether the server still answers and has the process collect its garbage. Only two
    kinds of later events count: the answers to what is asked then, and what the garbage
    collector throws into generators, which shows the state they were in until then; Python may
    begin such a collection by itself before the harness asks for it.

A surface is one of these kinds, and each kind has its rule:

span
    begins and ends (the endpoint, the app callable, middleware ...): how it ended.
generator
    a span that an exception can be thrown into while it is suspended: what was thrown, and
    where it stood (`await` or `yield`). A `GeneratorExit` after its object was about to be
    finalised is thrown by no code: it is there because the last reference went, or because a
    garbage collection found the object. The agent tells which; what comes after the process was
    asked to collect, or after the stream around it was found by a collection, is the
    collection's doing too. An event that does not tell, as older agents wrote it, counts as a
    collection.
moment
    called or not (a handler, a hook, a line of the log).
boundary
    `receive()` and `send()` of ASGI: the call that had to do with the disconnect.
answer
    said by the harness's own side: the client, the upstream server, liveness, exit.

A rule looks at one surface. Some words of a surface depend on another surface
(`_reconcile`), and whether the silence of a handler means anything depends on the
other trials of its stack (`earned_silences`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import cache, cached_property

from hangup.model.outcomes import Outcome, Saws
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID
from hangup.model.trace import COLLECTS, Event, StackResult, Trial
from hangup.model.vocabulary import HANDLERS, HOOK, OPTIONAL, Surface, Word, is_exception

_STREAMS = (Surface.STREAM, Surface.STREAM_END, Surface.SOURCE, Surface.BACKGROUND)
"""The surfaces that a request has only if it asks for a stream."""
_OF_RECIPES = (Surface.SOURCE, Surface.ASGI, Surface.SERVER_LOG, Surface.CLEANUP)
"""What is looked at of recipes: their streams have no probe in them, their clean-up has."""
_ASKED_AFTERWARDS = (Surface.CLIENT, Surface.LIVENESS, Surface.EXIT)
_GENERATORS = (Surface.STREAM, Surface.SOURCE, Surface.ENDPOINT)
"""What may be a generator; an endpoint is one in some frameworks."""

ORDINARY_ERROR = "plain-error"
"""The control in which a plain endpoint raises an ordinary error."""
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
        Word.ERROR_STATUS,
    }
)
"""The words that prove, as any exception does, that a surface is in place."""


def classify_trial(trial: Trial, scenario: Scenario, declared: Collection[str]) -> Saws:
    """What every surface saw in one trial, taken by itself.

    `declared` are the surfaces that the app has beyond those every app has.
    """
    seen = _Trace(trial, scenario)
    saws: dict[str, tuple[str, ...]] = {}
    for surface in surfaces_of(scenario.id, frozenset(declared)):
        if surface == Surface.EXIT and scenario.kind == "recipe" and not trial.alone:
            continue  # it is the exit of all streams that were open
        if surface in OPTIONAL and surface not in declared:
            saws[surface] = (Word.NOT_APPLICABLE,)
        elif trial.failure is not None:
            saws[surface] = (trial.failure,)
        else:
            saws[surface] = _rule_for(surface)(seen, seen.of(surface))
    return _reconcile(saws)


def classify(result: StackResult) -> list[Outcome]:
    """Every trial of a stack, classified; a silence counts only where it is earned."""
    return classify_trials(result, result.trials)


def classify_trials(
    result: StackResult, trials: Iterable[Trial], proving: Sequence[Outcome] = ()
) -> list[Outcome]:
    """Some trials of a stack, classified.

    Silences are earned by these trials and by those in `proving`. Trials of scenarios that
    there are no more are left out.
    """
    classified = [
        Outcome(trial=trial, saws=classify_trial(trial, BY_ID[trial.scenario], result.surfaces))
        for trial in trials
        if trial.scenario in BY_ID
    ]
    return earned_silences(result, classified, proving)


def earned_silences(
    result: StackResult,
    classified: Sequence[Outcome],
    proving: Sequence[Outcome] = (),
) -> list[Outcome]:
    """The trials, with every "nothing" replaced that no trial proves to mean anything."""
    every = (*classified, *proving)
    in_place = {
        surface
        for trial in every
        for surface, saws in trial.saws.items()
        if any(is_exception(saw) or saw in _IN_PLACE for saw in saws)
    }
    ran = {trial.trial.scenario for trial in every if trial.trial.failure is None}
    logged = _with_unattributed(result)

    def earned(scenario: str, surface: str, saw: str) -> str:
        silent = saw in (Word.NOTHING, Word.DID_NOT_RUN)
        if silent and surface == Surface.SERVER_LOG and scenario in logged:
            return Word.INCONCLUSIVE
        if not silent or not _must_be_proven(surface) or surface in in_place:
            return saw
        if surface in result.rejected_registrations:
            return Word.REJECTED
        control = next((c for s, c in _CONTROL_OF.items() if s == surface), ORDINARY_ERROR)
        return Word.UNREACHED if control in ran else Word.INCONCLUSIVE

    def earned_in(trial: Outcome, surface: str, saw: str) -> str:
        known = earned(trial.trial.scenario, surface, saw)
        # What runs in a blocked event loop could not have been called.
        blocked = Word.NO_ANSWER in trial.saws.get(Surface.LIVENESS, ())
        return Word.INCONCLUSIVE if known == Word.NOTHING and blocked else known

    return [
        Outcome(
            trial=trial.trial,
            saws={
                surface: tuple(earned_in(trial, surface, saw) for saw in saws)
                for surface, saws in trial.saws.items()
            },
        )
        for trial in classified
    ]


def _must_be_proven(surface: str) -> bool:
    return surface in OPTIONAL or surface == Surface.SERVER_LOG or surface.startswith(HOOK)


def _with_unattributed(result: StackResult) -> frozenset[str]:
    """The scenarios whose trials may have logged a line that is attributed to no trial.

    Such a line is kept under the first of the scenarios that ran at once.
    """
    named = {line.partition(":")[0] for line in result.unattributed}
    groups = {BY_ID[name].group for name in named & BY_ID.keys()} - {""}
    return frozenset(named | {s.id for s in BY_ID.values() if s.group in groups})


@cache
def surfaces_of(scenario_id: str, declared: frozenset[str]) -> tuple[str, ...]:
    """The surfaces that are looked at in a scenario, in the vocabulary's order.

    `declared` are the surfaces that the app has beyond those every app has.
    """
    scenario = BY_ID[scenario_id]
    last = Surface.EXIT if scenario.signal else Surface.LIVENESS
    if scenario.kind == "recipe":
        return (*_OF_RECIPES, last)
    asked = {
        Surface.UPSTREAM: scenario.relays,
        Surface.CLEANUP: bool(scenario.script.cleanup),
        Surface.IS_DISCONNECTED: scenario.script.polls,
        Surface.CLIENT: scenario.disconnect == "stays" and scenario.precondition != "stalled",
        Surface.LIVENESS: last is Surface.LIVENESS,
        Surface.EXIT: last is Surface.EXIT,
    }
    if scenario.path == "/plain":
        asked |= dict.fromkeys(_STREAMS, False)
    surfaces: list[str] = [surface for surface in Surface if asked.get(surface, True)]
    hooks = sorted(surface for surface in declared if surface.startswith(HOOK))
    after = surfaces.index(Surface.MIDDLEWARE) + 1
    return (*surfaces[:after], *hooks, *surfaces[after:])


# ---------------------------------------------------------------------------- the trace


class _Trace:
    """A trial's events that count, by surface, and the moments that rules refer to."""

    def __init__(self, trial: Trial, scenario: Scenario) -> None:
        self.trial = trial
        self.scenario = scenario
        self.left_ns = trial.left_ns
        self._collects = _first(trial.events, COLLECTS)
        """The process being asked to collect its garbage."""
        self._events: defaultdict[str, list[Event]] = defaultdict(list)
        for event in trial.events:
            if _counts(event, trial.closed_ns, self._collected_ns(event.surface)):
                self._events[event.surface].append(event)

    def of(self, surface: str) -> Sequence[Event]:
        """The events of a surface."""
        return self._events.get(surface, ())

    def _collected_ns(self, surface: str) -> int | None:
        """From when on a collection ends a generator, if one was asked for; see `closed_ns`."""
        if self._collects is None:
            return None
        own = (e.t_ns for e in self._collected_late if e.surface in (surface, Surface.STREAM))
        return min([self._collects.t_ns, *own])

    @cached_property
    def _collected_late(self) -> Sequence[Event]:
        """The generators that a collection has found after the window."""
        closed_ns = self.trial.closed_ns or 0
        dropped = (e for e in self.trial.events if e.event == "dropped" and e.t_ns > closed_ns)
        return [event for event in dropped if _reason(event) == Word.GARBAGE_COLLECTED]

    def finalization(self, surface: str) -> Event | None:
        """What began the finalisation of a generator: see "generator" in "The theory"."""
        own = _first(self.of(surface), "dropped")
        around = _first(self.of(Surface.STREAM), "dropped")
        reasons = [self._collects, own]
        if around is not None and _reason(around) == Word.GARBAGE_COLLECTED:
            reasons.append(around)
        return min(filter(None, reasons), key=lambda event: event.t_ns, default=None)

    @cached_property
    def sent_lately(self) -> bool:
        """Whether sends were still returning in the last quarter of the window."""
        closed_ns = self.trial.closed_ns
        if closed_ns is None:
            return False
        since_ns = closed_ns - (closed_ns - (self.left_ns or 0)) // 4
        sends = (e for e in self.of(Surface.SEND) if e.event == "end" and e.saw is None)
        return any(event.t_ns >= since_ns for event in sends)

    @cached_property
    def disconnect_ns(self) -> int | None:
        """When `receive()` returned the disconnect message for a client that had left."""
        left_ns = self.left_ns
        if left_ns is None:
            return None
        found = (
            event.t_ns
            for event in self.of(Surface.RECEIVE)
            if event.saw == Word.DISCONNECT and event.t_ns >= left_ns
        )
        return next(found, None)


def _counts(event: Event, closed_ns: int | None, collects_ns: int | None) -> bool:
    """Whether an event counts, see "The theory"."""
    if closed_ns is None or event.t_ns <= closed_ns or event.surface in _ASKED_AFTERWARDS:
        return True
    collected = event.saw == "GeneratorExit" or event.event == "dropped"
    called_for = event.surface == Surface.CLEANUP and event.event == "saw"
    if collects_ns is None or event.t_ns < collects_ns:
        return False
    return event.event == COLLECTS or (collected and (event.surface in _GENERATORS or called_for))


def _reason(finalization: Event) -> Word:
    """Why a generator was finalised."""
    dropped = finalization.saw == Word.REFERENCE_DROPPED
    return Word.REFERENCE_DROPPED if dropped else Word.GARBAGE_COLLECTED


def _by_finalization(event: Event, finalization: Event | None) -> Word | None:
    """Why the generator was finalised, if it was that which threw what an event saw."""
    if finalization is None or event.t_ns < finalization.t_ns or event.saw != "GeneratorExit":
        return None
    return _reason(finalization)


def _first(events: Iterable[Event], name: str) -> Event | None:
    return next((event for event in events if event.event == name), None)


# ---------------------------------------------------------------------------- generators


def _stream(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    return _thrown(events, trace.finalization(Surface.STREAM))


def _thrown(events: Sequence[Event], finalization: Event | None) -> tuple[str, ...]:
    """What was thrown into a generator, each kind once."""
    seen = dict.fromkeys(
        str(_by_finalization(event, finalization) or event.saw)
        for event in events
        if event.saw is not None and event.event != "dropped"
    )
    return tuple(seen) or (Word.NOTHING,)


def _stream_end(trace: _Trace, _: Sequence[Event]) -> tuple[str, ...]:
    return (_end_of_stream(trace, trace.of(Surface.STREAM)),)


_THROWN_AT = {
    ("CancelledError", "yield"): Word.CANCELLED_AT_YIELD,
    ("CancelledError", "await"): Word.CANCELLED_AT_AWAIT,
    ("GeneratorExit", "yield"): Word.CLOSED_AT_YIELD,
    ("GeneratorExit", "await"): Word.CLOSED_AT_AWAIT,
}
"""How a stream ended that something was thrown into, by what and where it stood."""


def _end_of_stream(trace: _Trace, events: Sequence[Event]) -> Word:
    if _first(events, "begin") is None:
        return Word.NEVER_STARTED
    end = _first(events, "end")
    notified = _first(events, "saw")
    if end is None:
        busy = trace.sent_lately or notified is not None
        return Word.STILL_RUNNING if busy else Word.SUSPENDED
    if end.saw is None:
        if notified is not None:
            return Word.SWALLOWED
        if trace.left_ns is None:
            return Word.FINISHED
        return Word.ALREADY_FINISHED if end.t_ns < trace.left_ns else Word.COMPLETED
    thrown = notified or end
    finalized = _by_finalization(thrown, trace.finalization(Surface.STREAM))
    if finalized is not None:
        return finalized
    # A plain generator is at a call where an asynchronous one is at an `await`.
    at = "yield" if thrown.at == "yield" else "await"
    return _THROWN_AT.get((thrown.saw or "", at), Word.RAISED)


def _source(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    if _first(events, "begin") is None:
        return (Word.DID_NOT_RUN,)
    end = _first(events, "end")
    if end is None:
        if trace.sent_lately:
            return (Word.STILL_RUNNING,)
        # Nobody but the app's own tasks knows whether one that relays is still read from.
        return (Word.SUSPENDED_OR_RUNNING if trace.scenario.relays else Word.SUSPENDED,)
    if end.saw is not None:
        return _thrown(events, trace.finalization(Surface.SOURCE))
    # It may be read ahead of the stream, by a task with a queue between the two.
    early = trace.left_ns is not None and end.t_ns < trace.left_ns
    return (Word.ALREADY_FINISHED if early else Word.FINISHED,)


# ---------------------------------------------------------------------------- spans


def _span(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    # An endpoint that is a generator is finalised with the stream that it holds.
    return (_end_of_span(trace, events, trace.finalization(Surface.STREAM)),)


def _end_of_span(trace: _Trace, events: Sequence[Event], finalization: Event | None) -> str:
    """How something with a beginning and an end came out."""
    if _first(events, "begin") is None:
        return Word.DID_NOT_RUN
    end = _first(events, "end")
    if end is None:
        return Word.STILL_RUNNING
    if end.saw is not None:
        return _by_finalization(end, finalization) or end.saw
    if trace.left_ns is not None and end.t_ns < trace.left_ns:
        return Word.ALREADY_FINISHED
    return Word.FINISHED


def _cleanup(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    """How the clean-up came out, and whether the app was there to wait for it."""
    finalization = trace.finalization(Surface.STREAM)
    called = (_by_finalization(event, finalization) for event in events if event.event == "saw")
    finalized = next(filter(None, called), None)
    if finalized is not None:
        return (finalized,)
    came_out = _end_of_span(trace, events, None)
    app, end = _first(trace.of(Surface.ASGI), "end"), _first(events, "end")
    if came_out == Word.FINISHED and app is not None and end is not None and end.t_ns > app.t_ns:
        return (Word.FINISHED_AFTER_APP,)
    return (came_out,)


# ---------------------------------------------------------------------------- moments


def _moments(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    """What a handler, a hook or the log saw, each kind once."""
    left_ns = trace.left_ns
    seen = dict.fromkeys(
        str(Word.ALREADY_CALLED)
        if event.saw == Word.CALLED and left_ns is not None and event.t_ns < left_ns
        else event.saw or ""
        for event in events
        if event.event == "saw"
    )
    return tuple(seen) or (Word.NOTHING,)


def _is_disconnected(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    """What `is_disconnected()` returned to a stream that polls."""
    if _first(events, "begin") is None:
        return (Word.DID_NOT_RUN,)
    answer = next((event.saw for event in events if event.saw is not None), None)
    return (answer or Word.NEVER_TRUE,)


# ---------------------------------------------------------------------------- the ASGI boundary


def _receive(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    """What came out of the `receive()` that was awaited when the client left, or after."""
    since_ns = trace.left_ns or 0
    came = [
        event.saw
        for event in events
        if event.event == "end" and event.t_ns >= since_ns and event.saw != "http.request"
    ]
    if came:
        return (came[0] or "",)
    begun = sum(event.event == "begin" for event in events)
    ended = sum(event.event == "end" for event in events)
    return (Word.NOTHING if begun > ended else Word.NOT_AWAITED,)


def _send(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    """What became of the sends that had to do with the disconnect.

    These are the sends called when the server had given the app the disconnect message or,
    if it never did, when the client had left; and those that had not returned then. One
    that was on its way out while the client was leaving says nothing, and neither does the
    last one of a stream that is still sending when the window closes.
    """
    since_ns = trace.disconnect_ns or trace.left_ns or 0
    ended = {event.n: event for event in events if event.event == "end"}
    seen = dict.fromkeys(
        event.saw or str(Word.RETURNED) for event in ended.values() if event.t_ns >= since_ns
    )
    unended = any(event.event == "begin" and event.n not in ended for event in events)
    if unended and not trace.sent_lately:
        seen[Word.SEND_SUSPENDED] = None
    return tuple(seen) or (Word.NOT_CALLED,)


# ---------------------------------------------------------------------------- answers


def _client(trace: _Trace, _: Sequence[Event]) -> tuple[str, ...]:
    return (trace.trial.got or "",)


def _answers(_: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    return tuple(event.saw or "" for event in events)


def _upstream(trace: _Trace, events: Sequence[Event]) -> tuple[str, ...]:
    """What the server that the stream relays saw of its connection."""
    if _first(events, "accepts") is None:
        return (Word.DID_NOT_RUN,)
    closed_ns = upstream_closed_ns(events)
    if closed_ns is None:
        return (Word.STILL_OPEN,)
    early = trace.left_ns is not None and closed_ns < trace.left_ns
    return (Word.ALREADY_CLOSED if early else Word.CLOSED,)


def upstream_closed_ns(events: Iterable[Event]) -> int | None:
    """When the last connection to the upstream server was closed; None if one is open.

    `events` are those of the upstream server.
    """
    closed, accepted = [], 0
    for event in events:
        if event.event == "closed":
            closed.append(event.t_ns)
        accepted += event.event == "accepts"
    return None if accepted != len(closed) else max(closed, default=None)


# ---------------------------------------------------------------------------- rules

_Rule = Callable[[_Trace, Sequence[Event]], tuple[str, ...]]

_RULES: Mapping[str, _Rule] = {
    Surface.STREAM: _stream,
    Surface.STREAM_END: _stream_end,
    Surface.SOURCE: _source,
    Surface.UPSTREAM: _upstream,
    Surface.ENDPOINT: _span,
    Surface.DEPENDENCY: _span,
    Surface.BACKGROUND: _span,
    Surface.MIDDLEWARE: _span,
    **dict.fromkeys(HANDLERS, _moments),
    Surface.RECEIVE: _receive,
    Surface.SEND: _send,
    Surface.ASGI: _span,
    Surface.SERVER_LOG: _moments,
    Surface.ERROR_REPORT: _moments,
    Surface.SPAN: _span,
    Surface.CLEANUP: _cleanup,
    Surface.IS_DISCONNECTED: _is_disconnected,
    Surface.CLIENT: _client,
    Surface.LIVENESS: _answers,
    Surface.EXIT: _answers,
}
"""The rule of every surface; a test checks that there is one for each."""


def _rule_for(surface: str) -> _Rule:
    return _moments if surface.startswith(HOOK) else _RULES[surface]


def _reconcile(saws: dict[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    """Set the words of a surface that depend on another surface."""
    end, suspended = saws.get(Surface.STREAM_END), (Word.SUSPENDED,)
    if Word.NO_ANSWER in saws.get(Surface.LIVENESS, ()):
        # The event loop is blocked, and by what has not ended, perhaps.
        for surface in (Surface.STREAM_END, Surface.SOURCE):
            if saws.get(surface) == suspended:
                saws[surface] = (Word.SUSPENDED_OR_RUNNING,)
    elif end == suspended and saws.get(Surface.ENDPOINT) == (Word.STILL_RUNNING,):
        # An endpoint that is open around its stream is a generator, suspended where that is.
        saws[Surface.ENDPOINT] = suspended
    answered = saws.get(Surface.IS_DISCONNECTED) == (Word.RETURNED_TRUE,)
    if end == (Word.COMPLETED,) and answered:
        saws[Surface.STREAM_END] = (Word.ENDED_ITSELF,)
    return saws
