"""What a stack does to a team that runs it, as data: adding a consequence is adding an entry.

Hazards (`hangup.model.hazards`) are what hurts; here is what is good as well, each as a clause that
follows "Good, because", "Neutral, because" or "Bad, because" in a decision record.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from hangup.model.conditions import (
    AN_EXCEPTION,
    All,
    Condition,
    LooksComplete,
    Not,
    SawAny,
    Unreported,
)
from hangup.model.hazards import DISCONNECTS, NOTIFIED, SHUTDOWNS
from hangup.model.scenario import ABORTING
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.scenarios import ERRORS_IN_STREAM
from hangup.model.vocabulary import OPEN, Surface, Word

Tone = Literal["good", "neutral", "bad"]
"""Whether a team is glad of it; `neutral` is what it has to know."""


class Clause(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a trial may show, and how it is said."""

    tone: Tone
    text: str
    """What follows "because"; after it comes in which scenarios."""
    condition: Condition


class Consequence(msgspec.Struct, frozen=True, kw_only=True):
    """A question a team has, the scenarios it is asked in, and what may be answered."""

    id: str
    title: str
    """What it is about, in a few words."""
    scenarios: tuple[str, ...]
    clauses: tuple[Clause, ...]


def _clause(tone: Tone, text: str, surface: str, *words: str) -> Clause:
    return Clause(tone=tone, text=text, condition=SawAny(surface, frozenset(words)))


NO_RESPONSE_YET = "before-response"
"""The scenario in which there is an endpoint to be told and no stream yet."""
_OF_STREAMS = tuple(name for name in DISCONNECTS if name != NO_RESPONSE_YET)
_STREAM_STAYS = tuple(name for name in SHUTDOWNS if SCENARIOS[name].disconnect == "stays")
_NOTIFIED = SawAny(Surface.STREAM_END, NOTIFIED)

QUIET = {"quiet": "a hang-up", "quiet-shutdown": "a shutdown"}
"""The consequences whose clauses depend on what an app has that can raise an alarm, with what it
is that should raise none."""
ALARMS = frozenset({AN_EXCEPTION, Word.ERROR_LINE, Word.ERROR_STATUS})
"""What an alarm is made of."""

