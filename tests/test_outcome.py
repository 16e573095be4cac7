"""What a trace comes to: the rules, one example each, from traces written by hand."""

from __future__ import annotations

import msgspec
import pytest

from hangup.analysis.classification import observations, outcomes, surfaces_of
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID, SCENARIOS
from hangup.model.trace import Trial
from hangup.model.vocabulary import FAILURES, OPTIONAL, Surface, Word, is_exception
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, saws, stack_result, trial

HOOK = "hook:after_request"
DECLARED = (*OPTIONAL, HOOK)

ORDINARY_ERROR = trial("plain-error", "endpoint begin", "endpoint end ValueError")
"""The control by which a silence is told from a surface that is not in place."""

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
        "open on a server that spins",
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
        "reclaimed, and only then closed",
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
        "closed only because the harness had garbage collected",
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
        "ran to its end for nobody",
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
    ("ended, and nobody left", "stream-end", ["stream begin", "stream end"], [Word.FINISHED]),
    (
        "swallowed the cancellation and carried on",
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
    ("was never begun", "stream-end", [LEAVES], [Word.NEVER_STARTED]),
    (
        "was reclaimed without having begun",
        "stream-end",
        [LEAVES, "stream dropped"],
        [Word.NEVER_STARTED],
    ),
    (
        "told nothing, suspended",
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
    ("was told nothing", "stream", ["stream begin", LEAVES], [Word.NOTHING]),
    (
        "says once what it saw twice",
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
        "was closed by the collection of the harness alone",
        "stream",
        ["stream begin", LEAVES, CLOSES, COLLECTS, "stream end GeneratorExit at a yield"],
        [Word.GARBAGE_COLLECTED],
    ),
    # The inner source.
    ("had no source yet", "source", [LEAVES], [Word.DID_NOT_RUN]),
    ("its source went to its end", "source", ["source begin", LEAVES, "source end"],
     [Word.FINISHED]),
    (
        "its source had been read to its end already",
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
        "its source was left to the collection of the harness",
        "source",
        ["source begin", LEAVES, CLOSES, COLLECTS, "source end GeneratorExit at a yield"],
        [Word.GARBAGE_COLLECTED],
    ),
    (
        "its source was closed by hand",
        "source",
        ["source begin", LEAVES, "source end GeneratorExit at a yield", "source dropped"],
        ["GeneratorExit"],
    ),
    ("its source hangs", "source", ["source begin", LEAVES, 2000, CLOSES], [Word.SUSPENDED]),
    (
        "its source goes on and on",
        "source",
        ["source begin", LEAVES, 1900, "send end #9", CLOSES],
        [Word.STILL_RUNNING],
    ),
    # What begins and ends.
    ("no endpoint ran", "endpoint", [LEAVES], [Word.DID_NOT_RUN]),
    ("the endpoint hangs", "endpoint", ["endpoint begin", LEAVES], [Word.STILL_RUNNING]),
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
        "the endpoint, a generator, was closed by the collection of the harness",
        "endpoint",
        ["endpoint begin", LEAVES, CLOSES, COLLECTS, "endpoint end GeneratorExit"],
        [Word.GARBAGE_COLLECTED],
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
        "the middleware saw it pass",
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
    ("the hook was called, nobody left", HOOK, [f"{HOOK} saw called"], [Word.CALLED]),
    (
        "the hook had been called",
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
    # The two sides of the ASGI boundary.
    (
        "receive said that the client is gone",
        "receive",
        ["receive begin", LEAVES, "receive end http.disconnect"],
        [Word.DISCONNECT],
    ),
    ("nobody asked", "receive", [LEAVES], [Word.NOT_AWAITED]),
    (
        "nobody asked after the request had come",
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
        "the one who asked was cancelled",
        "receive",
        ["receive begin", LEAVES, "receive end CancelledError"],
        ["CancelledError"],
    ),
    (
        "what came before the client left is no answer to its leaving",
        "receive",
        ["receive begin", "receive end http.disconnect", LEAVES],
        [Word.NOT_AWAITED],
    ),
    ("asked, and was never told", "receive", ["receive begin", LEAVES], [Word.NOTHING]),
    (
        "a send went through to nobody",
        "send",
        [LEAVES, "send begin #4", "send end #4"],
        [Word.RETURNED],
    ),
    (
        "a send under way came through",
        "send",
        ["send begin #4", LEAVES, "send end #4"],
        [Word.RETURNED],
    ),
    (
        "a send failed",
        "send",
        ["send begin #4", LEAVES, "send end #4 OSError"],
        ["OSError"],
    ),
    (
        "a send on its way out while the client left says nothing",
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
        "a send went through though the disconnect was known",
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
        "a disconnect from before the client left is no hang-up",
        "send",
        ["receive end http.disconnect", "send begin #4", "send end #4", LEAVES],
        [Word.NOT_CALLED],
    ),
    (
        "one send went through, the next hangs",
        "send",
        [LEAVES, "send begin #4", "send end #4", "send begin #5"],
        [Word.RETURNED, Word.SEND_SUSPENDED],
    ),
    (
        "nothing was sent any more",
        "send",
        ["send begin #4", "send end #4", LEAVES],
        [Word.NOT_CALLED],
    ),
    # The server.
    ("it still serves", "liveness", [LEAVES, "liveness saw answered"], [Word.ANSWERED]),
    ("it serves nobody", "liveness", [LEAVES, "liveness saw no answer"], [Word.NO_ANSWER]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("surface", "lines", "saw"),
    [example[1:] for example in EXAMPLES],
    ids=[f"{example[1]}: {example[0]}" for example in EXAMPLES],
)
def test_a_surface_saw(surface: str, lines: list[Line], saw: list[str]) -> None:
    # Controls of the same stack prove that what is silent elsewhere is in place here.
    proof = trial("complete", *(f"{each} saw ValueError" for each in DECLARED))
    found = saws(stack_result(trial("idle", *lines), proof, surfaces=DECLARED), "idle", surface)
    assert list(found) == saw


@pytest.mark.parametrize("saw", [Word.EXITED, Word.STILL_RUNNING])
def test_an_operator_sees_whether_the_process_exits(saw: Word) -> None:
    found = observations(trial("shutdown", LEAVES, f"exit saw {saw}"), BY_ID["shutdown"], ())
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
    assert observations(trial("relay", *lines), BY_ID["relay"], ())["upstream"] == (saw,)


SOURCE_STAYS = ["stream begin", "source begin", LEAVES, "stream end CancelledError at an await"]


@pytest.mark.parametrize(
    ("scenario", "answer", "saw"),
    [
        ("nested", Word.ANSWERED, Word.SUSPENDED),
        ("nested", Word.NO_ANSWER, Word.SUSPENDED_OR_RUNNING),
        ("relay", Word.ANSWERED, Word.SUSPENDED_OR_RUNNING),
    ],
)
def test_a_source_that_somebody_else_may_read_is_not_said_to_be_suspended(
    scenario: str, answer: Word, saw: Word
) -> None:
    seen = trial(scenario, *SOURCE_STAYS, 2000, CLOSES, f"liveness saw {answer}")
    assert observations(seen, BY_ID[scenario], ())["source"] == (saw,)


def test_a_stream_of_a_server_that_does_not_answer_is_not_said_to_be_suspended() -> None:
    seen = trial("idle", "stream begin", LEAVES, 2000, CLOSES, "liveness saw no answer")
    assert observations(seen, BY_ID["idle"], ())["stream-end"] == (Word.SUSPENDED_OR_RUNNING,)


def test_a_log_with_lines_of_nobody_knows_whom_is_not_said_to_be_silent() -> None:
    proof = trial("plain-error", "endpoint begin", "server-log saw ValueError")
    silent = [trial(s, LEAVES) for s in ("idle", "aclosing-in-idle", "post")]
    of = stack_result(proof, *silent)
    lines = ("idle: error line", "try-finally-in-idle: error line")
    stray = msgspec.structs.replace(of, unattributed=lines)
    for each, words in ((of, {Word.NOTHING}), (stray, {Word.INCONCLUSIVE, Word.NOTHING})):
        logs = {s.scenario: s.saw for s in outcomes(each) if s.surface == "server-log"}
        assert {logs["idle"], logs["aclosing-in-idle"], logs["post"]} == words
    assert logs["post"] == Word.NOTHING


def test_what_only_thorough_runs_have_is_not_lacking_in_others() -> None:
    of = stack_result(trial("idle", LEAVES), unsupported=["is-disconnected"])
    assert "polling" not in {s.scenario for s in outcomes(of)}
    thorough = stack_result(
        trial("idle", LEAVES), trial("relay", LEAVES), unsupported=["is-disconnected"]
    )
    assert "polling" in {s.scenario for s in outcomes(thorough)}


def test_only_a_stream_that_relays_has_an_upstream() -> None:
    assert "upstream" not in surfaces_of(BY_ID["idle"], DECLARED)


CLEANUPS: list[tuple[list[Line], str]] = [
    ([], Word.DID_NOT_RUN),
    (["cleanup begin"], Word.STILL_RUNNING),
    (["cleanup begin", "cleanup end"], Word.FINISHED),
    (["cleanup begin", "cleanup end", "asgi end"], Word.FINISHED),
    (["cleanup begin", "asgi end", "cleanup end"], Word.FINISHED_AFTER_APP),
    (["cleanup begin", "cleanup end CancelledError"], "CancelledError"),
    (["asgi end", "cleanup begin", "cleanup end CancelledError"], "CancelledError"),
]


@pytest.mark.parametrize(("lines", "saw"), CLEANUPS)
def test_a_clean_up_comes_out_as(lines: list[Line], saw: str) -> None:
    told = trial("cleanup-await", "stream begin", LEAVES, *lines)
    assert observations(told, BY_ID["cleanup-await"], ())["cleanup"] == (saw,)


@pytest.mark.parametrize("scenario", ["complete", "shutdown", "plain-error"])
def test_a_client_that_stays_says_what_it_got(scenario: str) -> None:
    stayed = trial(scenario, got="200, 5 events, ended")
    assert observations(stayed, BY_ID[scenario], ())["client"] == ("200, 5 events, ended",)


def test_a_client_that_leaves_is_not_asked_what_it_got() -> None:
    assert "client" not in surfaces_of(BY_ID["idle"], ())


@pytest.mark.parametrize(
    ("saw", "is_one"),
    [
        ("ValueError", True),
        ("ExceptionGroup[ValueError, OSError]", True),
        ("200, 5 events, ended", False),
        (Word.NOTHING, False),
        (Word.CALLED, False),
        (Word.SEND_SUSPENDED, False),
    ],
)
def test_exceptions_are_told_from_words(saw: str, is_one: bool) -> None:
    assert is_exception(saw) == is_one


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
"""Each surface whose silence is to be proven, and the control that has to prove it."""


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
def test_a_surface_that_its_control_did_not_reach_is_inert(surface: str, control: str) -> None:
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
def test_a_handler_that_could_not_be_registered_is_refused(surface: str) -> None:
    rejected_registrations = {surface: "TypeError: not an exception class"}
    known = stack_result(
        trial("idle", LEAVES),
        ORDINARY_ERROR,
        surfaces=DECLARED,
        rejected_registrations=rejected_registrations,
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
def test_any_sign_of_life_proves_a_surface(surface: str, lines: list[Line]) -> None:
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
    heard = trial("idle", LEAVES, failure=Word.SERVER_EXITED)
    assert saws(stack_result(heard, ORDINARY_ERROR), "idle", surface) == (Word.NOT_APPLICABLE,)


def test_hooks_are_looked_at_only_where_they_are_declared() -> None:
    assert HOOK in surfaces_of(BY_ID["idle"], DECLARED)
    assert HOOK not in surfaces_of(BY_ID["idle"], OPTIONAL)


# --- Failures.


@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_a_trial_that_failed_gives_its_reason_on_every_surface(failure: Word) -> None:
    lines = ["stream begin", "handler saw ValueError", LEAVES, "liveness saw answered"]
    failed = trial("idle", *lines, failure=failure)
    for surface, saw in observations(failed, BY_ID["idle"], DECLARED).items():
        assert saw == (failure,), surface


def test_a_failure_is_no_sign_that_a_handler_is_in_place() -> None:
    failed = trial("plain-cancelled", failure=Word.SERVER_EXITED)
    known = stack_result(trial("idle", LEAVES), failed, ORDINARY_ERROR, surfaces=DECLARED)
    assert saws(known, "idle", "handler") == (Word.UNREACHED,)


# --- Every scenario, every surface.


def _quiet(scenario: Scenario) -> Trial:
    """A trial in which nothing was seen but what the harness itself notes at its end."""
    if scenario.disconnect == "sigterm":
        return trial(scenario.id, LEAVES, "exit saw still running", got=Word.NO_RESPONSE)
    return trial(scenario.id, "liveness saw no answer", got=Word.NO_RESPONSE)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.id for each in SCENARIOS])
def test_every_surface_of_every_scenario_gets_a_sighting(scenario: Scenario) -> None:
    declared = [*DECLARED, *filter(None, [scenario.surface])]
    for each in (_quiet(scenario), trial(scenario.id, failure=Word.NOT_REACHED)):
        found = outcomes(stack_result(each, surfaces=declared))
        rows = [row for row in found if row.scenario == scenario.id]
        assert {row.surface for row in rows} == set(surfaces_of(scenario, declared))
        assert {(row.n, row.of) for row in rows} == {(1, 1)}


def test_the_surfaces_of_all_scenarios_are_those_of_the_vocabulary() -> None:
    looked_at = {s for scenario in SCENARIOS for s in surfaces_of(scenario, ())}
    assert looked_at == set(Surface)


def test_a_plain_endpoint_has_no_stream_to_look_at() -> None:
    plain = set(surfaces_of(BY_ID["plain-error"], DECLARED))
    streaming = set(surfaces_of(BY_ID["idle"], DECLARED))
    assert streaming - plain == {"stream", "stream-end", "source", "background"}


def test_every_word_of_the_vocabulary_has_its_example_here() -> None:
    shown = {saw for *_, words in EXAMPLES for saw in words}
    shown |= {saw for _, saw in CLEANUPS}
    shown |= {saw for _, saw in UPSTREAMS}
    shown |= {word for _, *words in ASKING for word in words}
    shown |= {Word.EXITED, Word.UNREACHED, Word.INCONCLUSIVE, Word.REJECTED, Word.NOT_APPLICABLE}
    of_the_client = {Word.WHOLE, Word.CUT_OFF, Word.NEVER_ENDED, Word.NO_RESPONSE}
    assert set(Word) - shown - FAILURES - of_the_client == set()


# --- Counting.

AT_AWAIT = ("stream begin", LEAVES, "stream end CancelledError at an await")
AT_YIELD = ("stream begin", LEAVES, "stream end CancelledError at a yield")
TWICE = (
    "stream begin",
    LEAVES,
    "stream saw CancelledError at an await",
    "stream end GeneratorExit at a yield",
)


def _counted(known: list[Trial], scenario: str, surface: str) -> dict[str, tuple[int, int]]:
    return {
        row.saw: (row.n, row.of)
        for row in outcomes(stack_result(*known))
        if (row.scenario, row.surface) == (scenario, surface)
    }


def test_repeats_that_disagree_are_counted_apart() -> None:
    ways = [AT_AWAIT, AT_YIELD, AT_AWAIT, AT_AWAIT, AT_YIELD]
    repeats = [trial("ticking", *way, repeat=n) for n, way in enumerate(ways, 1)]
    assert _counted(repeats, "ticking", "stream-end") == {
        Word.CANCELLED_AT_AWAIT: (3, 5),
        Word.CANCELLED_AT_YIELD: (2, 5),
    }


def test_a_surface_that_saw_two_things_in_one_trial_counts_for_both() -> None:
    repeats = [trial("ticking", *TWICE), trial("ticking", *AT_AWAIT, repeat=2)]
    assert _counted(repeats, "ticking", "stream") == {
        "CancelledError": (2, 2),
        "GeneratorExit": (1, 2),
    }


def test_trials_of_other_scenarios_are_not_among_those_counted() -> None:
    known = [trial("ticking", *AT_AWAIT), trial("idle", *AT_AWAIT), ORDINARY_ERROR]
    assert _counted(known, "ticking", "stream") == {"CancelledError": (1, 1)}


def test_failed_repeats_are_counted_beside_the_others() -> None:
    known = [
        trial("ticking", *AT_AWAIT),
        trial("ticking", repeat=2, failure=Word.SERVER_EXITED),
    ]
    assert _counted(known, "ticking", "stream") == {
        "CancelledError": (1, 2),
        Word.SERVER_EXITED: (1, 2),
    }


def test_a_scenario_the_app_lacks_what_it_takes_for_is_not_applicable_0_of_0() -> None:
    rows = [row for row in outcomes(stack_result(unsupported=["sync"])) if row.scenario == "sync"]
    assert {row.surface for row in rows} == set(surfaces_of(BY_ID["sync"], ()))
    assert {(row.saw, row.n, row.of) for row in rows} == {(Word.NOT_APPLICABLE, 0, 0)}


def test_trials_of_a_scenario_there_is_no_longer_are_passed_over() -> None:
    assert outcomes(stack_result(trial("of-yesterday", LEAVES))) == ()


def test_sightings_come_sorted() -> None:
    known = stack_result(trial("ticking", *AT_AWAIT), trial("idle", *AT_AWAIT), ORDINARY_ERROR)
    rows = outcomes(known)
    assert [row.scenario for row in rows] == sorted(row.scenario for row in rows)
    assert list(rows) == sorted(rows)


def test_the_last_send_of_a_stream_that_goes_on_sending_is_not_suspended() -> None:
    flood = ("stream begin", LEAVES, 1000, "send begin #1", "send end #1", "send begin #2", CLOSES)
    found = observations(trial("firehose", *flood), BY_ID["firehose"], ())
    assert found["send"] == (Word.RETURNED,)
    assert found["stream-end"] == (Word.STILL_RUNNING,)


@pytest.mark.parametrize("begun", [["endpoint begin"], ["endpoint begin", "stream begin"]])
def test_an_endpoint_around_its_stream_stands_where_the_stream_does(begun: list[Line]) -> None:
    found = observations(trial("backpressure", *begun, LEAVES, CLOSES), BY_ID["backpressure"], ())
    around = "stream begin" in begun
    assert found["endpoint"] == ((Word.SUSPENDED if around else Word.STILL_RUNNING),)


# --- A stream that asks whether its client has gone.

POLLING = BY_ID["polling"]

ASKING: list[tuple[list[Line], str, str]] = [
    (["is_disconnected begin", LEAVES, "is_disconnected saw said so", "stream end"],
     Word.RETURNED_TRUE, Word.ENDED_ITSELF),
    (["is_disconnected begin", LEAVES, "stream end"], Word.NEVER_TRUE, Word.COMPLETED),
    (["is_disconnected begin", LEAVES, "stream end CancelledError at an await"],
     Word.NEVER_TRUE, Word.CANCELLED_AT_AWAIT),
    ([LEAVES, "stream end"], Word.DID_NOT_RUN, Word.COMPLETED),
]  # fmt: skip


@pytest.mark.parametrize(("lines", "answer", "ended"), ASKING)
def test_what_a_stream_was_told_that_asked(lines: list[Line], answer: str, ended: str) -> None:
    found = observations(trial("polling", "stream begin", *lines), POLLING, ())
    assert (found["is_disconnected"], found["stream-end"]) == ((answer,), (ended,))


def test_only_a_stream_that_asks_has_an_answer() -> None:
    asking = [s for s in SCENARIOS if Surface.IS_DISCONNECTED in surfaces_of(s, ())]
    assert asking == [s for s in SCENARIOS if s.script.polls]
