"""What hurts in production, as data: adding a hazard is adding an entry."""

from __future__ import annotations

import msgspec

from hangup.model.conditions import (
    AN_EXCEPTION,
    All,
    Condition,
    LooksComplete,
    SawAny,
    Unreported,
)
from hangup.model.scenarios import ERRORS_IN_STREAM, SCENARIOS
from hangup.model.vocabulary import OPEN, Surface, Word


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """Something that hurts, and how a trial shows it."""

    id: str
    title: str
    meaning: str
    scenarios: tuple[str, ...]
    surface: str
    """Where it shows: the cell that the report leads to."""
    condition: Condition
    """One trial that confirms it is enough."""


# ---------------------------------------------------------------------------- scenarios

DISCONNECTS = tuple(s.id for s in SCENARIOS if s.kind == "disconnect")
CLEANUPS = tuple(s.id for s in SCENARIOS if s.kind != "recipe" and s.script.cleanup)
CONTROLS = tuple(s.id for s in SCENARIOS if s.kind == "control")
SHUTDOWNS = tuple(s.id for s in SCENARIOS if s.kind == "operator")
_ALL_BUT_RECIPES = tuple(s.id for s in SCENARIOS if s.kind != "recipe")

# ---------------------------------------------------------------------------- words

NOTIFIED = frozenset(
    {
        Word.CANCELLED_AT_AWAIT,
        Word.CANCELLED_AT_YIELD,
        Word.CLOSED_AT_YIELD,
        Word.CLOSED_AT_AWAIT,
    }
)
"""How a stream ended that the disconnect was raised in."""
_UNFINISHED = frozenset(
    {
        AN_EXCEPTION,
        Word.ALREADY_FINISHED,
        Word.STILL_RUNNING,
        Word.DID_NOT_RUN,
        Word.GARBAGE_COLLECTED,
    }
)
"""How a clean-up came out that was not run to its end on account of the disconnect."""


def _seen(surface: str, *words: str) -> SawAny:
    return SawAny(surface, frozenset(words))


# ---------------------------------------------------------------------------- hazards

