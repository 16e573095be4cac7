"""What each surface saw in a trial: the rules, an example each, from traces written by hand."""

from __future__ import annotations

import msgspec
import pytest

from hangup.analysis import classification
from hangup.analysis.classification import (
    classify,
    classify_trial,
    classify_trials,
    surfaces_of,
    upstream_closed_ns,
)
from hangup.analysis.outcomes import StackOutcomes
from hangup.model.outcomes import Saws
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID, SCENARIOS
from hangup.model.trace import Trial
from hangup.model.vocabulary import FAILURES, OPTIONAL, SPANS, Surface, Word
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, saws, stack_result, trial

HOOK = "hook:after_request"
DECLARED = (*OPTIONAL, HOOK)

ORDINARY_ERROR = trial("plain-error", "endpoint begin", "endpoint end ValueError")
"""The control that tells a surface that was silent from one that is not in place."""


def saws_of(scenario: str, *lines: Line, declared: tuple[str, ...] = ()) -> Saws:
    """What every surface saw in one trial, taken by itself."""
    return classify_trial(trial(scenario, *lines), BY_ID[scenario], declared)


def test_every_surface_has_a_rule() -> None:
    assert set(classification._RULES) == set(Surface)


DROPPED = f"stream dropped {Word.REFERENCE_DROPPED}"
FOUND = f"stream dropped {Word.GARBAGE_COLLECTED}"

