"""Claims: what each kind of condition is confirmed and refuted by, and that nothing is guessed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest

from hangup.analysis.claims import COLUMNS, Ruling, Verdict, claims_csv, verdicts
from hangup.analysis.classification import classify, surfaces_of
from hangup.analysis.conditions import (
    AN_EXCEPTION,
    All,
    Before,
    Condition,
    Either,
    Mark,
    PathCondition,
    Pending,
    Saw,
    SendsAfter,
    Status,
    When,
    parts_of,
)
from hangup.environment.apps import find_apps
from hangup.model.claims import BY_ID as CLAIM
from hangup.model.claims import CLAIMS, Claim, Source
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.servers import SERVERS
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import FAILURES, HOOK, OPTIONAL, Surface, Word, is_exception
from hangup.report import publish
from hangup.store.results import write_stack_result
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

HOOKS = {
    surface
    for app in find_apps(Path(__file__).parent.parent / "apps").values()
    for surface in app.about.surfaces
    if surface.startswith(HOOK)
}

# --- The data.


def test_no_claim_is_there_twice() -> None:
    assert len(CLAIM) == len(CLAIMS)
    assert len({claim.text for claim in CLAIMS}) == len(CLAIMS)


def test_all_ten_claims_of_the_article_are_there() -> None:
    assert {claim.number for claim in CLAIMS} - {None} == set(range(1, 11))


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_has_a_source_and_a_sentence(claim: Claim) -> None:
    assert claim.cited
    assert claim.text.endswith(".")
    for source in (*claim.cited, *claim.disputed_by):
        assert source.title
        assert source.url is not None or claim.number is not None
        assert source.url is None or source.url.startswith("https://")


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_claim_is_asked_where_there_is_an_answer(claim: Claim) -> None:
    assert claim.scenarios
    assert len(set(claim.scenarios)) == len(claim.scenarios)
    assert claim.module in {None, *(server.module for server in SERVERS)}
    for name in claim.scenarios:
        looked_at = {*surfaces_of(SCENARIOS[name], (*OPTIONAL, *HOOKS)), Surface.CLIENT}
        assert set(claim.condition.surfaces) <= looked_at, name


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_every_word_of_a_claim_exists(claim: Claim) -> None:
    words = {word.value for word in Word} | {AN_EXCEPTION}
    for condition in parts_of(claim.condition):
        if isinstance(condition, Saw):
            assert not condition.yes & condition.no
            for word in condition.yes | condition.no:
                assert word in words or is_exception(word)
                # What says that it could not be told must not decide.
                assert word not in FAILURES | {
                    Word.INCONCLUSIVE,
                    Word.UNREACHED,
                    Word.NOT_APPLICABLE,
                }
        if isinstance(condition, Before):
            for mark in (condition.first, condition.then):
                assert mark.surface in set(Surface)
                assert mark.event in ("begin", "end", "saw")


# --- Conditions: (the condition, lines that uphold it, that refute it, that do not decide).

SAW = Saw("handler", frozenset({Word.NOTHING}), frozenset({AN_EXCEPTION}))
NAMED = Saw("cleanup", frozenset({"CancelledError"}), frozenset({AN_EXCEPTION, Word.FINISHED}))
ENDED = Saw("stream-end", frozenset({Word.CANCELLED_AT_AWAIT}), frozenset({Word.COMPLETED}))
ORDER = Before(Mark("endpoint", "end"), Mark("stream", "begin"))
LISTENS = Pending("receive", Mark("client", "leaves"))
STARTED: tuple[Line, ...] = ("stream begin", LEAVES)
CANCELLED: tuple[Line, ...] = (*STARTED, "stream end CancelledError at an await")
RAN: tuple[Line, ...] = (*STARTED, "stream end")
SUSPENDED: tuple[Line, ...] = (*STARTED, CLOSES)
PROOF = trial("plain-error", "handler saw ValueError")

KINDS: list[tuple[Condition, Sequence[Line], Sequence[Line], Sequence[Line]]] = [
    (ENDED, CANCELLED, RAN, SUSPENDED),
    (
        ORDER,
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
        # One that was under way when the app was told says nothing; of one that raises and
        # one that returns, the one that returns does.
        SendsAfter(),
        ["send begin #1", LEAVES, "send begin #2", "receive end http.disconnect", "send end #1",
         "send end #2", "send begin #3", "send end #3 OSError"],
        [LEAVES, "send begin #1", "send end #1 OSError", "send begin #2", "send end #2"],
        ["send begin #1", LEAVES, "receive end http.disconnect", "send end #1"],
    ),
    (
        All((ENDED, LISTENS)),
        ["receive begin", *CANCELLED],
        ["receive begin", *RAN],
        ["receive begin", *SUSPENDED],
    ),
    (All((ENDED, LISTENS)), ["receive begin", *CANCELLED], CANCELLED, ["receive begin", LEAVES]),
    # One that is refuted refutes all, whatever is not known of the others.
    (All((ENDED, LISTENS)), ["receive begin", *CANCELLED], SUSPENDED, ["stream begin"]),
    (Either((ENDED, LISTENS)), CANCELLED, RAN, SUSPENDED),
    (When(LISTENS, ENDED), ["receive begin", *CANCELLED], ["receive begin", *RAN], RAN),
]  # fmt: skip


def asked(condition: Condition, of: Trial, *, surfaces: Sequence[str] = ()) -> bool | None:
    known = stack_result(of, PROOF, surfaces=surfaces)
    return condition(next(each for each in classify(known) if each.trial is of))


@pytest.mark.parametrize(
    ("condition", "upholds", "refutes", "neither"),
    KINDS,
    ids=[f"{type(kind[0]).__name__}-{i}" for i, kind in enumerate(KINDS)],
)
def test_a_condition_is_upheld_refuted_or_not_decided(
    condition: Condition,
    upholds: Sequence[Line],
    refutes: Sequence[Line],
    neither: Sequence[Line],
) -> None:
    assert asked(condition, trial("idle", *upholds)) is True
    assert asked(condition, trial("idle", *refutes)) is False
    assert asked(condition, trial("idle", *neither)) is None


@pytest.mark.parametrize("condition", [kind[0] for kind in KINDS])
@pytest.mark.parametrize("failure", sorted(FAILURES))
def test_a_trial_that_failed_decides_nothing(condition: Condition, failure: Word) -> None:
    lines = ["endpoint begin", "endpoint end", "receive begin", *CANCELLED,
             "send begin #1", "send end #1"]  # fmt: skip
    assert asked(condition, trial("idle", *lines, failure=failure)) is None


def test_a_silence_decides_only_where_it_is_earned() -> None:
    silent = trial("idle", LEAVES)
    assert asked(SAW, silent, surfaces=["handler"]) is True
    assert SAW(classify(stack_result(silent, surfaces=["handler"]))[0]) is None
    called = trial("idle", LEAVES, "handler saw OSError")
    assert asked(SAW, called, surfaces=["handler"]) is False


@pytest.mark.parametrize(
    ("saw", "answer"), [(" CancelledError", True), (" OSError", False), ("", False)]
)
def test_an_exception_that_is_named_is_not_any_other(saw: str, answer: bool) -> None:
    cleans_up = trial("cleanup-await", *STARTED, "cleanup begin", f"cleanup end{saw}")
    assert asked(NAMED, cleans_up) is answer


def test_a_surface_that_was_not_looked_at_decides_nothing() -> None:
    exits = Saw("exit", frozenset({Word.EXITED}), frozenset({Word.STILL_RUNNING}))
    assert asked(exits, trial("idle", *CANCELLED)) is None


def test_one_of_several_sightings_is_enough_to_refute() -> None:
    both = Saw("stream", frozenset({"CancelledError"}), frozenset({"ValueError"}))
    told = [*STARTED, "stream saw CancelledError at an await", "stream end ValueError"]
    assert asked(both, trial("idle", *told)) is False


@pytest.mark.parametrize(
    ("got", "answer"),
    [("200, 3 events, cut off", True), ("500, ended", False), (Word.NO_RESPONSE, None), ("", None)],
)
def test_a_status_is_what_the_client_got(got: str, answer: bool | None) -> None:
    assert asked(Status("200"), trial("error-mid-stream", got=got)) is answer


def test_an_event_may_be_told_by_what_was_sent_or_seen() -> None:
    sent = trial("error-mid-stream", "send begin", "stream begin", "stream end ValueError")
    start = msgspec.structs.replace(sent.events[0], detail="http.response.start")
    started = msgspec.structs.replace(sent, events=(start, *sent.events[1:]))
    mark = Mark("send", "begin", detail="http.response.start")
    for condition in (Before(mark, Mark("stream", "end", saw="ValueError")),):
        assert asked(condition, started) is True
        assert asked(condition, sent) is False
    assert asked(Before(mark, Mark("stream", "end", saw="OSError")), started) is None


def test_what_comes_after_the_window_has_no_place_in_the_order() -> None:
    order = Before(Mark("stream", "end"), Mark("dependency", "end"))
    late = [*STARTED, "dependency begin", "dependency end", CLOSES, COLLECTS,
            "stream end GeneratorExit at a yield"]  # fmt: skip
    assert asked(order, trial("idle", *late), surfaces=["dependency"]) is False
    later = [*STARTED, "dependency begin", CLOSES, COLLECTS,
             "stream end GeneratorExit at a yield", "dependency end"]  # fmt: skip
    assert asked(order, trial("idle", *later), surfaces=["dependency"]) is None


def test_an_itinerary_is_not_guessed() -> None:
    way = PathCondition("it went this way", lambda ways, scenario: True)
    assert asked(way, trial("idle", *CANCELLED)) is None


@pytest.mark.parametrize("claim", CLAIMS, ids=lambda claim: claim.id)
def test_a_claim_says_what_it_asks_for(claim: Claim) -> None:
    assert all(
        surface in claim.condition.said for surface in claim.condition.surfaces[:1]
    ) or isinstance(claim.condition, Status | When)
    assert claim.condition.said


# --- Verdicts.

FITS = Claim(
    id="made-up",
    text="It is cancelled at an `await`.",
    cited=(Source("a test"),),
    scenarios=("idle", "post"),
    condition=ENDED,
)


def verdict(of: StackResult, claim: Claim = FITS) -> Verdict:
    (found,) = verdicts([of], [claim])
    return found


def made(scenario: str, *ways: Sequence[Line]) -> list[Trial]:
    return [trial(scenario, *lines, repeat=i) for i, lines in enumerate(ways, 1)]


@pytest.mark.parametrize(
    ("idle", "post", "ruling"),
    [
        ([CANCELLED, CANCELLED], [CANCELLED], Ruling.CONFIRMED),
        ([RAN, RAN], [RAN], Ruling.REFUTED),
        ([CANCELLED, RAN], [CANCELLED], Ruling.MIXED),
        ([CANCELLED], [RAN], Ruling.MIXED),
        ([CANCELLED, SUSPENDED], [SUSPENDED], Ruling.CONFIRMED),
        ([SUSPENDED], [RAN], Ruling.REFUTED),
        ([SUSPENDED], [SUSPENDED], Ruling.INCONCLUSIVE),
        ([], [], Ruling.INCONCLUSIVE),
    ],
)
def test_a_verdict_is_unanimous_among_what_decides_or_mixed(
    idle: list[Sequence[Line]], post: list[Sequence[Line]], ruling: Ruling
) -> None:
    assert verdict(stack_result(*made("idle", *idle), *made("post", *post))).ruling == ruling


def test_a_verdict_says_in_how_many_trials_of_which_scenario() -> None:
    found = verdict(stack_result(*made("idle", CANCELLED, RAN, SUSPENDED), *made("post", RAN)))
    cases = [(case.scenario, case.confirmed, case.refuted, case.of) for case in found.cases]
    assert cases == [("idle", 1, 1, 3), ("post", 0, 1, 1)]


@pytest.mark.parametrize(
    ("trials", "why"),
    [
        ([], "not run"),
        (made("idle", SUSPENDED), f"`stream-end`: {Word.SUSPENDED}"),
        ([trial("idle", failure=Word.NOT_REACHED)], str(Word.NOT_REACHED)),
    ],
)
def test_what_could_not_be_told_says_why(trials: list[Trial], why: str) -> None:
    assert verdict(stack_result(*trials)).why == why


def test_a_claim_is_not_asked_of_what_an_app_or_server_does_not_have() -> None:
    handlers = msgspec.structs.replace(FITS, condition=SAW)
    known = stack_result(*made("idle", CANCELLED), PROOF)
    assert verdict(known, handlers).ruling == Ruling.NOT_APPLICABLE
    having = msgspec.structs.replace(known, surfaces=("handler",))
    assert verdict(having, handlers).ruling == Ruling.CONFIRMED

    lacking = stack_result(*made("sync", CANCELLED), unsupported=["sync"])
    plain = msgspec.structs.replace(FITS, scenarios=("sync",))
    assert verdict(lacking, plain).ruling == Ruling.NOT_APPLICABLE
    either = msgspec.structs.replace(FITS, scenarios=("sync", "idle"))
    assert [case.scenario for case in verdict(lacking, either).cases] == ["idle"]

    promised = msgspec.structs.replace(FITS, module="hypercorn")
    assert verdict(known, promised).ruling == Ruling.NOT_APPLICABLE
    keeping = msgspec.structs.replace(known, stack=stack(server="hypercorn"))
    assert verdict(keeping, promised).ruling == Ruling.CONFIRMED


def test_the_table_of_claims_is_sorted_and_names_scenarios_by_ruling() -> None:
    stack_results = [
        stack_result(*made("idle", CANCELLED, RAN), *made("post", CANCELLED), of=stack(app))
        for app in ("starlette", "bare")
    ]
    header, *rows = claims_csv(verdicts(stack_results, [FITS])).splitlines()
    assert header == ",".join(COLUMNS)
    assert rows == [
        "current,3.13,bare,uvicorn,made-up,mixed,post,idle,,",
        "current,3.13,starlette,uvicorn,made-up,mixed,post,idle,,",
    ]
    other = msgspec.structs.replace(FITS, id="another")
    _, *rows = claims_csv(verdicts(stack_results[::-1], [FITS, other])).splitlines()
    assert rows == sorted(rows)
    assert len(rows) == 4


# --- Some claims whose condition is more than a word: (claim, scenario, lines, answer).

FAILED = ("stream begin", "stream end ValueError at an await")
CASES: list[tuple[str, str, Sequence[Line], str | None, bool | None]] = [
    ("handler-cannot-answer", "error-mid-stream", [*FAILED, "handler saw ValueError"],
     "200, 3 events, ended", True),
    ("handler-cannot-answer", "error-mid-stream", [*FAILED, "handler saw ValueError"],
     "500, ended", False),
    ("handler-cannot-answer", "error-mid-stream", FAILED, "500, ended", True),
    ("handler-cannot-answer", "error-mid-stream", ["stream begin", "stream end"],
     "200, ended", None),
    ("late-handler-runs-in-vain", "error-mid-stream", [*FAILED, "handler saw ValueError"],
     "200, 3 events, cut off", True),
    ("late-handler-runs-in-vain", "error-mid-stream", FAILED, "200, 3 events, cut off", False),
    ("late-handler-runs-in-vain", "error-mid-stream", [*FAILED, "handler saw ValueError"],
     "500, ended", False),
    ("new-task-runs", "cleanup-task", [*CANCELLED, "cleanup begin", "cleanup end"], None, True),
    ("new-task-runs", "cleanup-task", CANCELLED, None, False),
    ("new-task-runs", "cleanup-task", SUSPENDED, None, None),
    ("hearing-it-ends-the-sending", "idle",
     ["asgi begin", *STARTED, "receive end http.disconnect",
      "stream end CancelledError at an await", "asgi end"], None, True),
    ("hearing-it-ends-the-sending", "idle",
     ["asgi begin", *STARTED, "receive end http.disconnect", "stream end", "asgi end"],
     None, False),
    ("hearing-it-ends-the-sending", "idle",
     ["asgi begin", *STARTED, "receive end http.disconnect", CLOSES], None, False),
    ("hearing-it-ends-the-sending", "idle",
     ["asgi begin", *STARTED, "stream end", "receive end http.disconnect", "asgi end"],
     None, None),
    ("endpoint-is-over-first", "idle",
     ["endpoint begin", "endpoint end", *CANCELLED], None, True),
    ("endpoint-is-over-first", "idle",
     ["endpoint begin", "stream begin", LEAVES, "endpoint end CancelledError"], None, False),
    ("normal-end-cancels-the-listening", "complete",
     ["receive begin", "receive end CancelledError"], None, True),
    ("normal-end-cancels-the-listening", "complete",
     ["receive begin", "receive end http.disconnect"], None, False),
    ("normal-end-cancels-the-listening", "complete", [], None, None),
    ("no-await-starves-the-loop", "firehose",
     [*STARTED, 20, "send begin #1", "send end #1", CLOSES, "liveness saw no answer"], None, True),
    ("no-await-starves-the-loop", "firehose",
     [*STARTED, 20, "send begin #1", "send end #1", CLOSES, "liveness saw answered"], None, False),
    ("asking-does-no-harm", "polling",
     ["stream begin", "is_disconnected begin", LEAVES, "is_disconnected saw said so",
      "stream end"], None, True),
    ("asking-does-no-harm", "polling",
     ["stream begin", "is_disconnected begin", LEAVES, "stream end"], None, False),
]  # fmt: skip


@pytest.mark.parametrize(
    ("claim", "scenario", "lines", "got", "answer"),
    CASES,
    ids=[f"{case[0]}-{i}" for i, case in enumerate(CASES)],
)
def test_a_claim_is_decided_by_what_would_prove_it_wrong(
    claim: str, scenario: str, lines: Sequence[Line], got: str | None, answer: bool | None
) -> None:
    of = trial(scenario, *lines, got=got)
    assert asked(CLAIM[claim].condition, of, surfaces=["handler"]) is answer


# --- The report.


def report_of(directory: Path, *stack_results: StackResult) -> str:
    for each in stack_results:
        write_stack_result(directory, each)
    publish.rebuild(directory)
    return (directory / "report.md").read_text(encoding="utf-8")


def row(report: str, claim: str) -> str:
    """The cells of the claim's row."""
    (found,) = (line for line in report.splitlines() if f"| {CLAIM[claim].text} |" in line)
    return found.partition(f"| {CLAIM[claim].text} | ")[2]


