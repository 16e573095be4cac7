"""The closed set of words an observation may be where it is not an exception's type.

Each word comes with the sentence that the report's legend prints.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Self


class ExplainedWord(StrEnum):
    """A word that comes with the sentence that explains it to a reader."""

    meaning: str

    def __new__(cls, word: str, meaning: str) -> Self:
        member = str.__new__(cls, word)
        member._value_ = word
        member.meaning = meaning
        return member


class Word(ExplainedWord):
    """What a surface saw, where that is not an exception."""

    # How something with a beginning and an end came out.
    FINISHED = "finished", "ended normally; after the client had left, if it left"
    ALREADY_FINISHED = (
        "already finished",
        "had ended normally before the client left, so it could not see it leave",
    )
    STILL_RUNNING = "still running", "had begun and had not ended when the window closed"
    DID_NOT_RUN = "did not run", "was never begun"
    REFERENCE_DROPPED = (
        "reference dropped",
        "nothing was thrown into it until its last reference went; no garbage collection was "
        "needed for that",
    )
    GARBAGE_COLLECTED = (
        "garbage-collected",
        "nothing was thrown into it until a garbage collection found it, Python's own or the one "
        "that the harness requests at the end of the window; in traces that do not tell the two "
        "apart, perhaps until its last reference went",
    )
    FINISHED_AFTER_APP = (
        "finished after the app",
        "ended normally, but only after the app had returned: nothing waited for it",
    )

    # How the stream ended.
    CANCELLED_AT_AWAIT = "cancelled at an await", "`CancelledError` was raised at an `await`"
    CANCELLED_AT_YIELD = "cancelled at a yield", "`CancelledError` was raised at a `yield`"
    CLOSED_AT_YIELD = "closed at a yield", "`GeneratorExit` was raised at a `yield` (`aclose()`)"
    CLOSED_AT_AWAIT = "closed at an await", "`GeneratorExit` was raised at an `await`"
    RAISED = "raised", "ended with the error that the surface `stream` names"
    COMPLETED = (
        "completed (not notified)",
        "yielded everything it had after the client left, and was never notified",
    )
    SWALLOWED = (
        "cancellation swallowed",
        "caught the cancellation, went on and ended normally",
    )
    SUSPENDED = (
        "still suspended",
        "was suspended when the window closed and had not been notified; where the process "
        "could then be asked to collect its garbage, that did not close it either",
    )
    SUSPENDED_OR_RUNNING = (
        "suspended or running",
        "had not been notified and had not ended when the window closed; which of the two it "
        "was is not known",
    )
    NEVER_STARTED = "never started", "was not begun"
    ENDED_ITSELF = (
        "ended after is_disconnected()",
        "asked whether its client had gone, was answered True, and ended",
    )

    # What a handler, a hook or a log may come out as.
    NOTHING = (
        "nothing",
        "saw nothing; a handler, hook or log is proven to be in place by another trial of "
        "the same stack",
    )
    CALLED = "called", "a hook was called without an exception, after the client had left"
    ALREADY_CALLED = "already called", "a hook was called, but before the client left"
    INCONCLUSIVE = (
        "inconclusive",
        "saw nothing, but no trial of the stack proves that it would have",
    )
    UNREACHED = (
        "never reached",
        "was accepted when it was registered, but no trial of the stack reached it, not even the "
        "control that raises in a plain endpoint; another handler may stand before it",
    )
    REJECTED = (
        "registration rejected",
        "the framework would not register it, or not start with it",
    )
    NOT_APPLICABLE = "not applicable", "this app has no such thing"
    ERROR_LINE = "error line", "a line was logged as an error, without an exception"
    ERROR_STATUS = "error status", "the span ended with the status ERROR, without an exception"

    RETURNED_TRUE = (
        "returned True",
        "`is_disconnected()`, which the stream awaits before each event, returned True",
    )
    NEVER_TRUE = (
        "never returned True",
        "`is_disconnected()`, which the stream awaits before each event, never returned True: "
        "the stream ended otherwise or had not ended when the window closed",
    )

    # The two sides of the ASGI boundary.
    DISCONNECT = (
        "http.disconnect",
        "`receive()` returned the disconnect message, which servers also send when a response "
        "is over",
    )
    NOT_AWAITED = "not awaited", "nothing was awaiting `receive()`"
    RETURNED = (
        "returned",
        "a `send()` returned normally after the app had been given the disconnect message; where "
        "it was given none, after the client left; where nobody left, at any time",
    )
    SEND_SUSPENDED = "suspended", "a `send()` had not returned when the window closed"
    NOT_CALLED = "not called", "`send()` was not called again"

    # The other end of what the stream relays.
    CLOSED = "closed", "the upstream server saw its connection closed, after the client had left"
    ALREADY_CLOSED = (
        "already closed",
        "the upstream server saw its connection closed before the client left",
    )
    STILL_OPEN = (
        "still open",
        "the upstream server's connection was open when the window closed, and more would have "
        "been sent over it",
    )

    # The server.
    ANSWERED = "answered", "another request to the same server got its answer"
    NO_ANSWER = "no answer", "another request to the same server got none within the window"
    EXITED = (
        "exited",
        "the process ended within the window: with code 0, by the very signal that the operator "
        "had sent, or with the code that stands for that signal (128 and its number)",
    )
    EXITED_WITH_ERROR = (
        "exited with an error",
        "the process ended within the window, with another exit code",
    )

    # What the client got: its status and number of events, and one of these.
    WHOLE = "ended", "the response came to its proper end"
    CUT_OFF = "cut off", "the connection was closed in the middle of the response"
    NEVER_ENDED = "not ended", "the response had not ended when the window closed"
    NO_RESPONSE = "no response", "there was not even a status line"

    # Why a trial is inconclusive.
    FAILED_TO_START = "failed to start", "the server did not get ready; see its log"
    SERVER_EXITED = "server exited", "the server's process ended in the middle of the trial"
    NOT_REACHED = (
        "state not reached",
        "the stream did not get into the state that the scenario is about",
    )
    DISTURBED = (
        "disturbed",
        "what was observed does not count: the server's process was stopped, starved or ended from "
        "outside or could not write its trace, the harness was kept from running, or what a whole "
        "server seemed to do was not seen again on a fresh one",
    )


FAILURES = frozenset({Word.FAILED_TO_START, Word.SERVER_EXITED, Word.NOT_REACHED, Word.DISTURBED})
"""The words that say why a trial is inconclusive."""


_WORDS = frozenset(word.value for word in Word)
_EXCEPTION = re.compile(r"[A-Za-z_]\w*(\[.*\])?")


def is_exception(saw: str) -> bool:
    """Whether an observation names an exception rather than being one of the words."""
    return saw not in _WORDS and _EXCEPTION.fullmatch(saw) is not None


def is_alarm(saw: str) -> bool:
    """Whether an observation is one of an error."""
    return is_exception(saw) or saw in (Word.ERROR_LINE, Word.ERROR_STATUS)


def is_call(saw: str) -> bool:
    """Whether a handler, a hook or a log has seen anything: an error, or that it was called."""
    return is_alarm(saw) or saw == Word.CALLED


class Surface(StrEnum):
    """The places where something can be seen; hooks are `hook:<name>`."""

    STREAM = "stream"
    STREAM_END = "stream-end"
    SOURCE = "source"
    UPSTREAM = "upstream"
    ENDPOINT = "endpoint"
    DEPENDENCY = "dependency"
    BACKGROUND = "background"
    HANDLER = "handler"
    HANDLER_APP_ERROR = "handler-app-error"
    HANDLER_CANCELLED = "handler-cancelled"
    MIDDLEWARE = "middleware"
    RECEIVE = "receive"
    SEND = "send"
    ASGI = "asgi"
    SERVER_LOG = "server-log"
    ERROR_REPORT = "error-report"
    SPAN = "span"
    CLEANUP = "cleanup"
    IS_DISCONNECTED = "is_disconnected"
    CLIENT = "client"
    LIVENESS = "liveness"
    EXIT = "exit"


HOOK = "hook:"
"""What a surface's id begins with where it is a framework's hook or signal."""
_SURFACE_TITLES = {
    Surface.STREAM: "the stream's generator",
    Surface.STREAM_END: "the end of the stream",
    Surface.SOURCE: "the stream's source",
    Surface.UPSTREAM: "the upstream connection",
    Surface.ENDPOINT: "the endpoint",
    Surface.DEPENDENCY: "the `yield` dependency",
    Surface.BACKGROUND: "the background task",
    Surface.HANDLER: "the handler for `Exception`",
    Surface.HANDLER_APP_ERROR: "the handler for the application's own error",
    Surface.HANDLER_CANCELLED: "the handler for `CancelledError`",
    Surface.MIDDLEWARE: "the middleware",
    Surface.RECEIVE: "`receive()`",
    Surface.SEND: "`send()`",
    Surface.ASGI: "the ASGI application",
    Surface.SERVER_LOG: "the server's error log",
    Surface.ERROR_REPORT: "the error reporter (Sentry)",
    Surface.SPAN: "the server span (OpenTelemetry)",
    Surface.CLEANUP: "the clean-up",
    Surface.IS_DISCONNECTED: "`is_disconnected()`",
    Surface.CLIENT: "the client",
    Surface.LIVENESS: "another request",
    Surface.EXIT: "the server's process",
}


def surface_title(surface: str) -> str:
    """What a surface is called in a sentence."""
    if surface.startswith(HOOK):
        return f"the hook `{surface.removeprefix(HOOK)}`"
    return _SURFACE_TITLES[Surface(surface)]


HANDLERS = (Surface.HANDLER, Surface.HANDLER_APP_ERROR, Surface.HANDLER_CANCELLED)
OPTIONAL = (
    Surface.DEPENDENCY,
    Surface.BACKGROUND,
    Surface.MIDDLEWARE,
    *HANDLERS,
    Surface.ERROR_REPORT,
    Surface.SPAN,
)
"""The surfaces an app may have or not, hooks apart."""
EVENT_SOURCE_OPTIONS = "event-source-options"
"""What an app declares among its surfaces, though nothing is seen there, that gives its response
`service.event_source_options()`: the options of sse-starlette's `EventSourceResponse`."""
OPEN = frozenset({Word.SUSPENDED, Word.STILL_RUNNING, Word.SUSPENDED_OR_RUNNING})
"""How a generator is found that was not ended within the window."""
FINALIZED = frozenset({Word.REFERENCE_DROPPED, Word.GARBAGE_COLLECTED})
"""How a generator ended that no code of the app, the framework or the server has ended."""
IN_FINALLY = "finally"
"""Where a source's span ends, as an event's `at`, whose closing was cut."""
SPANS = frozenset(
    {
        Surface.ASGI,
        Surface.STREAM,
        Surface.SOURCE,
        Surface.ENDPOINT,
        Surface.DEPENDENCY,
        Surface.MIDDLEWARE,
        Surface.BACKGROUND,
        Surface.CLEANUP,
        Surface.SPAN,
    }
)
"""The surfaces that begin and end, whose end a trial waits for."""