# What a surface saw in one trial: (what it is an example of, surface, lines, observations).
EXAMPLES: list[tuple[str, str, list[Line], list[str]]] = [
    # How the stream ended.
    (
        "cancelled while it awaits its source",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            "stream saw CancelledError at an await",
            "stream end CancelledError at an await",
        ],
        [Word.CANCELLED_AT_AWAIT],
    ),
    (
        "cancelled at a yield, though its clean-up then awaits",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            "stream saw CancelledError at a yield",
            "stream end CancelledError at an await",
        ],
        [Word.CANCELLED_AT_YIELD],
    ),
    (
        "open on a server whose event loop is blocked",
        "stream-end",
        ["stream begin", LEAVES, "liveness saw no answer"],
        [Word.SUSPENDED_OR_RUNNING],
    ),
    (
        "closed at a yield",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            "stream saw GeneratorExit at a yield",
            "stream end GeneratorExit at an await",
            "stream dropped",
        ],
        [Word.CLOSED_AT_YIELD],
    ),
    (
        "closed at an await",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            "stream saw GeneratorExit at an await",
            "stream end GeneratorExit at an await",
        ],
        [Word.CLOSED_AT_AWAIT],
    ),
    (
        "a plain generator closed at a yield",
        "stream-end",
        ["stream begin", LEAVES, "stream end GeneratorExit at a yield"],
        [Word.CLOSED_AT_YIELD],
    ),
    (
        "reclaimed, and closed only then",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            "stream dropped",
            "stream saw GeneratorExit at a yield",
            "stream end GeneratorExit at an await",
        ],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "finalised because its last reference went, and closed only then",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            "stream dropped reference dropped",
            "stream saw GeneratorExit at a yield",
            "stream end GeneratorExit at an await",
        ],
        [Word.REFERENCE_DROPPED],
    ),
    (
        "found by a collection of Python's own",
        "stream-end",
        ["stream begin", LEAVES, FOUND, "stream end GeneratorExit at a yield"],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "cut loose by the collection that the harness requested",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            CLOSES,
            COLLECTS,
            "stream dropped reference dropped",
            "stream end GeneratorExit at a yield",
        ],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "closed only by the collection that the harness requested",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            2000,
            CLOSES,
            COLLECTS,
            "stream saw GeneratorExit at a yield",
            "stream end GeneratorExit at an await",
        ],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "cancelled first and reclaimed much later",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            "stream saw CancelledError at an await",
            "stream dropped",
            "stream end CancelledError at an await",
        ],
        [Word.CANCELLED_AT_AWAIT],
    ),
    (
        "completed after the client left",
        "stream-end",
        ["stream begin", LEAVES, "stream end"],
        [Word.COMPLETED],
    ),
    (
        "had ended before the client left",
        "stream-end",
        ["stream begin", "stream end", LEAVES],
        [Word.ALREADY_FINISHED],
    ),
    ("ended, and no client left", "stream-end", ["stream begin", "stream end"], [Word.FINISHED]),
    (
        "swallowed the cancellation and ended normally",
        "stream-end",
        ["stream begin", LEAVES, "stream saw CancelledError at an await", "stream end"],
        [Word.SWALLOWED],
    ),
    (
        "ended with an error of its own",
        "stream-end",
        ["stream begin", "stream end ValueError at an await"],
        [Word.RAISED],
    ),
    ("never started", "stream-end", [LEAVES], [Word.NEVER_STARTED]),
    (
        "was reclaimed without having begun",
        "stream-end",
        [LEAVES, "stream dropped"],
        [Word.NEVER_STARTED],
    ),
    (
        "not notified, suspended",
        "stream-end",
        ["stream begin", "stream waiting", LEAVES, 2000, CLOSES],
        [Word.SUSPENDED],
    ),
    (
        "still sending at the end of the window",
        "stream-end",
        ["stream begin", LEAVES, 1900, "send begin #9", "send end #9", CLOSES],
        [Word.STILL_RUNNING],
    ),
    (
        "sent for a while after the client left, then stopped",
        "stream-end",
        ["stream begin", LEAVES, "send begin #9", "send end #9", 2000, CLOSES],
        [Word.SUSPENDED],
    ),
    # What was thrown into the stream.
    ("was not notified", "stream", ["stream begin", LEAVES], [Word.NOTHING]),
    (
        "names once what it saw twice",
        "stream",
        [
            "stream begin",
            LEAVES,
            "stream saw CancelledError at an await",
            "stream end CancelledError at an await",
        ],
        ["CancelledError"],
    ),
    (
        "was cancelled, and closed after that",
        "stream",
        [
            "stream begin",
            LEAVES,
            "stream saw CancelledError at an await",
            "stream end GeneratorExit at a yield",
        ],
        ["CancelledError", "GeneratorExit"],
    ),
    (
        "was closed by the garbage collector alone",
        "stream",
        ["stream begin", LEAVES, "stream dropped", "stream end GeneratorExit at a yield"],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "was closed because its last reference went",
        "stream",
        ["stream begin", LEAVES, DROPPED, "stream end GeneratorExit at a yield"],
        [Word.REFERENCE_DROPPED],
    ),
    (
        "was closed, and its last reference went after that",
        "stream",
        ["stream begin", LEAVES, "stream end GeneratorExit at a yield", DROPPED],
        ["GeneratorExit"],
    ),
    (
        "swallowed a cancellation, then was garbage",
        "stream",
        [
            "stream begin",
            LEAVES,
            "stream saw CancelledError at an await",
            "stream dropped",
            "stream end GeneratorExit at a yield",
        ],
        ["CancelledError", Word.GARBAGE_COLLECTED],
    ),
    (
        "names a group by its members",
        "stream",
        ["stream begin", "stream end ExceptionGroup[ValueError, OSError] at an await"],
        ["ExceptionGroup[ValueError, OSError]"],
    ),
    (
        "was closed only by the collection that the harness requested",
        "stream",
        ["stream begin", LEAVES, CLOSES, COLLECTS, "stream end GeneratorExit at a yield"],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "was closed after the window by a collection that Python began before the requested one",
        "stream",
        [
            "stream begin",
            LEAVES,
            CLOSES,
            FOUND,
            "stream end GeneratorExit at a yield",
            COLLECTS,
        ],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "was closed after the window when only its source had been collected",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            CLOSES,
            f"source dropped {Word.GARBAGE_COLLECTED}",
            "stream end GeneratorExit at a yield",
            COLLECTS,
        ],
        [Word.SUSPENDED],
    ),
    (
        "lost its last reference only after the window",
        "stream-end",
        [
            "stream begin",
            LEAVES,
            CLOSES,
            DROPPED,
            "stream end GeneratorExit at a yield",
            COLLECTS,
        ],
        [Word.SUSPENDED],
    ),
    # The inner source.
    ("had not begun its source", "source", [LEAVES], [Word.DID_NOT_RUN]),
    ("its source completed", "source", ["source begin", LEAVES, "source end"],
     [Word.FINISHED]),
    (
        "its source had completed already",
        "source",
        ["source begin", "source end", LEAVES],
        [Word.ALREADY_FINISHED],
    ),
    (
        "its source was cancelled with it",
        "source",
        ["source begin", LEAVES, "source end CancelledError at an await"],
        ["CancelledError"],
    ),
    (
        "its source was left to the garbage collector",
        "source",
        ["source begin", LEAVES, "source dropped", "source end GeneratorExit at a yield"],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "its source lost its last reference",
        "source",
        [
            "source begin",
            LEAVES,
            "stream end CancelledError",
            "source dropped reference dropped",
            "source end GeneratorExit at a yield",
        ],
        [Word.REFERENCE_DROPPED],
    ),
    (
        "its source lost its last reference when a collection had found the stream",
        "source",
        [
            "source begin",
            LEAVES,
            FOUND,
            "source dropped reference dropped",
            "source end GeneratorExit at a yield",
        ],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "its source was closed by the collection that the harness requested",
        "source",
        ["source begin", LEAVES, CLOSES, COLLECTS, "source end GeneratorExit at a yield"],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "its source was closed with aclose()",
        "source",
        ["source begin", LEAVES, "source end GeneratorExit at a yield", "source dropped"],
        ["GeneratorExit"],
    ),
    ("its source is suspended", "source", ["source begin", LEAVES, 2000, CLOSES], [Word.SUSPENDED]),
    (
        "its source is still producing",
        "source",
        ["source begin", LEAVES, 1900, "send end #9", CLOSES],
        [Word.STILL_RUNNING],
    ),
    # What begins and ends.
    ("the endpoint did not run", "endpoint", [LEAVES], [Word.DID_NOT_RUN]),
    ("the endpoint is still running", "endpoint", ["endpoint begin", LEAVES], [Word.STILL_RUNNING]),
    (
        "the endpoint had returned",
        "endpoint",
        ["endpoint begin", "endpoint end", LEAVES],
        [Word.ALREADY_FINISHED],
    ),
    (
        "the endpoint was cancelled",
        "endpoint",
        ["endpoint begin", LEAVES, "endpoint end CancelledError"],
        ["CancelledError"],
    ),
    (
        "the endpoint, a generator, was closed by the collection that the harness requested",
        "endpoint",
        ["endpoint begin", LEAVES, CLOSES, COLLECTS, "endpoint end GeneratorExit"],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "the endpoint, a generator, was closed because the last reference went",
        "endpoint",
        ["endpoint begin", LEAVES, DROPPED, "endpoint end GeneratorExit"],
        [Word.REFERENCE_DROPPED],
    ),
    (
        "the endpoint, a generator, was closed in time",
        "endpoint",
        ["endpoint begin", LEAVES, "endpoint end GeneratorExit", CLOSES, COLLECTS],
        ["GeneratorExit"],
    ),
    ("the app returned", "asgi", ["asgi begin", LEAVES, "asgi end"], [Word.FINISHED]),
    ("the app returned by itself", "asgi", ["asgi begin", "asgi end"], [Word.FINISHED]),
    ("the app raised", "asgi", ["asgi begin", "asgi end ValueError"], ["ValueError"]),
    (
        "a dependency was closed late",
        "dependency",
        ["dependency begin", LEAVES, "dependency end"],
        [Word.FINISHED],
    ),
    (
        "the middleware saw the exception pass through",
        "middleware",
        ["middleware begin", LEAVES, "middleware end CancelledError"],
        ["CancelledError"],
    ),
    (
        "the background task ran",
        "background",
        [LEAVES, "background begin", "background end"],
        [Word.FINISHED],
    ),
    # Handlers, hooks, the log.
    (
        "the handler saw an error",
        "handler",
        [LEAVES, "handler saw CancelledError"],
        ["CancelledError"],
    ),
    ("the hook was called", HOOK, [LEAVES, f"{HOOK} saw called"], [Word.CALLED]),
    ("the hook was called, and no client left", HOOK, [f"{HOOK} saw called"], [Word.CALLED]),
    (
        "the hook had been called before the client left",
        HOOK,
        [f"{HOOK} saw called", LEAVES],
        [Word.ALREADY_CALLED],
    ),
    (
        "the hook was called before and after",
        HOOK,
        [f"{HOOK} saw called", LEAVES, f"{HOOK} saw called", f"{HOOK} saw called"],
        [Word.ALREADY_CALLED, Word.CALLED],
    ),
    (
        "the server logged an error",
        "server-log",
        [LEAVES, "server-log saw RuntimeError", "server-log saw error line"],
        ["RuntimeError", Word.ERROR_LINE],
    ),
    (
        "an error reporter was sent the exception",
        "error-report",
        [LEAVES, "error-report saw ValueError"],
        ["ValueError"],
    ),
    (
        "the server span recorded the exception",
        "span",
        ["span begin", LEAVES, "span end ValueError"],
        ["ValueError"],
    ),
    (
        "the server span has the status ERROR",
        "span",
        ["span begin", LEAVES, "span end error status"],
        [Word.ERROR_STATUS],
    ),
    ("the server span ended", "span", ["span begin", LEAVES, "span end"], [Word.FINISHED]),
    # The two sides of the ASGI boundary.
    (
        "receive() returned the disconnect",
        "receive",
        ["receive begin", LEAVES, "receive end http.disconnect"],
        [Word.DISCONNECT],
    ),
    ("receive() was not called", "receive", [LEAVES], [Word.NOT_AWAITED]),
    (
        "receive() was not called after the request had come",
        "receive",
        ["receive begin", "receive end http.request", LEAVES],
        [Word.NOT_AWAITED],
    ),
    (
        "the body came late, the disconnect after it",
        "receive",
        [
            "receive begin",
            LEAVES,
            "receive end http.request",
            "receive begin",
            "receive end http.disconnect",
        ],
        [Word.DISCONNECT],
    ),
    (
        "the caller of receive() was cancelled",
        "receive",
        ["receive begin", LEAVES, "receive end CancelledError"],
        ["CancelledError"],
    ),
    (
        "a disconnect message from before the client left does not count",
        "receive",
        ["receive begin", "receive end http.disconnect", LEAVES],
        [Word.NOT_AWAITED],
    ),
    ("receive() did not return", "receive", ["receive begin", LEAVES], [Word.NOTHING]),
    (
        "a send() returned after the client left",
        "send",
        [LEAVES, "send begin #4", "send end #4"],
        [Word.RETURNED],
    ),
    (
        "a send() that was under way returned",
        "send",
        ["send begin #4", LEAVES, "send end #4"],
        [Word.RETURNED],
    ),
    (
        "a send() raised",
        "send",
        ["send begin #4", LEAVES, "send end #4 OSError"],
        ["OSError"],
    ),
    (
        "a send() called before the app was given the disconnect does not count",
        "send",
        [
            LEAVES,
            "send begin #4",
            "send end #4",
            "receive end http.disconnect",
        ],
        [Word.NOT_CALLED],
    ),
    (
        "a send() under way at the disconnect returned",
        "send",
        [
            LEAVES,
            "send begin #4",
            "receive end http.disconnect",
            "send end #4",
        ],
        [Word.RETURNED],
    ),
    (
        "a disconnect message from before the client left is not the client's",
        "send",
        ["receive end http.disconnect", "send begin #4", "send end #4", LEAVES],
        [Word.NOT_CALLED],
    ),
    (
        "one send() returned, the next is suspended",
        "send",
        [LEAVES, "send begin #4", "send end #4", "send begin #5"],
        [Word.RETURNED, Word.SEND_SUSPENDED],
    ),
    (
        "send() was not called again",
        "send",
        ["send begin #4", "send end #4", LEAVES],
        [Word.NOT_CALLED],
    ),
    # The server.
    ("the server still answers", "liveness", [LEAVES, "liveness saw answered"], [Word.ANSWERED]),
    (
        "the server no longer answers",
        "liveness",
        [LEAVES, "liveness saw no answer"],
        [Word.NO_ANSWER],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("surface", "lines", "saw"),
    [example[1:] for example in EXAMPLES],
    ids=[f"{example[1]}: {example[0]}" for example in EXAMPLES],
)
def test_what_a_surface_saw(surface: str, lines: list[Line], saw: list[str]) -> None:
    # A control of the same stack proves that what is silent elsewhere is in place here.
    proof = trial("complete", *(f"{declared} saw ValueError" for declared in DECLARED))
    found = saws(stack_result(trial("idle", *lines), proof, surfaces=DECLARED), "idle", surface)
    assert list(found) == saw


