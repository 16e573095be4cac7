"""What is said of a stack first rests on what is known of it, and on nothing else."""

from __future__ import annotations

import pytest

from hangup.analysis.hazards import found_hazards
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.summary import (
    Among,
    SeenBy,
    could_have_seen,
    error_reporting_surfaces,
    same_events,
    seen_of_disconnects,
)
from hangup.model.scenarios import SCENARIOS
from hangup.model.trace import Trial
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
    assert found_hazards(seen) == []
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


# --- Handlers, hooks and the log.


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
