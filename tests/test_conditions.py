"""Conditions: what confirms them, what refutes them, and what decides nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import get_args

import pytest

from hangup.analysis import conditions
from hangup.analysis.classification import classify
from hangup.analysis.conditions import decide, looks_complete, reports_errors, why_undecided
from hangup.model.conditions import (
    AN_EXCEPTION,
    All,
    Before,
    Came,
    Condition,
    Either,
    Elapsed,
    LooksComplete,
    Mark,
    Not,
    PathCondition,
    Pending,
    Saw,
    SawAny,
    SendsAfter,
    SentAfter,
    SpecVersion,
    Status,
    Unreported,
    When,
)
from hangup.model.trace import Trial
from hangup.model.vocabulary import FAILURES, HANDLERS, Surface, Word
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, classified, stack_result, trial

SILENT_HANDLER = Saw("handler", frozenset({Word.NOTHING}), frozenset({AN_EXCEPTION}))
CUT_SHORT = Saw("cleanup", frozenset({"CancelledError"}), frozenset({AN_EXCEPTION, Word.FINISHED}))
ENDED = Saw("stream-end", frozenset({Word.CANCELLED_AT_AWAIT}), frozenset({Word.COMPLETED}))
ANY_END = SawAny("stream-end", frozenset({Word.CANCELLED_AT_AWAIT}))
ENDPOINT_FIRST = Before(Mark("endpoint", "end"), Mark("stream", "begin"))
LISTENS = Pending("receive", Mark("client", "leaves"))
STARTED: tuple[Line, ...] = ("stream begin", LEAVES)
CANCELLED: tuple[Line, ...] = (*STARTED, "stream end CancelledError at an await")
STEP, OTHER_STEP = (Mark("cleanup", "did", detail=detail) for detail in ("one", "two"))
COMPLETED: tuple[Line, ...] = (*STARTED, "stream end")
SUSPENDED: tuple[Line, ...] = (*STARTED, CLOSES)
PROOF = trial("plain-error", "handler saw ValueError")

# The condition, lines that confirm it, lines that refute it, lines that do not decide it.
KINDS: list[tuple[Condition, Sequence[Line], Sequence[Line], Sequence[Line]]] = [
    (ENDED, CANCELLED, COMPLETED, SUSPENDED),
    (
        ENDPOINT_FIRST,
        ["endpoint begin", "endpoint end", "stream begin", LEAVES],
        ["endpoint begin", "stream begin", LEAVES, "endpoint end"],
        ["endpoint begin", "endpoint end", LEAVES],
    ),
    (
        LISTENS,
        ["receive begin", "receive end http.request", "receive begin", LEAVES],
        ["receive begin", "receive end http.request", LEAVES, "receive begin"],
        ["receive begin"],
    ),
    (
        SendsAfter(),
        [LEAVES, "receive end http.disconnect", "send begin #1", "send end #1 OSError"],
        [LEAVES, "receive end http.disconnect", "send begin #1", "send end #1"],
        [LEAVES, "receive end http.disconnect", "send begin #1", "send end #1 CancelledError"],
    ),
    (
        # A send() that was under way when the app was given the disconnect says nothing; where
        # one raises and another one returns, the one that returns refutes it.
        SendsAfter(),
        ["send begin #1", LEAVES, "send begin #2", "receive end http.disconnect", "send end #1",
         "send end #2", "send begin #3", "send end #3 OSError"],
        [LEAVES, "send begin #1", "send end #1 OSError", "send begin #2", "send end #2"],
        ["send begin #1", LEAVES, "receive end http.disconnect", "send end #1"],
    ),
    (
        All((ENDED, LISTENS)),
        ["receive begin", *CANCELLED],
        ["receive begin", *COMPLETED],
        ["receive begin", *SUSPENDED],
    ),
    (All((ENDED, LISTENS)), ["receive begin", *CANCELLED], CANCELLED, ["receive begin", LEAVES]),
    # One that is refuted refutes all, whatever is not known of the others.
    (All((ENDED, LISTENS)), ["receive begin", *CANCELLED], SUSPENDED, ["stream begin"]),
    (Either((ENDED, LISTENS)), CANCELLED, COMPLETED, SUSPENDED),
    (Not(ENDED), COMPLETED, CANCELLED, SUSPENDED),
    (
        Came(STEP, OTHER_STEP),
        [LEAVES, "cleanup did (one)"],
        [LEAVES, "cleanup did (two)"],
        [LEAVES, "cleanup did (three)", CLOSES, "cleanup did (one)"],
    ),
    (
        Elapsed(Mark("stream", "end"), 1.0),
        [LEAVES, 1000, "stream end"],
        [LEAVES, 998, "stream end"],
        [LEAVES, 1000],
    ),
    (
        SentAfter(Mark("handler", "saw")),
        ["handler saw OSError", "send begin #1", "send begin #2", "send end #1"],
        # One that was called before, one that raised, and one that did not return.
        ["send begin #1", "handler saw OSError", "send end #1", "send begin #2",
         "send end #2 OSError", "send begin #3"],
        ["send begin #1", "send end #1"],
    ),
    (
        SpecVersion("2.4"),
        ["scope declares (2.10)"],
        ["scope declares (2.3)"],
        ["asgi begin"],
    ),
    (When(LISTENS, ENDED), ["receive begin", *CANCELLED], ["receive begin", *COMPLETED], COMPLETED),
]  # fmt: skip


def answer(condition: Condition, of: Trial, *, surfaces: Sequence[str] = ()) -> bool | None:
    """What a trial says, beside one that proves that the handler is in place."""
    known = stack_result(of, PROOF, surfaces=surfaces)
    return decide(condition, next(found for found in classify(known) if found.trial is of))


@pytest.mark.parametrize(
    ("condition", "confirming", "refuting", "undecided"),
    KINDS,
    ids=[f"{type(kind[0]).__name__}-{i}" for i, kind in enumerate(KINDS)],
)
def test_a_condition_is_confirmed_refuted_or_not_decided(
    condition: Condition,
    confirming: Sequence[Line],
    refuting: Sequence[Line],
    undecided: Sequence[Line],
) -> None:
    assert answer(condition, trial("idle", *confirming)) is True
    assert answer(condition, trial("idle", *refuting)) is False
    assert answer(condition, trial("idle", *undecided)) is None


@pytest.mark.parametrize(
    "condition",
    [*(kind[0] for kind in KINDS), ANY_END, Status("200"), LooksComplete(), Unreported()],
    ids=lambda condition: type(condition).__name__,
)
@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_a_trial_that_failed_decides_nothing(condition: Condition, failure: Word) -> None:
    lines = ["endpoint begin", "endpoint end", "receive begin", *CANCELLED,
             "send begin #1", "send end #1"]  # fmt: skip
    for scenario in ("idle", "error-mid-stream"):
        failed = trial(scenario, *lines, failure=failure, got="200, 3 events, ended")
        assert answer(condition, failed) is None


def test_there_is_a_rule_for_every_kind_of_condition() -> None:
    assert set(conditions._RULES) == set(get_args(Condition))


def test_an_event_that_did_not_come_refutes_that_it_came_if_no_other_is_named() -> None:
    came = Came(Mark("cleanup", "begin"))
    assert answer(came, trial("idle", LEAVES, "cleanup begin")) is True
    assert answer(came, trial("idle", LEAVES)) is False
    assert answer(came, trial("idle", LEAVES, CLOSES, "cleanup begin")) is False


def test_what_keeps_a_condition_from_being_true_is_named() -> None:
    suspended = classified(trial("idle", "receive begin", *SUSPENDED))
    told = ("stream-end", (Word.SUSPENDED,))
    assert why_undecided(ENDED, suspended) == told
    assert why_undecided(All((LISTENS, ENDED)), suspended) == told
    assert why_undecided(Either((Not(LISTENS), ENDED)), suspended) == told
    assert why_undecided(When(ENDED, LISTENS), suspended) == told
    assert why_undecided(When(LISTENS, ENDED), suspended) == told
    assert why_undecided(Not(ENDED), suspended) == told
    assert why_undecided(Unreported(), suspended) == (None, ())
    assert why_undecided(SendsAfter(), suspended) == ("send", (Word.NOT_CALLED,))


# --- What a surface saw.


def test_a_silence_decides_only_where_it_is_earned() -> None:
    silent = trial("idle", LEAVES)
    assert answer(SILENT_HANDLER, silent, surfaces=["handler"]) is True
    (alone,) = classify(stack_result(silent, surfaces=["handler"]))
    assert decide(SILENT_HANDLER, alone) is None
    called = trial("idle", LEAVES, "handler saw OSError")
    assert answer(SILENT_HANDLER, called, surfaces=["handler"]) is False


@pytest.mark.parametrize(
    ("saw", "expected"), [(" CancelledError", True), (" OSError", False), ("", False)]
)
def test_an_exception_that_is_named_is_not_just_any_exception(saw: str, expected: bool) -> None:
    cleans_up = trial("cleanup-await", *STARTED, "cleanup begin", f"cleanup end{saw}")
    assert answer(CUT_SHORT, cleans_up) is expected


def test_a_surface_that_was_not_looked_at_decides_nothing() -> None:
    exits = Saw("exit", frozenset({Word.EXITED}), frozenset({Word.STILL_RUNNING}))
    assert answer(exits, trial("idle", *CANCELLED)) is None
    assert answer(SawAny("exit", frozenset({Word.EXITED})), trial("idle", *CANCELLED)) is None


def test_one_of_several_observations_is_enough_to_refute() -> None:
    both = Saw("stream", frozenset({"CancelledError"}), frozenset({"ValueError"}))
    lines = [*STARTED, "stream saw CancelledError at an await", "stream end ValueError"]
    assert answer(both, trial("idle", *lines)) is False


def test_one_of_several_observations_is_enough_for_saw_any() -> None:
    lines = [*STARTED, "stream saw CancelledError at an await", "stream end ValueError"]
    seen = trial("idle", *lines)
    assert answer(SawAny("stream", frozenset({"ValueError"})), seen) is True
    assert answer(SawAny("stream", frozenset({AN_EXCEPTION})), seen) is True
    assert answer(SawAny("stream", frozenset({"OSError"})), seen) is False


# --- What the client got.


@pytest.mark.parametrize(
    ("got", "expected"),
    [("200, 3 events, cut off", True), ("500, ended", False), (Word.NO_RESPONSE, None), ("", None)],
)
def test_a_status_is_what_the_client_got(got: str, expected: bool | None) -> None:
    assert answer(Status("200"), trial("error-mid-stream", got=got)) is expected


@pytest.mark.parametrize(
    ("got", "expected"),
    [
        ("200, 3 events, ended", True),
        ("200, 3 events, not ended", False),
        ("200, 3 events, cut off", False),
        ("500, ended", False),
        (Word.NO_RESPONSE, False),
    ],
)
def test_only_a_success_with_a_proper_end_looks_complete(got: str, expected: bool) -> None:
    assert looks_complete(got) is expected
    assert answer(LooksComplete(), trial("error-mid-stream", got=got)) is expected


def test_a_client_that_left_does_not_decide_what_it_got() -> None:
    assert answer(LooksComplete(), trial("idle", *CANCELLED)) is None
    assert answer(Status("200"), trial("idle", *CANCELLED)) is None


# --- Who was told of an error.


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([], True),
        (["handler saw ValueError"], False),
        (["hook:h saw ValueError"], False),
        (["hook:h saw called"], True),
        (["server-log saw error line"], False),
        (["middleware begin", "middleware end ValueError"], True),
    ],
)
def test_an_error_is_unreported_if_no_handler_hook_or_log_saw_it(
    lines: list[Line], expected: bool
) -> None:
    seen = classified(trial("error-mid-stream", *lines), "handler", "hook:h", "middleware")
    assert decide(Unreported(), seen) is expected


def test_handlers_hooks_and_the_log_report_errors() -> None:
    reporting = {surface for surface in Surface if reports_errors(surface)}
    assert reporting == {*HANDLERS, Surface.SERVER_LOG}
    assert reports_errors("hook:teardown")


# --- The order of events.


def test_an_event_may_be_told_by_what_was_sent_or_seen() -> None:
    started = trial(
        "error-mid-stream",
        "send begin (http.response.start)",
        "stream begin",
        "stream end ValueError",
    )
    sent = trial("error-mid-stream", "send begin", "stream begin", "stream end ValueError")
    response_start = Mark("send", "begin", detail="http.response.start")
    failed = Before(response_start, Mark("stream", "end", saw="ValueError"))
    assert answer(failed, started) is True
    assert answer(failed, sent) is False
    assert answer(Before(response_start, Mark("stream", "end", saw="OSError")), started) is None


def test_what_comes_after_the_window_has_no_place_in_the_order() -> None:
    order = Before(Mark("stream", "end"), Mark("dependency", "end"))
    late = [*STARTED, "dependency begin", "dependency end", CLOSES, COLLECTS,
            "stream end GeneratorExit at a yield"]  # fmt: skip
    assert answer(order, trial("idle", *late), surfaces=["dependency"]) is False
    later = [*STARTED, "dependency begin", CLOSES, COLLECTS,
             "stream end GeneratorExit at a yield", "dependency end"]  # fmt: skip
    assert answer(order, trial("idle", *later), surfaces=["dependency"]) is None


# --- What a condition reads.


def test_a_path_condition_is_never_asked_of_a_trial() -> None:
    path = PathCondition("passes-no-handler")
    assert PathCondition not in get_args(Condition)
    assert path.surfaces == ()
    with pytest.raises(KeyError):
        decide(path, classified(trial("idle", *CANCELLED)))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("condition", "surfaces"),
    [
        (ENDED, ("stream-end",)),
        (ANY_END, ("stream-end",)),
        (Status("200"), ("client",)),
        (LooksComplete(), ("client",)),
        (Unreported(), ()),
        (ENDPOINT_FIRST, ("endpoint", "stream")),
        (LISTENS, ("receive",)),
        (SendsAfter(), ("send",)),
        (Came(STEP), ("cleanup",)),
        (Elapsed(STEP, 1.0), ("cleanup",)),
        (SentAfter(Mark("handler", "saw")), ("send", "handler")),
        (SpecVersion("2.4"), ()),
        (Not(ENDED), ("stream-end",)),
        (All((LISTENS, ENDED)), ("receive", "stream-end")),
        (Either((LISTENS, ENDED)), ("receive", "stream-end")),
        # What is asked for comes first, then what it is asked under.
        (When(ENDED, SILENT_HANDLER), ("handler", "stream-end")),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_condition_names_the_surfaces_it_reads(
    condition: Condition, surfaces: tuple[str, ...]
) -> None:
    assert condition.surfaces == surfaces


# --- What is not known never becomes a yes or a no.


def test_a_silence_that_is_not_earned_does_not_decide_what_a_surface_saw() -> None:
    (silent,) = classify(stack_result(trial("idle", LEAVES), surfaces=["handler"]))
    assert silent.saws["handler"] == (Word.INCONCLUSIVE,)
    assert decide(SawAny("handler", frozenset({AN_EXCEPTION})), silent) is None
    assert decide(SawAny("middleware", frozenset({AN_EXCEPTION})), silent) is None


def test_an_error_is_not_said_to_be_unreported_where_a_silence_is_not_earned() -> None:
    failed = trial("error-mid-stream", "stream begin", "stream end ValueError")
    (alone,) = classify(stack_result(failed))
    assert alone.saws["server-log"] == (Word.INCONCLUSIVE,)
    assert decide(Unreported(), alone) is None
    logged = trial("plain-error", "server-log saw ValueError")
    (proven, _) = classify(stack_result(failed, logged))
    assert decide(Unreported(), proven) is True