EXITS = [Word.EXITED, Word.EXITED_WITH_ERROR, Word.STILL_RUNNING]


@pytest.mark.parametrize("saw", EXITS)
def test_an_operator_sees_whether_the_process_exits(saw: Word) -> None:
    found = saws_of("shutdown", LEAVES, f"exit saw {saw}")
    assert found["exit"] == (saw,)
    assert "liveness" not in found


UPSTREAMS: list[tuple[list[Line], Word]] = [
    ([LEAVES], Word.DID_NOT_RUN),
    (["upstream accepts", LEAVES, "upstream closed"], Word.CLOSED),
    (["upstream accepts", "upstream closed", LEAVES], Word.ALREADY_CLOSED),
    (["upstream accepts", LEAVES, "source end CancelledError"], Word.STILL_OPEN),
    (["upstream accepts", LEAVES, CLOSES, "upstream closed"], Word.STILL_OPEN),
    (["upstream accepts", "upstream accepts", LEAVES, "upstream closed"], Word.STILL_OPEN),
    (["upstream accepts", "upstream closed", "upstream accepts", LEAVES, "upstream closed"],
     Word.CLOSED),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "saw"), UPSTREAMS)
def test_an_upstream_sees_its_connections_closed_or_not(lines: list[Line], saw: Word) -> None:
    assert saws_of("relay", *lines)["upstream"] == (saw,)


