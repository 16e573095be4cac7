"""What is said of a stack first rests on what is known of it, and on nothing else."""

from __future__ import annotations

import pytest

from hangup.analysis.hazards import found_hazards
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.summary import (
    Among,
    Headline,
    SeenBy,
    could_have_seen,
    error_reporting_surfaces,
    headlines,
    late_finally,
    same_events,
    seen_of_disconnects,
    unfinished_cleanups,
)
from hangup.model.scenarios import SCENARIOS
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import FAILURES, OPTIONAL, Word
from hangup.report.views import global_handlers, is_applicable_anywhere
from tests.traces import CLOSES, COLLECTS, LEAVES, stack, stack_result, trial

ONE = stack()
CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
SUSPENDED = ("stream begin", LEAVES, CLOSES)
COLLECTED = (*SUSPENDED, COLLECTS, "stream end GeneratorExit at a yield")
NOT_NOTIFIED = ("endpoint begin", LEAVES, CLOSES)
PROOF = trial("plain-error", "handler saw ValueError", "server-log saw ValueError")


def outcomes(*trials: Trial, surfaces: tuple[str, ...] = ()) -> Outcomes:
    return Outcomes([stack_result(*trials, surfaces=surfaces)])


# --- What is not known is counted nowhere.


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_a_stack_of_which_nothing_is_known_is_counted_nowhere(failure: Word) -> None:
    failed = [trial(s.id, failure=failure) for s in SCENARIOS if s.kind != "recipe"]
    seen = outcomes(*failed, surfaces=OPTIONAL)
    assert headlines(seen, [ONE]) == []
    assert found_hazards(seen) == []
    assert late_finally(seen, ONE) == Among((), ())
    assert unfinished_cleanups(seen, ONE) == Among((), ())
    assert seen_of_disconnects(seen, ONE) == ()
    assert not could_have_seen(seen, ONE)


def test_a_silence_that_is_not_earned_is_not_said_to_be_nothing() -> None:
    silent = trial("idle", *CANCELLED)
    unproven = outcomes(silent, surfaces=("handler",))
    assert seen_of_disconnects(unproven, ONE) == ()
    assert not could_have_seen(unproven, ONE)
    proven = outcomes(silent, PROOF, surfaces=("handler",))
    assert seen_of_disconnects(proven, ONE) == ()
    assert could_have_seen(proven, ONE)


# --- At a glance.


def test_finally_is_late_where_nothing_but_the_collector_ended_the_stream() -> None:
    seen = outcomes(
        trial("idle", *CANCELLED),
        trial("post", *SUSPENDED),
        trial("ticking", *CANCELLED),
        trial("ticking", *COLLECTED, repeat=2),
        trial("nested", failure=Word.NOT_REACHED),
    )
    # In the order of the scenarios, not of the trials.
    assert late_finally(seen, ONE) == Among(("ticking", "post"), ("idle", "ticking", "post"))


def test_a_cleanup_is_unfinished_if_it_did_not_finish_in_every_trial() -> None:
    finished = ("cleanup begin", "cleanup end")
    seen = outcomes(
        trial("cleanup-await", *CANCELLED, *finished),
        trial("cleanup-await", *CANCELLED, "cleanup begin", "cleanup end CancelledError", repeat=2),
        trial("cleanup-task", *CANCELLED, "cleanup begin", "asgi end", "cleanup end"),
        trial("cleanup-anyio-shield", *CANCELLED, *finished),
        trial("cleanup-swallow", failure=Word.NOT_REACHED),
    )
    ran = ("cleanup-await", "cleanup-anyio-shield", "cleanup-task")
    assert unfinished_cleanups(seen, ONE) == Among(("cleanup-await",), ran)


def test_what_handlers_hooks_and_the_log_saw_of_disconnects_is_listed_by_surface() -> None:
    asgi = ("asgi begin", "asgi end")
    seen = outcomes(
        trial("idle", *asgi, *CANCELLED, "handler saw CancelledError"),
        trial("post", *asgi, *CANCELLED, "hook:a saw called", "server-log saw error line"),
        trial("nested", *asgi, "hook:a saw called", *CANCELLED),
        trial("idle-rst", *asgi, *CANCELLED, "middleware begin", "middleware end CancelledError"),
        surfaces=("handler", "middleware", "hook:a"),
    )
    ran = ("idle", "nested", "post", "idle-rst")
    # A hook that was called before the client left did not see the disconnect, and middleware
    # is no handler.
    assert seen_of_disconnects(seen, ONE) == (
        SeenBy("handler", Among(("idle",), ran)),
        SeenBy("hook:a", Among(("post",), ran)),
        SeenBy("server-log", Among(("post",), ran)),
    )
    assert error_reporting_surfaces(seen, ONE, "idle") == [
        "handler",
        "handler-app-error",
        "handler-cancelled",
        "hook:a",
        "server-log",
    ]


# --- Headlines.


def test_a_headline_names_the_stacks_it_was_found_on_and_those_it_was_asked_of() -> None:
    told, untold, failed = stack("a"), stack("b"), stack("c")
    results = [
        stack_result(
            trial("before-response", "endpoint begin", LEAVES, "endpoint end CancelledError"),
            of=told,
        ),
        stack_result(trial("before-response", *NOT_NOTIFIED), of=untold),
        stack_result(trial("before-response", failure=Word.NOT_REACHED), of=failed),
    ]
    stacks = [told, untold, failed]
    found = headlines(Outcomes(results), stacks)
    assert found == [Headline("endpoint-not-notified", (untold,), (told, untold))]