CONSEQUENCES: tuple[Consequence, ...] = (
    Consequence(
        id="told",
        title="Is the stream told that its client has left?",
        # One that only closes its sending side may still read.
        scenarios=tuple(n for n in _OF_STREAMS if SCENARIOS[n].disconnect in ABORTING),
        clauses=(
            _clause(
                "good",
                "the stream is told of the hang-up (an exception is raised in it)",
                Surface.STREAM_END,
                *(*NOTIFIED, Word.RAISED),
            ),
            _clause(
                "good",
                "the stream learns of the hang-up from `is_disconnected()` and ends",
                Surface.STREAM_END,
                Word.ENDED_ITSELF,
            ),
            _clause(
                "neutral",
                "the stream is ended by the loss of its last reference and by nothing else",
                Surface.STREAM_END,
                Word.REFERENCE_DROPPED,
            ),
            _clause(
                "bad",
                "the stream is not told of the hang-up and was still open when the trial ended",
                Surface.STREAM_END,
                *OPEN,
            ),
            _clause(
                "bad",
                "the stream is not told of the hang-up and produces all that it has after the "
                "client left",
                Surface.STREAM_END,
                Word.COMPLETED,
            ),
            _clause(
                "bad",
                "the stream is not told of the hang-up: only the garbage collector ends it",
                Surface.STREAM_END,
                Word.GARBAGE_COLLECTED,
            ),
        ),
    ),
    Consequence(
        id="endpoint",
        title="Is an endpoint told that its client has left?",
        scenarios=(NO_RESPONSE_YET,),
        clauses=(
            _clause(
                "good",
                "the endpoint is told of the hang-up (an exception is raised in it)",
                Surface.ENDPOINT,
                AN_EXCEPTION,
            ),
            _clause(
                "bad",
                "the endpoint is not told of the hang-up and works on",
                Surface.ENDPOINT,
                Word.STILL_RUNNING,
            ),
        ),
    ),
    Consequence(
        id="source",
        title="Is what the stream reads from closed with it?",
        scenarios=_OF_STREAMS,
        clauses=(
            Clause(
                tone="good",
                text="the async generator that the stream reads from ends with it",
                condition=All((_NOTIFIED, SawAny(Surface.SOURCE, frozenset({AN_EXCEPTION})))),
            ),
            Clause(
                tone="neutral",
                text="the async generator that the stream reads from is ended by the loss of its "
                "last reference and by nothing else",
                condition=All(
                    (_NOTIFIED, SawAny(Surface.SOURCE, frozenset({Word.REFERENCE_DROPPED})))
                ),
            ),
            Clause(
                tone="bad",
                text="the stream is over, but the async generator that it reads from is left "
                "open, until it is garbage-collected or for longer than the trial",
                condition=All((_NOTIFIED, SawAny(Surface.SOURCE, OPEN | {Word.GARBAGE_COLLECTED}))),
            ),
            Clause(
                tone="bad",
                text="the stream is over, but the async generator that it reads from runs on to "
                "its end",
                condition=All((_NOTIFIED, SawAny(Surface.SOURCE, frozenset({Word.FINISHED})))),
            ),
        ),
    ),
    Consequence(
        id="quiet",
        title="Does a hang-up raise an alarm?",
        scenarios=DISCONNECTS,
        clauses=(),
    ),
    Consequence(
        id="dependency",
        title="When is a `yield` dependency torn down?",
        scenarios=_OF_STREAMS,
        clauses=(
            _clause(
                "good",
                "a `yield` dependency stays open while the stream runs, and its teardown runs "
                "after the hang-up",
                Surface.DEPENDENCY,
                *(Word.FINISHED, Word.FINISHED_AFTER_APP, AN_EXCEPTION),
            ),
            _clause(
                "bad",
                "a `yield` dependency is torn down while the stream still runs",
                Surface.DEPENDENCY,
                Word.ALREADY_FINISHED,
            ),
            _clause(
                "bad",
                "the teardown of a `yield` dependency had not run when the trial ended",
                Surface.DEPENDENCY,
                Word.STILL_RUNNING,
            ),
        ),
    ),
    Consequence(
        id="background",
        title="Does the response's background task run?",
        scenarios=_OF_STREAMS,
        clauses=(
            _clause(
                "good",
                "the response's background task runs to its end after the hang-up",
                Surface.BACKGROUND,
                *(Word.FINISHED, Word.FINISHED_AFTER_APP),
            ),
            _clause(
                "bad",
                "the response's background task does not run",
                Surface.BACKGROUND,
                Word.DID_NOT_RUN,
            ),
            _clause(
                "bad",
                "the response's background task is begun and does not get to its end",
                Surface.BACKGROUND,
                *(Word.STILL_RUNNING, AN_EXCEPTION),
            ),
        ),
    ),
    Consequence(
        id="upstream",
        title="What does a hang-up cost upstream?",
        scenarios=tuple(name for name in DISCONNECTS if SCENARIOS[name].relays),
        clauses=(
            _clause(
                "good",
                "the upstream connection that the stream relays is closed",
                Surface.UPSTREAM,
                Word.CLOSED,
            ),
            _clause(
                "bad",
                "the upstream connection that the stream relays stays open, and what it sends is "
                "paid for",
                Surface.UPSTREAM,
                Word.STILL_OPEN,
            ),
        ),
    ),
    Consequence(
        id="failure",
        title="Does a stream that fails look failed?",
        scenarios=ERRORS_IN_STREAM,
        clauses=(
            Clause(
                tone="good",
                text="a client can tell that the stream has failed",
                condition=Not(LooksComplete()),
            ),
            Clause(
                tone="bad",
                text="a stream that has failed looks complete to its client",
                condition=LooksComplete(),
            ),
        ),
    ),
    Consequence(
        id="report",
        title="Is a stream's own error reported?",
        scenarios=ERRORS_IN_STREAM,
        clauses=(
            Clause(
                tone="good",
                text="the error is reported by an exception handler, a hook or the server's log",
                condition=Not(Unreported()),
            ),
            Clause(
                tone="bad",
                text="the error is reported by nobody: no exception handler, no hook and not the "
                "server's log",
                condition=Unreported(),
            ),
        ),
    ),
    Consequence(
        id="others",
        title="Does one stream keep the process from answering other requests?",
        scenarios=DISCONNECTS,
        clauses=(
            _clause(
                "good",
                "the process goes on answering other requests",
                Surface.LIVENESS,
                Word.ANSWERED,
            ),
            _clause(
                "bad",
                "the process answers no other request: one stream blocks its event loop",
                Surface.LIVENESS,
                Word.NO_ANSWER,
            ),
        ),
    ),
    Consequence(
        id="signalled",
        title="Is an open stream told that the server is to stop?",
        scenarios=_STREAM_STAYS,
        clauses=(
            _clause(
                "good",
                "an open stream is told that the server is to stop (an exception is raised in it)",
                Surface.STREAM_END,
                *NOTIFIED,
            ),
            _clause(
                "bad",
                "an open stream is not told that the server is to stop and was still open when the "
                "trial ended",
                Surface.STREAM_END,
                *OPEN,
            ),
        ),
    ),
    Consequence(
        id="exit",
        title="Does the process exit when it is told to?",
        scenarios=SHUTDOWNS,
        clauses=(
            _clause("good", "the process exits", Surface.EXIT, Word.EXITED),
            _clause(
                "neutral", "the process exits with an error", Surface.EXIT, Word.EXITED_WITH_ERROR
            ),
            _clause(
                "bad",
                "the process was still running when the trial ended, "
                f"{SCENARIOS['shutdown'].window_s:g} s after the signal",
                Surface.EXIT,
                Word.STILL_RUNNING,
            ),
        ),
    ),
    Consequence(
        id="quiet-shutdown",
        title="Does a shutdown raise an alarm?",
        scenarios=SHUTDOWNS,
        clauses=(),
    ),
)
BY_ID = {consequence.id: consequence for consequence in CONSEQUENCES}