def test_an_upstream_is_closed_when_the_last_of_its_connections_is() -> None:
    events = trial("relay", "upstream accepts", "upstream accepts", "upstream closed").events
    assert upstream_closed_ns(events) is None
    events += trial("relay", 9, "upstream closed").events
    assert upstream_closed_ns(events) == 10_000_000


SOURCE_STAYS = ["stream begin", "source begin", LEAVES, "stream end CancelledError at an await"]


@pytest.mark.parametrize(
    ("scenario", "answer", "saw"),
    [
        ("nested", Word.ANSWERED, Word.SUSPENDED),
        ("nested", Word.NO_ANSWER, Word.SUSPENDED_OR_RUNNING),
        ("relay", Word.ANSWERED, Word.SUSPENDED_OR_RUNNING),
    ],
)
def test_a_source_that_another_task_may_read_is_not_said_to_be_suspended(
    scenario: str, answer: Word, saw: Word
) -> None:
    found = saws_of(scenario, *SOURCE_STAYS, 2000, CLOSES, f"liveness saw {answer}")
    assert found["source"] == (saw,)


def test_a_stream_of_a_server_that_does_not_answer_is_not_said_to_be_suspended() -> None:
    found = saws_of("idle", "stream begin", LEAVES, 2000, CLOSES, "liveness saw no answer")
    assert found["stream-end"] == (Word.SUSPENDED_OR_RUNNING,)