def test_the_report_says_where_a_claim_holds(tmp_path: Path) -> None:
    firm = stack_result(
        *made("idle", CANCELLED), *made("ticking", CANCELLED, RAN), of=stack("firm")
    )
    torn = [
        stack_result(*made("idle", CANCELLED), of=stack("torn")),
        stack_result(*made("idle", RAN), of=stack("torn", "hypercorn")),
    ]
    text = report_of(tmp_path, firm, *torn)
    cells = row(text, "cancelled-at-an-await").split(" | ")
    assert cells[0].startswith("[confirmed, ticking 1/2][")
    assert cells[1].startswith("uvicorn: [confirmed][")
    assert "<br>hypercorn: [refuted][" in cells[1]
    assert "**torn**: refuted in [`idle`]" in text


def test_results_without_a_scenario_say_that_it_was_not_run(tmp_path: Path) -> None:
    text = report_of(tmp_path, stack_result(*made("idle", CANCELLED)))
    assert row(text, "is-disconnected-tells").startswith("not run |")
    assert "is-disconnected-tells" not in text.partition("## Which global handlers")[0]
    assert "not decided" not in row(text, "cancelled-at-an-await")
    assert (tmp_path / "claims.csv").exists()


def test_an_app_is_told_by_its_servers_that_decide(tmp_path: Path) -> None:
    silent = trial("idle", "stream begin", failure=Word.NOT_REACHED)
    text = report_of(
        tmp_path,
        stack_result(*made("idle", RAN), of=stack("torn")),
        stack_result(silent, of=stack("torn", "hypercorn")),
    )
    (line,) = (each for each in text.splitlines() if each.startswith("- Do not hold"))
    assert "1. cancelled-at-an-await" in line
    assert "Hold in part" not in text


def test_what_no_server_decides_is_not_said_to_hold(tmp_path: Path) -> None:
    text = report_of(tmp_path, stack_result(trial("idle", failure=Word.NOT_REACHED)))
    (line,) = (each for each in text.splitlines() if each.startswith("- Could not be told"))
    assert "1. cancelled-at-an-await" in line
    assert "- Hold: " not in text


def test_trials_that_do_not_decide_are_counted(tmp_path: Path) -> None:
    neither = trial("ticking", "stream begin", failure=Word.NOT_REACHED, repeat=2)
    text = report_of(tmp_path, stack_result(*made("ticking", CANCELLED), neither))
    assert "not decided by some trials of [`ticking`]" in text
    assert "(1 of 2)" in text


def test_claims_make_the_same_report_again(tmp_path: Path) -> None:
    stack_results = [
        stack_result(*made("idle", CANCELLED, RAN), of=stack(app)) for app in ("a", "b")
    ]
    assert report_of(tmp_path / "1", *stack_results) == report_of(
        tmp_path / "2", *stack_results[::-1]
    )
    first, second = (tmp_path / name / "claims.csv" for name in "12")
    assert first.read_bytes() == second.read_bytes()