HAZARDS: tuple[Hazard, ...] = (
    Hazard(
        id="server-blocked",
        title="The server stops answering",
        meaning="Another request to the same process got no answer within the window: one stream "
        "blocks the event loop for all others.",
        scenarios=_ALL_BUT_RECIPES,
        surface=Surface.LIVENESS,
        condition=_seen(Surface.LIVENESS, Word.NO_ANSWER),
    ),
    Hazard(
        id="stream-not-notified",
        title="A stream is left open after its client has left",
        meaning="The client is gone and the stream was still suspended, or still producing, "
        "when the window closed: what it holds stays held, what it pulls is paid for.",
        scenarios=DISCONNECTS,
        surface=Surface.STREAM_END,
        condition=_seen(Surface.STREAM_END, *OPEN),
    ),
    Hazard(
        id="stream-completes",
        title="A stream runs to completion after the client left",
        meaning="It was never notified and produced everything it had.",
        scenarios=DISCONNECTS,
        surface=Surface.STREAM_END,
        condition=_seen(Surface.STREAM_END, Word.COMPLETED),
    ),
    Hazard(
        id="finally-waits-for-collector",
        title="`finally` waits for the garbage collector",
        meaning="Nothing was thrown into the stream until a garbage collection found it; when that "
        "is depends on allocations elsewhere.",
        scenarios=DISCONNECTS,
        surface=Surface.STREAM_END,
        condition=_seen(Surface.STREAM_END, Word.GARBAGE_COLLECTED),
    ),
    Hazard(
        id="source-outlives-stream",
        title="The inner source outlives its stream",
        meaning="The stream was notified and has ended, but what it reads from runs in a task of "
        "its own: it ran to completion after the client left, or had not ended when the window "
        "closed.",
        # In `nested` the source is suspended at a `yield`, which is the next hazard.
        scenarios=tuple(name for name in DISCONNECTS if name != "nested"),
        surface=Surface.SOURCE,
        condition=All(
            (
                _seen(Surface.STREAM_END, *NOTIFIED),
                _seen(Surface.SOURCE, *OPEN, Word.FINISHED),
            )
        ),
    ),
    Hazard(
        id="source-not-closed",
        title="The inner source is not closed with the stream",
        meaning="The stream was notified, but the generator it reads from was left suspended at "
        "its `yield`, until it was garbage-collected or for longer than the window.",
        scenarios=("nested",),
        surface=Surface.SOURCE,
        condition=All(
            (
                _seen(Surface.STREAM_END, *NOTIFIED),
                _seen(Surface.SOURCE, Word.GARBAGE_COLLECTED, Word.SUSPENDED),
            )
        ),
    ),
    Hazard(
        id="upstream-open",
        title="The upstream is left connected",
        meaning="The stream relayed another server's, and its connection to that server was "
        "still open when the window closed: what goes on being sent is paid for.",
        scenarios=DISCONNECTS,
        surface=Surface.UPSTREAM,
        condition=_seen(Surface.UPSTREAM, Word.STILL_OPEN),
    ),
    Hazard(
        id="endpoint-not-notified",
        title="An endpoint is left running after its client has left",
        meaning="The client left before the response began, and the endpoint was still running "
        "when the window closed.",
        scenarios=("before-response",),
        surface=Surface.ENDPOINT,
        condition=_seen(Surface.ENDPOINT, Word.STILL_RUNNING),
    ),
    Hazard(
        id="logged-as-error",
        title="A disconnect is logged as an error",
        meaning="Nobody made a mistake, yet the server's log has an error for it: alarms for "
        "clients that left.",
        scenarios=DISCONNECTS,
        surface=Surface.SERVER_LOG,
        condition=_seen(Surface.SERVER_LOG, AN_EXCEPTION, Word.ERROR_LINE),
    ),
    Hazard(
        id="handled-as-error",
        title="A disconnect is handled as an error",
        meaning="Nobody made a mistake, yet the handler for `Exception` was called: alarms for "
        "clients that left.",
        scenarios=DISCONNECTS,
        surface=Surface.HANDLER,
        condition=_seen(Surface.HANDLER, AN_EXCEPTION),
    ),
    Hazard(
        id="cleanup-unfinished",
        title="Clean-up does not finish",
        meaning="It was cancelled, had not ended when the window closed, was never begun, was "
        "begun only by the garbage collector, or had ended before the client left.",
        scenarios=CLEANUPS,
        surface=Surface.CLEANUP,
        condition=_seen(Surface.CLEANUP, *_UNFINISHED),
    ),
    Hazard(
        id="error-unreported",
        title="An error is not reported",
        meaning="The stream failed with an ordinary error, and neither a handler nor the "
        "server's log saw anything.",
        scenarios=CONTROLS,
        surface=Surface.STREAM,
        condition=All((_seen(Surface.STREAM, AN_EXCEPTION), Unreported())),
    ),
    Hazard(
        id="failure-looks-complete",
        title="A failed stream looks complete",
        meaning="The stream raised after the response had begun, and the client got a "
        "response with a proper end: it cannot know that something is missing.",
        scenarios=ERRORS_IN_STREAM,
        surface=Surface.CLIENT,
        condition=LooksComplete(),
    ),
    Hazard(
        id="request-never-ends",
        title="A request does not end within the window",
        meaning="Nobody hung up, the stream or endpoint was over, and the app still had not "
        "returned when the window closed: the client waits for the rest.",
        scenarios=CONTROLS,
        surface=Surface.ASGI,
        condition=_seen(Surface.ASGI, Word.STILL_RUNNING),
    ),
    Hazard(
        id="slow-shutdown",
        title="Shutdown takes longer than the window",
        meaning="The operator signalled while a stream was open or cleaned up, and the process "
        "had not exited when the window closed.",
        scenarios=SHUTDOWNS,
        surface=Surface.EXIT,
        condition=_seen(Surface.EXIT, Word.STILL_RUNNING),
    ),
)

BY_ID = {hazard.id: hazard for hazard in HAZARDS}
