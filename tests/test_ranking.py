"""Apps are ranked by what their trials say, and by nothing that is not known."""

from __future__ import annotations

import pytest

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.ranking import Answered, Ranking, answered, ranking
from hangup.model.ranking import HANGUPS, QUESTIONS, Answer, QuestionId
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack, StackResult, Trial
from hangup.model.vocabulary import FAILURES, Word
from hangup.report.symbols import SYMBOLS
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

CANCELLED: tuple[Line, ...] = (
    *("source begin", "stream begin", LEAVES),
    *("source end CancelledError at an await", "stream end CancelledError at an await"),
)
COLLECTED: tuple[Line, ...] = (
    *("source begin", "stream begin", LEAVES, CLOSES, COLLECTS),
    *("source end GeneratorExit at a yield", "stream end GeneratorExit at a yield"),
)
TOLD_ONLY: tuple[Line, ...] = (
    *("source begin", "stream begin", LEAVES, "stream end CancelledError at an await", CLOSES),
)
ENDPOINT_TOLD = ("endpoint begin", LEAVES, "endpoint end CancelledError")
PROOF = trial("plain-error", "handler saw ValueError", "server-log saw ValueError")
BY_QUESTION = {question.id: question for question in QUESTIONS}


def good(*, but: tuple[str, ...] = ()) -> list[Trial]:
    """Trials that answer every question well, without those of some scenarios."""
    every = [
        *(trial(name, *CANCELLED) for name in HANGUPS if name != "before-response"),
        trial("before-response", *ENDPOINT_TOLD),
        *(trial(name, got="200, 3 events, cut off") for name in BY_QUESTION["failure"].scenarios),
        trial("firehose", *CANCELLED, "liveness saw answered"),
        trial("backpressure-busy", *CANCELLED),
        trial("idle-half-close", *CANCELLED),
        trial("cleanup-await", *CANCELLED, "cleanup begin", "cleanup end"),
        trial("shutdown", *CANCELLED, "exit saw exited"),
        PROOF,
    ]
    return [found for found in every if found.scenario not in but]


def result(*trials: Trial, app: str = "starlette", server: str = "uvicorn") -> StackResult:
    return stack_result(
        *trials,
        surfaces=("handler",),
        unsupported=("sync", "is-disconnected"),
        of=stack(app, server),
    )


def answers(*trials: Trial) -> dict[QuestionId, Answered]:
    found = answered(Outcomes([result(*trials)]), stack())
    return {answer.question.id: answer for answer in found}


def ranked(*results: StackResult) -> Ranking:
    return ranking(Outcomes(results), [found.stack for found in results])


def test_every_question_can_be_answered_well() -> None:
    assert {a.question.id for a in answers(*good()).values() if a.well} == set(BY_QUESTION)


BAD: dict[QuestionId, Trial] = {
    "told": trial("idle", *COLLECTED),
    "source": trial("idle", *TOLD_ONLY),
    "failure": trial("error-mid-stream", got="200, 3 events, ended"),
    "quiet": trial("firehose", *CANCELLED, "liveness saw answered", "handler saw OSError"),
    "await": trial("cleanup-await", *CANCELLED, "cleanup begin", "cleanup end CancelledError"),
    "others": trial("firehose", *CANCELLED, "liveness saw no answer"),
    "shutdown": trial("shutdown", *CANCELLED, "exit saw still running"),
}


@pytest.mark.parametrize("question", sorted(BAD))
def test_one_scenario_that_says_otherwise_is_enough_not_to_be_answered_well(
    question: QuestionId,
) -> None:
    bad = BAD[question]
    found = answers(*good(but=(bad.scenario,)), bad)
    assert not found[question].well
    assert {name for name, answer in found.items() if not answer.well} == {question}
    several = len(BY_QUESTION[question].scenarios) > 1 and len(found[question].evidence) > 1
    assert found[question].answer is (Answer.PARTLY if several else Answer.NOT_WELL)