def test_only_a_stream_that_relays_has_an_upstream() -> None:
    relaying = [s for s in SCENARIOS if Surface.UPSTREAM in surfaces_of(s.id, frozenset())]
    assert relaying == [s for s in SCENARIOS if s.relays]


CLEANUPS: list[tuple[list[Line], str]] = [
    ([], Word.DID_NOT_RUN),
    (["cleanup begin"], Word.STILL_RUNNING),
    (["cleanup begin", "cleanup end"], Word.FINISHED),
    (["cleanup begin", "cleanup end", "asgi end"], Word.FINISHED),
    (["cleanup begin", "asgi end", "cleanup end"], Word.FINISHED_AFTER_APP),
    (["cleanup begin", "cleanup end CancelledError"], "CancelledError"),
    (["asgi end", "cleanup begin", "cleanup end CancelledError"], "CancelledError"),
    (
        [DROPPED, "cleanup saw GeneratorExit", "cleanup begin", "cleanup end"],
        Word.REFERENCE_DROPPED,
    ),
    ([FOUND, "cleanup saw GeneratorExit", "cleanup begin", "cleanup end"], Word.GARBAGE_COLLECTED),
]


@pytest.mark.parametrize(("lines", "saw"), CLEANUPS)
def test_how_a_cleanup_came_out(lines: list[Line], saw: str) -> None:
    assert saws_of("cleanup-await", "stream begin", LEAVES, *lines)["cleanup"] == (saw,)


@pytest.mark.parametrize("scenario", ["complete", "shutdown", "plain-error"])
def test_a_client_that_stays_says_what_it_got(scenario: str) -> None:
    stayed = trial(scenario, got="200, 5 events, ended")
    found = classify_trial(stayed, BY_ID[scenario], ())
    assert found["client"] == ("200, 5 events, ended",)


def test_a_client_that_leaves_is_not_asked_what_it_got() -> None:
    assert "client" not in surfaces_of("idle", frozenset())


# --- What comes after the closing of the window.


def test_what_comes_after_the_window_does_not_count() -> None:
    found = saws_of(
        "idle", "asgi begin", "stream begin", LEAVES, CLOSES,
        "stream end CancelledError at an await", "server-log saw ValueError", "asgi end",
    )  # fmt: skip
    assert found["stream-end"] == (Word.SUSPENDED,)
    assert found["asgi"] == (Word.STILL_RUNNING,)
    assert found["server-log"] == (Word.NOTHING,)


def test_what_the_collection_causes_is_not_attributed_to_the_stack() -> None:
    found = saws_of(
        "cleanup-task", "dependency begin", "stream begin", LEAVES, CLOSES, COLLECTS,
        "stream saw GeneratorExit at a yield", "cleanup begin", "cleanup end",
        "stream end GeneratorExit at a yield", "dependency end GeneratorExit",
        declared=("dependency",),
    )  # fmt: skip
    assert found["stream-end"] == (Word.GARBAGE_COLLECTED,)
    assert found["dependency"] == (Word.STILL_RUNNING,)
    assert found["cleanup"] == (Word.DID_NOT_RUN,)


def test_a_cancellation_after_another_trials_collection_is_still_a_cancellation() -> None:
    found = saws_of(
        "idle", "stream begin", LEAVES, COLLECTS, "stream end CancelledError at an await"
    )
    assert found["stream-end"] == (Word.CANCELLED_AT_AWAIT,)


# --- A silence must be earned.

