"""Claims: that their data are consistent, and what trials say of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from apps.common.cleanup import AWAIT_CANCELLED, CODE_AFTER
from hangup.analysis import claims
from hangup.analysis.claims import verdict, verdicts
from hangup.analysis.classification import surfaces_of
from hangup.analysis.conditions import decide
from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.environment.apps import find_apps
from hangup.model.claim import Citation, Claim, ClaimVerdict, Ruling, Undecided
from hangup.model.claims import BY_ID as CLAIM
from hangup.model.claims import CLAIMS
from hangup.model.conditions import (
    AN_EXCEPTION,
    Condition,
    PathCondition,
    PathQuestion,
    Saw,
)
from hangup.model.exception_path import Step
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.servers import SERVERS
from hangup.model.trace import TRACED, StackResult, Trial
from hangup.model.vocabulary import HOOK, OPTIONAL, Surface, Word
from tests.condition_parts import check_words
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

HOOKS = {
    surface
    for app in find_apps(Path(__file__).parent.parent / "apps").values()
    for surface in app.about.surfaces
    if surface.startswith(HOOK)
}
DECLARED = (*OPTIONAL, *sorted(HOOKS))

# --- The data.


def test_no_claim_is_there_twice() -> None:
    assert len(CLAIM) == len(CLAIMS)
    assert len({claim.text for claim in CLAIMS}) == len(CLAIMS)


def test_all_ten_claims_of_the_article_are_there() -> None:
    assert {claim.number for claim in CLAIMS} - {None} == set(range(1, 11))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_has_a_citation_and_a_sentence(claim: Claim) -> None:
    assert claim.cited
    assert claim.text.endswith(".")
    for citation in (*claim.cited, *claim.disputed_by):
        assert citation.title
        assert citation.url is not None or claim.number is not None
        assert citation.url is None or citation.url.startswith("https://")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_is_asked_where_there_is_an_answer(claim: Claim) -> None:
    assert claim.scenarios
    assert len(set(claim.scenarios)) == len(claim.scenarios)
    assert claim.module in {None, *(server.module for server in SERVERS)}
    for name in claim.scenarios:
        assert name in SCENARIOS
        looked_at = {*surfaces_of(name, frozenset(DECLARED)), Surface.CLIENT}
        if SCENARIOS[name].kind == "recipe":  # there is no probe in their streams
            looked_at.add(Surface.STREAM)
        assert set(claim.condition.surfaces) <= looked_at, name


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_word_of_a_claim_exists(claim: Claim) -> None:
    check_words(claim.condition)


# --- For every claim a trial that confirms it and one that refutes it.

STARTED: tuple[Line, ...] = ("stream begin", LEAVES)
CANCELLED: tuple[Line, ...] = (*STARTED, "stream end CancelledError at an await")
CLOSED: tuple[Line, ...] = (*STARTED, "stream end GeneratorExit at a yield")
COMPLETED: tuple[Line, ...] = (*STARTED, "stream end")
SUSPENDED: tuple[Line, ...] = (*STARTED, CLOSES)
COLLECTED: tuple[Line, ...] = (*SUSPENDED, COLLECTS, "stream end GeneratorExit at a yield")
FAILED: tuple[Line, ...] = ("stream begin", "stream end ValueError at an await")
CLEANED_UP: tuple[Line, ...] = (*CANCELLED, "cleanup begin", "cleanup end")
CUT_SHORT: tuple[Line, ...] = (*CANCELLED, "cleanup begin", "cleanup end CancelledError")
ANSWERED = "liveness saw answered"
FLOOD: tuple[Line, ...] = (*STARTED, 20, "send begin #1", "send end #1", CLOSES)
POLLED: tuple[Line, ...] = ("stream begin", "is_disconnected begin", LEAVES)
LISTENING: tuple[Line, ...] = ("asgi begin", "receive begin", "stream begin", "stream end")
CALLED_LATE: tuple[Line, ...] = (*FAILED, "handler saw ValueError")
ANSWERING: tuple[Line, ...] = (*CALLED_LATE, "send begin #9", "send end #9")
DECLARES, DECLARED_OLDER = "scope declares (2.4)", "scope declares (2.3)"
CUT_OFF, ERROR = "200, 3 events, cut off", "500, ended"

PROOF = trial("complete", "server-log saw ValueError",
              *(f"{surface} begin" for surface in DECLARED),
              *(f"{surface} saw ValueError" for surface in DECLARED))  # fmt: skip
"""A trial that proves that all handlers, hooks and the rest of what is optional are in place."""

Example = tuple[str, Sequence[Line], str | None]
"""A scenario, what was observed, and what the client got."""


def example(scenario: str, *lines: Line, got: str | None = None) -> Example:
    return scenario, lines, got


EXAMPLES: Mapping[str, tuple[Example, Example]] = {
    "cancelled-at-an-await": (example("idle", *CANCELLED), example("idle", *COMPLETED)),
    "handler-is-not-called": (
        example("idle", *CANCELLED, ANSWERED),
        example("idle", *CANCELLED, "handler saw CancelledError", ANSWERED),
    ),
    "endpoint-is-over-first": (
        example("idle", "endpoint begin", "endpoint end", *CANCELLED),
        example("idle", "endpoint begin", *STARTED, "endpoint end CancelledError"),
    ),
    "listens-while-it-sends": (
        example("idle", "receive begin", *CANCELLED),
        example("idle", *CANCELLED, "receive begin"),
    ),
    "hearing-it-ends-the-sending": (
        example("idle", "asgi begin", *STARTED, "receive end http.disconnect",
                "stream end CancelledError at an await", "asgi end"),
        example("idle", "asgi begin", *STARTED, "receive end http.disconnect", "stream end",
                "asgi end"),
    ),
    "normal-end-cancels-the-listening": (
        example("complete", *LISTENING, "receive end CancelledError", "asgi end"),
        example("complete", *LISTENING, "asgi end"),
    ),
    "status-is-out-first": (
        example("error-mid-stream", "send begin (http.response.start)", *FAILED),
        example("error-mid-stream", *FAILED, "send begin (http.response.start)"),
    ),
    "status-stays": (
        example("error-mid-stream", *FAILED, got=CUT_OFF),
        example("error-mid-stream", *FAILED, got=ERROR),
    ),
    "catching-it-detects-the-disconnect": (
        example("idle", *CANCELLED),
        example("idle", *CLOSED),
    ),
    "await-is-cancelled-again": (
        example("cleanup-await", *CUT_SHORT),
        example("cleanup-await", *CLEANED_UP),
    ),
    "new-task-runs": (
        example("cleanup-task", *CLEANED_UP),
        example("cleanup-task", *CANCELLED),
    ),
    "handler-misses-stream-errors": (
        example("error-mid-stream", *FAILED),
        example("error-mid-stream", *FAILED, "handler saw ValueError"),
    ),
    "handler-cannot-answer": (
        example("error-mid-stream", *FAILED, "handler saw ValueError", got=CUT_OFF),
        example("error-mid-stream", *FAILED, "handler saw ValueError", got=ERROR),
    ),
    "handled-inside-or-nowhere": (
        example("error-mid-stream", "asgi begin", *FAILED, "asgi end ValueError", got=CUT_OFF),
        example("error-mid-stream", "asgi begin", *FAILED, "asgi end", got=CUT_OFF),
    ),
    "finally-always-runs": (example("idle", *CANCELLED), example("idle", *SUSPENDED)),
    "generator-exit-is-no-disconnect": (
        example("idle", *CANCELLED),
        example("idle", *CLOSED),
    ),
    "left-at-a-yield-until-collected": (
        example("backpressure", *COLLECTED),
        example("backpressure", *CLOSED),
    ),
    "nested-source-is-not-closed": (
        example("nested", "source begin", *CANCELLED, CLOSES),
        example("nested", "source begin", *CANCELLED, "source end GeneratorExit at a yield"),
    ),
    "sync-generators-are-not-closed": (example("sync", *COMPLETED), example("sync", *CLOSED)),
    "no-await-starves-the-loop": (
        example("firehose", *FLOOD, "liveness saw no answer"),
        example("firehose", *FLOOD, ANSWERED),
    ),
    "swallowing-keeps-it-alive": (
        example("cleanup-swallow", *STARTED, "stream saw CancelledError at an await", "stream end"),
        example("cleanup-swallow", *CANCELLED),
    ),
    "is-disconnected-tells": (
        example("polling", *POLLED, "is_disconnected saw returned True", "stream end"),
        example("polling", *POLLED, "stream end"),
    ),
    "asking-does-no-harm": (
        example("polling", *POLLED, "is_disconnected saw returned True", "stream end"),
        example("polling", *POLLED, "stream end"),
    ),
    "not-told-before-the-response": (
        example("before-response", "endpoint begin", LEAVES, CLOSES),
        example("before-response", "endpoint begin", LEAVES, "endpoint end CancelledError"),
    ),
    "send-raises-from-spec-2.4": (
        example("ticking", DECLARES, LEAVES, "send begin #1", "send end #1 OSError"),
        example("ticking", DECLARES, LEAVES, "send begin #1", "send end #1"),
    ),
    "send-returns-before-spec-2.4": (
        example("ticking", DECLARED_OLDER, LEAVES, "send begin #1", "send end #1"),
        example("ticking", DECLARED_OLDER, LEAVES, "send begin #1", "send end #1 OSError"),
    ),
    "send-does-not-hang": (
        example("backpressure", "send begin #1", LEAVES, "send end #1", CLOSES, ANSWERED),
        example("backpressure", "send begin #1", LEAVES, CLOSES, ANSWERED),
    ),
    "half-close-is-served": (
        example("idle-half-close", *SUSPENDED),
        example("idle-half-close", *CANCELLED),
    ),
    "close-handler-is-called": (
        example("idle", *CANCELLED, "hook:client_close_handler saw called"),
        example("idle", *CANCELLED),
    ),
    "no-error-is-logged": (
        example("idle", *CANCELLED, ANSWERED),
        example("idle", *CANCELLED, "server-log saw error line", ANSWERED),
    ),
    "anyio-shield-finishes": (
        example("cleanup-anyio-shield", *CLEANED_UP),
        example("cleanup-anyio-shield", *CUT_SHORT),
    ),
    "asyncio-shield-finishes-the-work": (
        example("cleanup-asyncio-shield", *CLEANED_UP),
        example("cleanup-asyncio-shield", *CUT_SHORT),
    ),
    "asyncio-shield-loses-what-comes-after": (
        example("cleanup-asyncio-shield", *CANCELLED, f"cleanup did ({AWAIT_CANCELLED})"),
        example("cleanup-asyncio-shield", *CANCELLED, f"cleanup did ({CODE_AFTER})"),
    ),
    "dependency-outlives-the-stream": (
        example("idle", "dependency begin", *CANCELLED, "dependency end"),
        example("idle", "dependency begin", "dependency end", *CANCELLED),
    ),
    "dependency-ends-before-the-stream": (
        example("idle", "dependency begin", "dependency end", *CANCELLED),
        example("idle", "dependency begin", *CANCELLED, "dependency end"),
    ),
    "background-runs-after-an-abort": (
        example("idle", *CANCELLED, "background begin", "background end"),
        example("idle", *CANCELLED),
    ),
    "background-skipped-after-an-error": (
        example("error-mid-stream", *FAILED),
        example("error-mid-stream", *FAILED, "background begin", "background end"),
    ),
    "late-handler-runs-in-vain": (
        example("error-mid-stream", *FAILED, "handler saw ValueError", got=CUT_OFF),
        example("error-mid-stream", *FAILED, got=CUT_OFF),
    ),
    "typed-handler-is-passed-over": (
        example("app-error-mid-stream", *FAILED),
        example("app-error-mid-stream", *FAILED, "handler-app-error saw ValueError"),
    ),
    "early-error-is-still-200": (
        example("error-before-first-event", *FAILED, got="200, 0 events, cut off"),
        example("error-before-first-event", *FAILED, got=ERROR),
    ),
    "shutdown-waits-for-the-stream": (
        example("shutdown", *SUSPENDED, "exit saw still running"),
        example("shutdown", *SUSPENDED, "exit saw exited"),
    ),
    "shutdown-cancels-the-stream": (
        example("shutdown", *CANCELLED),
        example("shutdown", *SUSPENDED),
    ),
    "graceful-timeout-ends-it": (
        example("shutdown", *STARTED, 3000, "stream end CancelledError at an await",
                "exit saw exited"),
        example("shutdown", *STARTED, 6000, "exit saw still running"),
    ),
}  # fmt: skip
"""For every claim that is asked of trials, one that confirms it and one that refutes it."""


def answer(claim: Claim, scenario: str, lines: Sequence[Line], got: str | None) -> bool | None:
    """What one trial says of a claim, beside one that earns every silence."""
    assert scenario in claim.scenarios
    assert not isinstance(claim.condition, PathCondition)
    asked = trial(scenario, *lines, got=got)
    known = StackOutcomes(stack_result(asked, PROOF, surfaces=DECLARED))
    return decide(claim.condition, known.of(scenario)[0])


@pytest.mark.parametrize("claim", EXAMPLES)
def test_a_claim_can_be_confirmed_and_refuted_by_a_trial(claim: str) -> None:
    confirming, refuting = EXAMPLES[claim]
    assert answer(CLAIM[claim], *confirming) is True
    assert answer(CLAIM[claim], *refuting) is False


def test_every_claim_has_its_examples() -> None:
    asked_of_trials = {c.id for c in CLAIMS if not isinstance(c.condition, PathCondition)}
    assert set(EXAMPLES) == asked_of_trials
    assert {c.id for c in CLAIMS} - asked_of_trials == set(PATH_EXAMPLES)


# --- Some claims whose condition is more than a word: claim, scenario, lines, got, answer.

CASES: list[tuple[str, str, Sequence[Line], str | None, bool | None]] = [
    # A handler that is not called has no response.
    ("handler-cannot-answer", "error-mid-stream", FAILED, ERROR, None),
    ("handler-cannot-answer", "error-mid-stream", FAILED, CUT_OFF, None),
    # Its body may be sent after the status of another response.
    ("handler-cannot-answer", "error-mid-stream", ANSWERING, CUT_OFF, False),
    ("handler-cannot-answer", "error-mid-stream",
     [*CALLED_LATE, "send begin #9", "send end #9 RuntimeError"], CUT_OFF, True),
    ("late-handler-runs-in-vain", "timeout-in-stream", ANSWERING, CUT_OFF, False),
    ("handler-cannot-answer", "error-mid-stream", ["stream begin", "stream end"],
     "200, ended", None),
    ("late-handler-runs-in-vain", "error-mid-stream", [*FAILED, "handler saw ValueError"],
     ERROR, False),
    ("new-task-runs", "cleanup-task", SUSPENDED, None, None),
    ("new-task-runs", "detached-task-in-shutdown",
     [LEAVES, "cleanup saw CancelledError"], None, False),
    ("new-task-runs", "detached-task-in-idle",
     [LEAVES, "cleanup saw CancelledError", "cleanup begin", "cleanup end"], None, True),
    # It was not a cancellation that reached the block.
    ("new-task-runs", "waited-task-in-backpressure",
     [LEAVES, "cleanup saw called", "cleanup begin", "cleanup end CancelledError"], None, None),
    ("await-is-cancelled-again", "except-cancelled-in-shutdown",
     [LEAVES, "cleanup saw CancelledError", "cleanup begin", "cleanup end"], None, False),
    ("anyio-shield-finishes", "anyio-shield-in-backpressure",
     [LEAVES, "cleanup saw called", "cleanup begin", "cleanup end CancelledError"], None, False),
    ("anyio-shield-finishes", "shutdown-aware-in-shutdown",
     [LEAVES, "cleanup saw CancelledError", "cleanup begin", CLOSES], None, False),
    ("anyio-shield-finishes", "anyio-shield-in-shutdown", [LEAVES, CLOSES], None, None),
    # What was not reported is not known.
    ("asyncio-shield-loses-what-comes-after", "cleanup-asyncio-shield", CLEANED_UP, None, None),
    ("send-raises-from-spec-2.4", "ticking",
     [LEAVES, "send begin #1", "send end #1"], None, None),
    ("send-raises-from-spec-2.4", "ticking",
     [DECLARED_OLDER, LEAVES, "send begin #1", "send end #1"], None, None),
    ("send-returns-before-spec-2.4", "ticking",
     [LEAVES, "send begin #1", "send end #1"], None, None),
    ("send-returns-before-spec-2.4", "ticking",
     [DECLARES, LEAVES, "send begin #1", "send end #1"], None, None),
    # It ran because there was nothing more to yield.
    ("finally-always-runs", "ticking", COMPLETED, None, None),
    ("finally-always-runs", "polling",
     [*POLLED, "is_disconnected saw returned True", "stream end"], None, True),
    ("hearing-it-ends-the-sending", "idle",
     ["asgi begin", *STARTED, "receive end http.disconnect", CLOSES], None, False),
    ("hearing-it-ends-the-sending", "idle",
     ["asgi begin", *STARTED, "stream end", "receive end http.disconnect", "asgi end"],
     None, None),
    ("normal-end-cancels-the-listening", "complete", [], None, None),
    # The server has said so itself, because the response is over.
    ("normal-end-cancels-the-listening", "complete",
     [*LISTENING, "receive end http.disconnect", "asgi end"], None, None),
    # It was not the stream's end that cancelled it.
    ("normal-end-cancels-the-listening", "complete",
     [*LISTENING, "asgi end", "receive end CancelledError"], None, False),
    ("normal-end-cancels-the-listening", "complete",
     ["asgi begin", "receive begin", "stream begin", "receive end CancelledError", "stream end",
      "asgi end"], None, None),
    ("handler-is-not-called", "idle", [*CANCELLED, "liveness saw no answer"], None, None),
    ("no-error-is-logged", "idle", [*CANCELLED, "liveness saw no answer"], None, None),
    ("handled-inside-or-nowhere", "error-mid-stream",
     ["asgi begin", *FAILED, "asgi end ValueError"], ERROR, False),
    ("nested-source-is-not-closed", "nested", ["source begin", *SUSPENDED], None, None),
    ("send-does-not-hang", "backpressure",
     ["send begin #1", LEAVES, "send end #1 CancelledError", ANSWERED], None, None),
    ("send-does-not-hang", "backpressure",
     ["send begin #1", LEAVES, "send end #1", "liveness saw no answer"], None, False),
    # Nothing was held up.
    ("send-does-not-hang", "relay-stalled",
     ["send begin #1", "send end #1", LEAVES, ANSWERED], None, None),
    ("shutdown-waits-for-the-stream", "shutdown", [*CANCELLED, "exit saw exited"], None, None),
    # A grace period has ended it.
    ("shutdown-cancels-the-stream", "shutdown",
     [*STARTED, 3000, "stream end CancelledError at an await"], None, False),
    # Nothing was waited for: the stream was over, or the process has ended in spite of it.
    ("graceful-timeout-ends-it", "shutdown", [*CANCELLED, 3000, "exit saw exited"], None, None),
    ("graceful-timeout-ends-it", "shutdown", [*SUSPENDED, "exit saw exited"], None, None),
    ("graceful-timeout-ends-it", "shutdown", [*STARTED, "exit saw exited"], None, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "scenario", "lines", "got", "expected"),
    CASES,
    ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)],
)
def test_a_claim_is_decided_by_what_would_refute_it(
    claim: str, scenario: str, lines: Sequence[Line], got: str | None, expected: bool | None
) -> None:
    assert answer(CLAIM[claim], scenario, lines, got) is expected


# --- Claims that are decided by the paths of exceptions.

STREAM, OTHER = "stream_response#2", "run_asgi#1"
FRAMEWORK = "site-packages/starlette/errors.py"
SERVICE = "apps/common/service.py"


def step(event: str, frame: int, file: str, **fields: object) -> Step:
    defaults = {"n": 1, "saw": "CancelledError", "function": f"f{frame}", "task": STREAM}
    return Step(event=event, frame=frame, file=file, line=1, **defaults | fields)  # type: ignore[arg-type]


def cancelled_in(task: str) -> tuple[Step, ...]:
    """A cancellation of the stream that this task requested."""
    return (
        step("cancelled-by", 0, "site-packages/anyio/_asyncio.py", task=task),
        step("raised", 1, SERVICE),
        step("left", 1, SERVICE),
    )


def handled_in(function: str) -> tuple[Step, ...]:
    """An ordinary error that a frame of the framework handles."""
    fields = {"saw": "ValueError", "function": function}
    return (
        step("raised", 1, SERVICE, saw="ValueError"),
        step("left", 1, SERVICE, saw="ValueError"),
        step("raised", 2, FRAMEWORK, **fields),
        step("handled", 2, FRAMEWORK, handler="except Exception", handler_line=1, **fields),
    )


PATH_EXAMPLES: Mapping[str, tuple[Mapping[str, Sequence[Step]], Mapping[str, Sequence[Step]]]] = {
    "another-task-cancels-it": ({"idle": cancelled_in(OTHER)}, {"idle": cancelled_in(STREAM)}),
    "iterated-outside-of-handling": (
        {"plain-error": handled_in("handle"), "error-mid-stream": handled_in("stream")},
        {"plain-error": handled_in("handle"), "error-mid-stream": handled_in("handle")},
    ),
}
"""For every other claim, the steps by scenario that confirm it and those that refute it."""


def traced(steps: Mapping[str, Sequence[Step]]) -> StackOutcomes:
    trials = [trial(name, repeat=TRACED, steps=found) for name, found in steps.items()]
    return StackOutcomes(stack_result(traced=trials))


@pytest.mark.parametrize("claim", PATH_EXAMPLES)
def test_a_claim_can_be_confirmed_and_refuted_by_a_path(claim: str) -> None:
    confirming, refuting = PATH_EXAMPLES[claim]
    assert verdict(CLAIM[claim], traced(confirming)).ruling == Ruling.CONFIRMED
    assert verdict(CLAIM[claim], traced(refuting)).ruling == Ruling.REFUTED


@pytest.mark.parametrize("claim", PATH_EXAMPLES)
def test_a_path_is_never_guessed_from_trials_in_which_none_was_recorded(claim: str) -> None:
    trials = [trial(name, *CANCELLED) for name in CLAIM[claim].scenarios]
    found = verdict(CLAIM[claim], StackOutcomes(stack_result(*trials)))
    assert found.ruling == Ruling.INCONCLUSIVE
    assert found.undecided == Undecided(ran=False)
    assert {case.of for case in found.cases} == {0}


def test_a_path_that_tells_nothing_was_recorded_all_the_same() -> None:
    found = verdict(CLAIM["another-task-cancels-it"], traced({"idle": ()}))
    assert found.ruling == Ruling.INCONCLUSIVE
    assert found.undecided == Undecided(ran=True)
    assert [case.scenario for case in found.cases if case.of] == ["idle"]


def test_there_is_an_answer_to_every_question_about_paths() -> None:
    assert set(claims._PATH_QUESTIONS) == set(get_args(PathQuestion))


# --- Every scenario that a sentence speaks of.


@pytest.mark.parametrize(
    ("claim", "recipes"),
    [
        ("await-is-cancelled-again", "except-cancelled-in-"),
        ("new-task-runs", "detached-task-in-"),
        ("new-task-runs", "waited-task-in-"),
        ("anyio-shield-finishes", "anyio-shield-in-"),
    ],
)
def test_a_claim_about_clean_up_is_asked_of_recipes_in_every_situation(
    claim: str, recipes: str
) -> None:
    tried = {
        name
        for name, s in SCENARIOS.items()
        if name.startswith(recipes) and (s.disconnect != "stays" or s.signal)
    }
    assert {"idle", "ticking", "backpressure", "shutdown"} <= {
        name.removeprefix(recipes) for name in tried
    }
    assert tried <= set(CLAIM[claim].scenarios)


@pytest.mark.parametrize("claim", ["handler-is-not-called", "no-error-is-logged"])
def test_a_claim_about_any_disconnect_is_asked_in_all_of_them(claim: str) -> None:
    left_out = {
        s.id
        for s in SCENARIOS.values()
        if s.kind == "disconnect" and not s.signal and s.id not in CLAIM[claim].scenarios
    }
    assert left_out == {s.id for s in SCENARIOS.values() if s.disconnect == "half-closes"}


def test_what_has_a_handler_of_its_own_says_nothing_of_the_one_for_all_exceptions() -> None:
    for claim in CLAIMS:
        if claim.number is not None and Surface.HANDLER in claim.condition.surfaces:
            raised = {SCENARIOS[name].script.then for name in claim.scenarios}
            assert "raise-app-error" not in raised, claim.id


def test_claims_about_sigterm_are_asked_where_the_client_stays() -> None:
    for claim in CLAIMS:
        if "SIGTERM" in claim.text:
            assert {SCENARIOS[name].disconnect for name in claim.scenarios} == {"stays"}


def test_an_undecided_claim_names_the_spec_version_that_the_server_declares() -> None:
    lines = ["scope declares (2.3)", LEAVES, "send begin #1", "send end #1"]
    claim = CLAIM["send-raises-from-spec-2.4"]
    found = verdict(claim, StackOutcomes(stack_result(trial("ticking", *lines))))
    assert found.undecided == Undecided(ran=True, surface="scope", saws=("spec version 2.3",))
    found = verdict(claim, StackOutcomes(stack_result(trial("ticking", *lines[1:]))))
    assert found.undecided == Undecided(
        ran=True, surface="scope", saws=("no spec version recorded",)
    )


# --- Verdicts.

ENDED = Saw("stream-end", frozenset({Word.CANCELLED_AT_AWAIT}), frozenset({Word.COMPLETED}))
SILENT_HANDLER = Saw("handler", frozenset({Word.NOTHING}), frozenset({AN_EXCEPTION}))
MADE_UP = Claim(
    id="made-up",
    text="It is cancelled at an `await`.",
    cited=(Citation("a test"),),
    scenarios=("idle", "post"),
    condition=ENDED,
)


def verdict_on(result: StackResult, claim: Claim = MADE_UP) -> ClaimVerdict:
    return verdict(claim, StackOutcomes(result))


def asking(condition: Condition) -> Claim:
    return msgspec.structs.replace(MADE_UP, condition=condition)


def repeats(scenario: str, *outcomes: Sequence[Line]) -> list[Trial]:
    return [trial(scenario, *lines, repeat=i) for i, lines in enumerate(outcomes, 1)]


@pytest.mark.parametrize(
    ("idle", "post", "ruling"),
    [
        ([CANCELLED, CANCELLED], [CANCELLED], Ruling.CONFIRMED),
        ([COMPLETED, COMPLETED], [COMPLETED], Ruling.REFUTED),
        ([CANCELLED, COMPLETED], [CANCELLED], Ruling.MIXED),
        ([CANCELLED], [COMPLETED], Ruling.MIXED),
        ([CANCELLED, SUSPENDED], [SUSPENDED], Ruling.CONFIRMED),
        ([SUSPENDED], [COMPLETED], Ruling.REFUTED),
        ([SUSPENDED], [SUSPENDED], Ruling.INCONCLUSIVE),
        ([], [], Ruling.INCONCLUSIVE),
    ],
)
def test_a_verdict_is_unanimous_among_the_trials_that_decide_or_mixed(
    idle: list[Sequence[Line]], post: list[Sequence[Line]], ruling: Ruling
) -> None:
    found = verdict_on(stack_result(*repeats("idle", *idle), *repeats("post", *post)))
    assert found.ruling == ruling
    assert (found.undecided is not None) == (ruling is Ruling.INCONCLUSIVE)


def test_a_verdict_says_in_how_many_trials_of_which_scenario() -> None:
    trials = [*repeats("idle", CANCELLED, COMPLETED, SUSPENDED), *repeats("post", COMPLETED)]
    found = verdict_on(stack_result(*trials))
    cases = [(case.scenario, case.confirmed, case.refuted, case.of) for case in found.cases]
    assert cases == [("idle", 1, 1, 3), ("post", 0, 1, 1)]
    assert found.scenarios(Ruling.MIXED) == ["idle"]
    assert found.scenarios(Ruling.REFUTED, Ruling.MIXED) == ["idle", "post"]


def test_a_verdict_counts_all_trials_that_one_stands_for() -> None:
    trials = [
        trial("idle", *CANCELLED, alike=(4, 5)),
        trial("idle", *COMPLETED, repeat=2),
        trial("idle", *SUSPENDED, repeat=3, alike=(6,)),
    ]
    case, not_run = verdict_on(stack_result(*trials)).cases
    assert (case.confirmed, case.refuted, case.of) == (3, 1, 6)
    assert (not_run.scenario, not_run.of) == ("post", 0)
    assert verdict_on(stack_result(*trials)).run == (case,)


@pytest.mark.parametrize(
    ("trials", "why"),
    [
        ([], Undecided(ran=False)),
        (
            repeats("idle", SUSPENDED),
            Undecided(ran=True, surface="stream-end", saws=(Word.SUSPENDED,)),
        ),
        (
            [trial("idle", failure=Word.NOT_REACHED)],
            Undecided(ran=True, saws=(Word.NOT_REACHED,)),
        ),
        # What was seen most often, counting all trials that one stands for.
        (
            [
                *repeats("idle", SUSPENDED, SUSPENDED),
                trial("idle", "stream begin", "stream end", LEAVES, repeat=3, alike=(4, 5)),
            ],
            Undecided(ran=True, surface="stream-end", saws=(Word.ALREADY_FINISHED,)),
        ),
    ],
)
def test_an_inconclusive_verdict_says_why(trials: list[Trial], why: Undecided) -> None:
    assert verdict_on(stack_result(*trials)).undecided == why


def test_a_claim_is_asked_only_of_apps_and_servers_that_have_what_it_is_about() -> None:
    handlers = asking(SILENT_HANDLER)
    known = stack_result(*repeats("idle", CANCELLED), PROOF)
    assert verdict_on(known, handlers).ruling == Ruling.NOT_APPLICABLE
    with_handler = msgspec.structs.replace(known, surfaces=("handler",))
    assert verdict_on(with_handler, handlers).ruling == Ruling.CONFIRMED

    without_sync = stack_result(*repeats("sync", CANCELLED), unsupported=["sync"])
    plain = msgspec.structs.replace(MADE_UP, scenarios=("sync",))
    assert verdict_on(without_sync, plain).ruling == Ruling.NOT_APPLICABLE
    either = msgspec.structs.replace(MADE_UP, scenarios=("sync", "idle"))
    assert [case.scenario for case in verdict_on(without_sync, either).cases] == ["idle"]

    of_hypercorn = msgspec.structs.replace(MADE_UP, module="hypercorn")
    assert verdict_on(known, of_hypercorn).ruling == Ruling.NOT_APPLICABLE
    on_hypercorn = msgspec.structs.replace(known, stack=stack(server="hypercorn"))
    assert verdict_on(on_hypercorn, of_hypercorn).ruling == Ruling.CONFIRMED


def test_verdicts_come_by_stack_and_in_the_order_of_the_claims() -> None:
    results = [
        stack_result(*repeats("idle", CANCELLED), of=stack(app)) for app in ("starlette", "bare")
    ]
    other = msgspec.structs.replace(MADE_UP, id="another")
    found = verdicts(Outcomes(results), [MADE_UP, other])
    assert [(one.stack.app, one.claim) for one in found] == [
        ("bare", "made-up"),
        ("bare", "another"),
        ("starlette", "made-up"),
        ("starlette", "another"),
    ]