def test_one_trial_that_says_otherwise_is_enough_too_and_is_counted() -> None:
    again = trial("shutdown", *CANCELLED, "exit saw still running", repeat=2)
    found = answers(*good(), again)["shutdown"]
    assert found.answer is Answer.PARTLY
    assert [(e.scenario, e.good, e.of) for e in found.evidence] == [("shutdown", 1, 2)]
    assert found.reason.endswith("SIGTERM while a stream is open (1/2)")


def test_the_scenario_that_says_so_most_often_is_the_reason() -> None:
    now_and_then = trial("idle", *COLLECTED, repeat=2)
    always = trial("post", *COLLECTED)
    found = answers(*good(but=("post",)), now_and_then, always)["told"]
    assert [e.scenario for e in found.failing] == ["post", "idle"]
    assert BY_ID["post"].title in found.reason


def test_trials_that_came_out_alike_are_counted() -> None:
    bad = trial("shutdown", *CANCELLED, "exit saw still running", alike=(2, 3))
    (evidence,) = answers(*good(but=("shutdown",)), bad)["shutdown"].evidence
    assert (evidence.good, evidence.of) == (0, 3)


@pytest.mark.parametrize("failure", sorted(FAILURES))
@pytest.mark.parametrize("question", [question.id for question in QUESTIONS])
def test_what_is_not_known_is_not_answered_well(question: QuestionId, failure: Word) -> None:
    (first, *_) = BY_QUESTION[question].scenarios
    failed = answers(*good(but=(first,)), trial(first, failure=failure))[question]
    assert (failed.answer, failed.missing) == (Answer.UNKNOWN, (first,))
    not_run = answers(*good(but=(first,)))[question]
    assert (not_run.answer, not_run.missing) == (Answer.UNKNOWN, (first,))
    assert BY_ID[first].title in not_run.reason


def test_a_trial_that_failed_is_no_evidence_beside_others() -> None:
    found = answers(*good(), trial("idle", repeat=2, failure=Word.DISTURBED))["told"]
    assert found.well
    assert {(e.good, e.of) for e in found.evidence} == {(1, 1)}


def test_what_only_thorough_runs_have_need_not_have_been_run() -> None:
    assert "relay" in HANGUPS
    assert answers(*good(but=("relay", "relay-stalled")))["told"].well


def test_an_endpoint_that_is_the_stream_is_not_asked_before_the_response() -> None:
    never_there = trial("before-response", failure=Word.NOT_REACHED)
    assert answers(*good(but=("before-response",)), never_there)["told"].well


def test_streams_that_nothing_can_be_raised_in_are_not_asked_to_be_told() -> None:
    fair = set(HANGUPS)
    assert fair.isdisjoint({"firehose", "backpressure-busy", "polling-firehose", "polling"})
    assert fair.isdisjoint({"sync", "idle-half-close"})
    assert {"idle", "ticking", "backpressure", "idle-rst", "idle-timeout", "nested"} <= fair
    for name in ("firehose", "backpressure-busy"):
        untold = trial(name, *COLLECTED, "liveness saw answered")
        assert answers(*good(but=(name,)), untold)["told"].well


def test_a_source_is_not_asked_about_where_no_hang_up_ended_its_stream() -> None:
    found = answers(*good(but=("backpressure",)), trial("backpressure", *COLLECTED))
    assert not found["told"].well
    assert found["source"].well
    assert "backpressure" not in {e.scenario for e in found["source"].evidence}


def test_a_source_may_end_by_its_last_reference_and_not_by_a_collection() -> None:
    def nested(dropped: str) -> Trial:
        return trial(
            "nested",
            *("stream begin", "source begin", LEAVES, "stream end CancelledError at an await"),
            *(f"source dropped {dropped}", "source end GeneratorExit at a yield"),
        )

    without = good(but=("nested",))
    assert answers(*without, nested(Word.REFERENCE_DROPPED))["source"].well
    assert not answers(*without, nested(Word.GARBAGE_COLLECTED))["source"].well


def test_a_client_that_waits_for_the_rest_does_not_see_a_failure() -> None:
    waits = trial("error-mid-stream", got="200, 3 events, not ended")
    assert not answers(*good(but=("error-mid-stream",)), waits)["failure"].well
    refused = trial("error-before-first-event", got="500, ended")
    assert answers(*good(but=("error-before-first-event",)), refused)["failure"].well