SILENT: list[tuple[str, str]] = [
    ("handler", "plain-error"),
    ("handler-app-error", "plain-app-error"),
    ("handler-cancelled", "plain-cancelled"),
    ("middleware", "plain-error"),
    ("dependency", "plain-error"),
    ("background", "complete"),
    (HOOK, "plain-error"),
    ("server-log", "plain-error"),
]
"""The surfaces whose silence must be proven, and the control that has to prove it."""


def _silence(surface: str) -> Word:
    span = surface in ("middleware", "dependency", "background")
    return Word.DID_NOT_RUN if span else Word.NOTHING


@pytest.mark.parametrize(("surface", "control"), SILENT)
def test_a_silence_counts_where_the_surface_saw_something_elsewhere(
    surface: str, control: str
) -> None:
    lines = [f"{surface} begin", f"{surface} saw ValueError", f"{surface} end ValueError"]
    elsewhere = trial("error-mid-stream", *lines)
    known = stack_result(trial("idle", LEAVES), elsewhere, trial(control), surfaces=DECLARED)
    assert saws(known, "idle", surface) == (_silence(surface),)


@pytest.mark.parametrize(("surface", "control"), SILENT)
def test_a_silence_is_earned_by_other_trials_that_are_given_as_proof(
    surface: str, control: str
) -> None:
    lines = [f"{surface} begin", f"{surface} saw ValueError", f"{surface} end ValueError"]
    known = stack_result(trial("error-mid-stream", *lines), trial(control), surfaces=DECLARED)
    (alone,) = classify_trials(known, [trial("idle", LEAVES)])
    assert alone.saws[surface] == (Word.INCONCLUSIVE,)
    (proven,) = classify_trials(known, [trial("idle", LEAVES)], classify(known))
    assert proven.saws[surface] == (_silence(surface),)


@pytest.mark.parametrize(("surface", "control"), SILENT)
def test_a_surface_that_its_control_did_not_reach_is_never_reached(
    surface: str, control: str
) -> None:
    known = stack_result(trial("idle", LEAVES), trial(control), surfaces=DECLARED)
    assert saws(known, "idle", surface) == (Word.UNREACHED,)


@pytest.mark.parametrize(("surface", "control"), SILENT)
def test_without_its_own_control_a_silence_proves_nothing(surface: str, control: str) -> None:
    others = [trial(other) for other in BY_ID if other not in (control, "idle")]
    known = stack_result(trial("idle", LEAVES), *others, surfaces=DECLARED)
    assert saws(known, "idle", surface) == (Word.INCONCLUSIVE,)


@pytest.mark.parametrize(("surface", "control"), SILENT)
def test_a_control_that_failed_proves_nothing(surface: str, control: str) -> None:
    failed = trial(control, failure=Word.SERVER_EXITED)
    known = stack_result(trial("idle", LEAVES), failed, surfaces=DECLARED)
    assert saws(known, "idle", surface) == (Word.INCONCLUSIVE,)


@pytest.mark.parametrize("surface", ["handler", "handler-app-error", "handler-cancelled"])
def test_a_handler_that_could_not_be_registered_is_rejected(surface: str) -> None:
    known = stack_result(
        trial("idle", LEAVES),
        ORDINARY_ERROR,
        surfaces=DECLARED,
        rejected_registrations={surface: "TypeError: not an exception class"},
    )
    assert saws(known, "idle", surface) == (Word.REJECTED,)


@pytest.mark.parametrize(
    ("surface", "lines"),
    [
        ("middleware", ["middleware begin", "middleware end"]),
        ("middleware", ["middleware begin", "middleware end", LEAVES]),
        ("middleware", ["middleware begin"]),
        (HOOK, [f"{HOOK} saw called"]),
        (HOOK, [f"{HOOK} saw called", LEAVES]),
        ("server-log", ["server-log saw error line"]),
        ("handler", ["handler saw ValueError"]),
    ],
)
def test_anything_that_a_surface_saw_proves_that_it_is_in_place(
    surface: str, lines: list[Line]
) -> None:
    known = stack_result(
        trial("idle", LEAVES), trial("complete", *lines), ORDINARY_ERROR, surfaces=DECLARED
    )
    assert saws(known, "idle", surface) == (_silence(surface),)


@pytest.mark.parametrize("surface", ["stream", "source", "endpoint", "receive", "asgi"])
def test_what_every_app_has_needs_no_proof(surface: str) -> None:
    lines = ["receive begin", LEAVES]
    (saw,) = saws(stack_result(trial("idle", *lines), ORDINARY_ERROR), "idle", surface)
    assert saw in (Word.NOTHING, Word.DID_NOT_RUN)