def test_a_stack_is_always_cancelled_at_an_await_only_if_nothing_else_was_seen() -> None:
    always, not_always = stack("a"), stack("b")
    results = [
        stack_result(trial("idle", *CANCELLED), of=always),
        stack_result(trial("idle", *CANCELLED), trial("idle", *SUSPENDED, repeat=2), of=not_always),
    ]
    (found,) = headlines(Outcomes(results), [always, not_always])
    assert found == Headline("cancelled-at-await", (always,), (always, not_always))


def test_a_handler_that_was_called_for_some_disconnect_makes_a_headline() -> None:
    called, silent, without = stack("a"), stack("b"), stack("c")
    surfaces = ("handler",)
    results = [
        stack_result(trial("post", LEAVES, "handler saw OSError"), surfaces=surfaces, of=called),
        stack_result(trial("post", LEAVES), PROOF, surfaces=surfaces, of=silent),
        stack_result(trial("post", LEAVES), PROOF, of=without),
    ]
    (found,) = headlines(Outcomes(results), [called, silent, without])
    assert found == Headline("handler-called", (called,), (called, silent))


def everything_wrong() -> StackResult:
    """A stack on which every headline is found."""
    flood = ("stream begin", LEAVES, 20, "send begin #1", "send end #1", CLOSES)
    failed = ("stream begin", "stream end ValueError at an await")
    return stack_result(
        trial("idle", *CANCELLED, "handler saw CancelledError"),
        trial("cleanup-await", *CANCELLED, "cleanup begin", "cleanup end CancelledError"),
        trial("backpressure", *COLLECTED),
        trial("backpressure-busy", "stream begin", LEAVES, "stream end"),
        trial("firehose", *flood, "liveness saw no answer"),
        trial("error-mid-stream", *failed, got="200, 3 events, ended"),
        trial("before-response", *NOT_NOTIFIED),
        trial("shutdown", *SUSPENDED, "exit saw still running"),
        surfaces=("handler",),
    )


def everything_right() -> StackResult:
    """The same scenarios, and no headline is found."""
    failed = ("stream begin", "stream end ValueError at an await")
    closed = ("stream begin", LEAVES, "stream end GeneratorExit at a yield")
    return stack_result(
        PROOF,
        trial("idle", *closed),
        trial("cleanup-await", *closed, "cleanup begin", "cleanup end"),
        trial("backpressure", *closed),
        trial("backpressure-busy", *closed),
        trial("firehose", *closed, "liveness saw answered"),
        trial("error-mid-stream", *failed, got="200, 3 events, cut off"),
        trial("before-response", "endpoint begin", LEAVES, "endpoint end CancelledError"),
        trial("shutdown", *closed, "exit saw exited"),
        surfaces=("handler",),
    )


def test_every_headline_can_be_found_and_not_found_in_one_order() -> None:
    wrong = headlines(Outcomes([everything_wrong()]), [ONE])
    right = headlines(Outcomes([everything_right()]), [ONE])
    assert [headline.id for headline in wrong] == [
        "cancelled-at-await",
        "handler-called",
        "await-cut-short",
        "late-under-backpressure",
        "completes-under-backpressure",
        "blocks-the-event-loop",
        "failure-looks-complete",
        "endpoint-not-notified",
        "slow-shutdown",
    ]
    assert {headline.found for headline in wrong} == {(ONE,)}
    assert [headline.id for headline in right] == [headline.id for headline in wrong]
    assert {headline.found for headline in right} == {()}


# --- Checks.


@pytest.mark.parametrize(
    ("received", "same"),
    [
        ([("1", "2"), ("1", "2")], True),
        ([("1", "2"), ("2", "1")], False),
        ([("1", "2"), ()], False),
        ([(), ()], False),
        ([], False),
    ],
)
def test_events_are_the_same_if_every_client_of_complete_got_the_same(
    received: list[tuple[str, ...]], same: bool
) -> None:
    results = [
        stack_result(trial("complete", received=got), trial("idle"), of=stack(str(i)))
        for i, got in enumerate(received)
    ]
    assert same_events(Outcomes(results)) is same


def test_a_trial_that_failed_does_not_say_that_other_events_were_received() -> None:
    got = trial("complete", received=("1", "2"))
    failed = trial("complete", repeat=2, failure=Word.SERVER_EXITED)
    assert same_events(outcomes(got, failed))


def test_the_global_handlers_of_a_group_are_those_that_any_app_of_it_has() -> None:
    results = [
        stack_result(trial("idle", *CANCELLED), surfaces=("hook:b", "middleware"), of=stack("a")),
        stack_result(trial("idle", *CANCELLED), surfaces=("hook:a", "handler"), of=stack("b")),
        stack_result(trial("idle", *CANCELLED), surfaces=("background",), of=stack("c")),
    ]
    seen = Outcomes(results)
    two = [stack("a"), stack("b")]
    assert global_handlers(seen, two, ["idle", "post"]) == [
        "handler",
        "middleware",
        "hook:a",
        "hook:b",
        "server-log",
    ]
    assert is_applicable_anywhere(seen, two, ["idle"], "handler")
    assert not is_applicable_anywhere(seen, two, ["idle"], "background")
    assert not is_applicable_anywhere(seen, two, ["post"], "handler")