def test_a_silence_that_is_not_earned_is_not_quiet() -> None:
    assert answers(*good(but=("plain-error",)))["quiet"].answer is Answer.UNKNOWN


def test_a_hook_is_no_alarm() -> None:
    called = trial("post", *CANCELLED, "hook:after saw CancelledError")
    assert answers(*good(but=("post",)), called)["quiet"].well


def test_a_recipe_that_awaits_in_finally_says_whether_it_may() -> None:
    cut = trial(
        "try-finally-in-ticking",
        *("asgi begin", "source begin", LEAVES, "source end CancelledError at an await"),
        *("cleanup begin", "cleanup end CancelledError", "asgi end", "liveness saw answered"),
    )
    found = answers(*good(), cut)["await"]
    assert found.answer is Answer.PARTLY
    assert [e.scenario for e in found.failing] == ["try-finally-in-ticking"]


# --- Ranks.


def test_apps_are_ranked_by_how_many_they_answer_well_and_ties_share_a_rank() -> None:
    worse = [*good(but=("shutdown",)), BAD["shutdown"]]
    worst = [*good(but=("shutdown", "firehose")), BAD["shutdown"], BAD["others"]]
    found = ranked(
        result(*worst, app="d"),
        result(*worse, app="bare"),
        result(*worse, app="a"),
        result(*good(), app="z"),
    )
    assert [(r.rank, r.app, r.well) for r in found.apps] == [
        (1, "z", 7),
        (2, "a", 6),
        (2, "bare", 6),
        (4, "d", 5),
    ]
    assert found.best is not None
    assert found.best.app == "z"


def test_the_best_is_not_the_reference() -> None:
    found = ranked(result(*good(), app="bare"), result(PROOF, app="a"))
    assert found.apps[0].is_reference
    assert found.best is not None
    assert found.best.app == "a"
    assert ranked(result(*good(), app="bare")).best is None


def test_they_are_ranked_on_the_reference_server_and_others_are_noted() -> None:
    slow = [*good(but=("shutdown",)), BAD["shutdown"]]
    found = ranked(
        result(*slow, server="hypercorn"),
        result(*good()),
        result(*good(), app="a", server="hypercorn"),
    )
    (app,) = found.apps
    assert (found.server, app.well, found.not_ranked) == ("uvicorn", 7, ("a",))
    assert app.servers == ("hypercorn", "uvicorn")
    assert [(a.stack.server, a.question.id) for a in app.elsewhere] == [("hypercorn", "shutdown")]
    elsewhere = ranked(result(*good(), server="hypercorn"))
    assert (elsewhere.server, elsewhere.apps[0].rank) == ("hypercorn", 1)


def test_variants_are_not_ranked() -> None:
    assert ranked(result(*good(), app="a+gzip"), result(*good(), server="uvicorn+fast")).apps == ()


def test_no_stacks_have_no_ranking() -> None:
    nothing: list[Stack] = []
    assert ranking(Outcomes([]), nothing) == Ranking(server="", apps=(), not_ranked=())


def test_every_answer_has_a_symbol_of_its_own() -> None:
    assert len({SYMBOLS[answer] for answer in Answer}) == len(Answer)


def test_servers_that_differ_by_a_race_answer_alike() -> None:
    def ended(server: str, *exits: str) -> StackResult:
        trials = [
            trial("shutdown", "stream begin", LEAVES, f"exit saw {exit_}", repeat=n)
            for n, exit_ in enumerate(exits, start=1)
        ]
        others = [t for t in result(*good()).trials if t.scenario != "shutdown"]
        return stack_result(*others, *trials, of=stack("starlette", server=server))

    once = ended("uvicorn", "exited", "exited", "still running")
    (app,) = ranked(once, ended("hypercorn", "exited", "exited", "exited")).apps
    assert not app.elsewhere
    (app,) = ranked(once, ended("hypercorn", *["still running"] * 3)).apps
    assert not app.elsewhere
    always = ended("uvicorn", "exited", "exited", "exited")
    (app,) = ranked(always, ended("hypercorn", *["still running"] * 3)).apps
    assert [a.question.id for a in app.elsewhere] == ["shutdown"]