@pytest.mark.parametrize("surface", OPTIONAL)
def test_what_an_app_does_not_declare_is_not_applicable(surface: str) -> None:
    failed = trial("idle", LEAVES, failure=Word.SERVER_EXITED)
    assert saws(stack_result(failed, ORDINARY_ERROR), "idle", surface) == (Word.NOT_APPLICABLE,)


def test_hooks_are_looked_at_only_where_they_are_declared() -> None:
    assert HOOK in surfaces_of("idle", frozenset(DECLARED))
    assert HOOK not in surfaces_of("idle", frozenset(OPTIONAL))


def test_a_log_with_lines_that_are_attributed_to_no_trial_is_not_said_to_be_silent() -> None:
    proof = trial("plain-error", "endpoint begin", "server-log saw ValueError")
    silent = [trial(scenario, LEAVES) for scenario in ("idle", "aclosing-in-idle", "post")]

    def logs(*unattributed: str) -> dict[str, tuple[str, ...]]:
        known = stack_result(proof, *silent, unattributed=unattributed)
        return {t.trial.scenario: t.saws["server-log"] for t in classify(known)}

    all_silent = logs()
    assert {all_silent[t.scenario] for t in silent} == {(Word.NOTHING,)}
    # The line of a group is kept under the first of its scenarios, and may be of any of them.
    some_logged = logs("idle: error line", "try-finally-in-idle: error line")
    assert some_logged["idle"] == some_logged["aclosing-in-idle"] == (Word.INCONCLUSIVE,)
    assert some_logged["post"] == (Word.NOTHING,)


# --- Failures.


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_a_trial_that_failed_gives_its_reason_on_every_surface(failure: Word) -> None:
    lines = ["stream begin", "handler saw ValueError", LEAVES, "liveness saw answered"]
    failed = trial("idle", *lines, failure=failure)
    for surface, saw in classify_trial(failed, BY_ID["idle"], DECLARED).items():
        assert saw == (failure,), surface


def test_a_failure_does_not_prove_that_a_handler_is_in_place() -> None:
    failed = trial("plain-cancelled", failure=Word.SERVER_EXITED)
    known = stack_result(trial("idle", LEAVES), failed, ORDINARY_ERROR, surfaces=DECLARED)
    assert saws(known, "idle", "handler") == (Word.UNREACHED,)


# --- Every scenario, every surface.


def _silent_trial(scenario: Scenario) -> Trial:
    """A trial in which nothing was seen but what the harness itself records at its end."""
    if scenario.signal:
        return trial(scenario.id, LEAVES, "exit saw still running", got=Word.NO_RESPONSE)
    return trial(scenario.id, "liveness saw no answer", got=Word.NO_RESPONSE)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.id for scenario in SCENARIOS])
def test_every_surface_of_every_scenario_has_one_observation(scenario: Scenario) -> None:
    declared = [*DECLARED, *filter(None, [scenario.surface])]
    for known in (_silent_trial(scenario), trial(scenario.id, failure=Word.NOT_REACHED)):
        known = msgspec.structs.replace(known, alone=True)
        found = StackOutcomes(stack_result(known, surfaces=declared)).observations
        rows = [row for row in found if row.scenario == scenario.id]
        assert {row.surface for row in rows} == set(surfaces_of(scenario.id, frozenset(declared)))
        assert {(row.n, row.of) for row in rows} == {(1, 1)}


def test_the_exit_of_a_server_that_recipes_share_is_none_of_theirs() -> None:
    shared = _silent_trial(BY_ID["anyio-shield-in-shutdown"])
    assert Surface.EXIT not in classify_trial(shared, BY_ID[shared.scenario], ())
    alone = msgspec.structs.replace(shared, alone=True)
    assert Surface.EXIT in classify_trial(alone, BY_ID[shared.scenario], ())


def test_a_generator_whose_reference_goes_after_the_window_was_still_suspended() -> None:
    late = (CLOSES, "stream dropped reference dropped", "stream end GeneratorExit at a yield")
    found = saws_of("idle", "stream begin", LEAVES, *late)
    assert found["stream-end"] == (Word.SUSPENDED,)


def test_the_surfaces_of_all_scenarios_are_those_of_the_vocabulary() -> None:
    looked_at = {s for scenario in SCENARIOS for s in surfaces_of(scenario.id, frozenset())}
    assert looked_at == set(Surface)


def test_surfaces_are_in_the_order_of_the_vocabulary_with_hooks_after_the_middleware() -> None:
    hooks = [f"hook:{letter}" for letter in "abcdef"]
    found = list(surfaces_of("idle", frozenset({*hooks, *OPTIONAL})))
    after = found.index("middleware") + 1
    assert found[after : after + len(hooks)] == hooks
    others = found[:after] + found[after + len(hooks) :]
    assert others == [surface for surface in Surface if surface in others]


def test_a_plain_endpoint_has_no_stream_to_look_at() -> None:
    plain = set(surfaces_of("plain-error", frozenset(DECLARED)))
    streaming = set(surfaces_of("idle", frozenset(DECLARED)))
    assert streaming - plain == {"stream", "stream-end", "source", "background"}


def test_trials_of_a_scenario_that_no_longer_exists_are_left_out() -> None:
    assert classify(stack_result(trial("of-yesterday", LEAVES))) == []


def test_every_word_of_the_vocabulary_has_its_example_here() -> None:
    shown = {saw for *_, words in EXAMPLES for saw in words}
    shown |= {saw for _, saw in CLEANUPS}
    shown |= {saw for _, saw in UPSTREAMS}
    shown |= {word for _, *words in POLLING for word in words}
    shown |= {*EXITS, Word.UNREACHED, Word.INCONCLUSIVE, Word.REJECTED, Word.NOT_APPLICABLE}
    of_the_client = {Word.WHOLE, Word.CUT_OFF, Word.NEVER_ENDED, Word.NO_RESPONSE}
    assert set(Word) - shown - FAILURES - of_the_client == set()


# --- What is said of a surface in the light of another one.


def test_the_last_send_of_a_stream_that_is_still_sending_is_not_suspended() -> None:
    flood = ("stream begin", LEAVES, 1000, "send begin #1", "send end #1", "send begin #2", CLOSES)
    found = saws_of("firehose", *flood)
    assert found["send"] == (Word.RETURNED,)
    assert found["stream-end"] == (Word.STILL_RUNNING,)


def test_a_stream_whose_last_send_was_cancelled_late_is_not_running() -> None:
    stalled = ("stream begin", "send begin #1", LEAVES, 1000, "send end #1 CancelledError", CLOSES)
    assert saws_of("shutdown-stalled", *stalled)["stream-end"] == (Word.SUSPENDED,)


@pytest.mark.parametrize(
    ("begun", "endpoint"),
    [
        (["endpoint begin"], Word.STILL_RUNNING),
        (["endpoint begin", "stream begin"], Word.SUSPENDED),
    ],
)
def test_an_endpoint_around_its_stream_is_suspended_where_the_stream_is(
    begun: list[Line], endpoint: Word
) -> None:
    assert saws_of("backpressure", *begun, LEAVES, CLOSES)["endpoint"] == (endpoint,)


# --- A stream that asks whether its client has gone: lines, the answer, how the stream ended.

POLLING: list[tuple[list[Line], str, str]] = [
    (["is_disconnected begin", LEAVES, "is_disconnected saw returned True", "stream end"],
     Word.RETURNED_TRUE, Word.ENDED_ITSELF),
    (["is_disconnected begin", LEAVES, "stream end"], Word.NEVER_TRUE, Word.COMPLETED),
    (["is_disconnected begin", LEAVES, "stream end CancelledError at an await"],
     Word.NEVER_TRUE, Word.CANCELLED_AT_AWAIT),
    ([LEAVES, "stream end"], Word.DID_NOT_RUN, Word.COMPLETED),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "answer", "ended"), POLLING)
def test_what_a_stream_that_polls_was_answered(lines: list[Line], answer: str, ended: str) -> None:
    found = saws_of("polling", "stream begin", *lines)
    assert (found["is_disconnected"], found["stream-end"]) == ((answer,), (ended,))


def test_only_a_stream_that_polls_is_answered() -> None:
    polling = [s for s in SCENARIOS if Surface.IS_DISCONNECTED in surfaces_of(s.id, frozenset())]
    assert polling == [s for s in SCENARIOS if s.script.polls]


def test_a_trial_waits_for_the_end_of_every_surface_that_is_classified_by_how_it_ended() -> None:
    by_their_end = (
        classification._span,
        classification._stream,
        classification._source,
        classification._cleanup,
    )
    waited_for = {s for s, rule in classification._RULES.items() if rule in by_their_end}
    assert waited_for == SPANS


def test_a_handler_that_a_blocked_event_loop_could_not_call_is_inconclusive() -> None:
    proof = trial("plain-error", "handler saw ValueError", "liveness saw answered")
    lines = ("stream begin", LEAVES, "liveness saw {}")
    blocked, served = (
        trial("firehose", *(line.format(word) for line in lines), repeat=n)
        for n, word in enumerate(("no answer", "answered"), start=1)
    )
    known = stack_result(proof, blocked, served, surfaces=["handler"])
    _, first, second = classify(known)
    assert first.saws["handler"] == (Word.INCONCLUSIVE,)
    assert second.saws["handler"] == (Word.NOTHING,)
