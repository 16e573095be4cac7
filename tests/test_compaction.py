"""One trial stands for all that came out alike, and nothing that is said of them changes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable

import msgspec
import pytest

from hangup.analysis import compaction
from hangup.analysis.claims import verdicts
from hangup.analysis.cleanup import CleanupGuide
from hangup.analysis.compaction import KEPT, compacted
from hangup.analysis.coverage import tracing_effect
from hangup.analysis.hazards import found_hazards
from hangup.analysis.headlines import headlines
from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.analysis.upstream import Cost, cost_rows
from hangup.model.cleanup import RECIPES_BY_SITUATION, scenario_id
from hangup.model.exception_path import Step
from hangup.model.trace import TRACED, StackResult, Trial
from hangup.model.vocabulary import OPTIONAL, Word
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

CANCELLED: tuple[Line, ...] = (
    "stream begin", LEAVES, "stream end CancelledError at an await", "asgi end",
)  # fmt: skip
CLOSED: tuple[Line, ...] = (
    "stream begin", LEAVES, "stream end GeneratorExit at a yield", "asgi end",
)  # fmt: skip
SUSPENDED: tuple[Line, ...] = ("stream begin", LEAVES, CLOSES)
SLOWLY: tuple[Line, ...] = (
    17, "stream begin", 3, LEAVES, 4, "stream end CancelledError at an await", 5, "asgi end",
)  # fmt: skip
"""As `CANCELLED`, at other times."""


def numbered(scenario: str, *outcomes: tuple[Line, ...], first: int = 1) -> list[Trial]:
    return [trial(scenario, *lines, repeat=n) for n, lines in enumerate(outcomes, first)]


def kept(*trials: Trial) -> list[tuple[int, tuple[int, ...]]]:
    """The repeats that are kept, and those that each of them stands for."""
    result = compacted(stack_result(*trials, surfaces=("handler",)))
    return [(trial.repeat, trial.alike) for trial in result.trials]


# --- What is merged.


def test_trials_that_differ_in_their_times_only_are_kept_once() -> None:
    assert kept(*numbered("idle", CANCELLED, SLOWLY, CLOSED, CANCELLED)) == [(1, (2, 4)), (3, ())]


def test_the_first_is_kept_whatever_order_they_come_in() -> None:
    trials = numbered("idle", CANCELLED, SLOWLY, CLOSED, CANCELLED)
    assert kept(*trials[::-1]) == [(1, (2, 4)), (3, ())]


def test_the_trial_that_is_kept_is_whole() -> None:
    trials = numbered("idle", CANCELLED, SLOWLY)
    (found,) = compacted(stack_result(*trials)).trials
    assert found == msgspec.structs.replace(trials[0], alike=(2,))
    assert found.count == 2


def test_trials_of_different_scenarios_are_not_merged() -> None:
    assert kept(trial("idle", *CANCELLED), trial("post", *CANCELLED, repeat=2)) == [
        (1, ()),
        (2, ()),
    ]


def test_a_trial_of_a_scenario_that_no_longer_exists_is_kept() -> None:
    of_yesterday = [trial("of-yesterday", LEAVES, repeat=n) for n in (1, 2)]
    result = stack_result(*of_yesterday, *numbered("idle", CANCELLED, SLOWLY))
    assert compacted(result).trials[1:] == tuple(of_yesterday)


def test_trials_and_results_of_which_there_is_nothing_to_merge_are_as_they_were() -> None:
    result = stack_result(*numbered("idle", CANCELLED, CLOSED, SUSPENDED))
    assert compacted(result) == result
    assert compacted(stack_result()) == stack_result()


# --- What is never merged.

DIFFERENT: list[tuple[str, Trial, Trial]] = [
    ("a word", trial("idle", *CANCELLED), trial("idle", *CLOSED)),
    (
        "a word of a surface that few look at",
        trial("idle", *CANCELLED),
        trial("idle", *CANCELLED, "receive begin"),
    ),
    (
        "a word that depends on the times",
        trial("idle", "stream begin", LEAVES, "send begin #1", "send end #1", 2000, CLOSES),
        trial("idle", "stream begin", LEAVES, 2000, "send begin #1", "send end #1", CLOSES),
    ),
    (
        "where an exception was raised",
        trial("idle", "stream begin", LEAVES, "stream saw CancelledError at an await",
              "stream end OSError at an await"),
        trial("idle", "stream begin", LEAVES, "stream saw CancelledError at an await",
              "stream end OSError at a yield"),
    ),
    (
        "why it failed",
        trial("idle", failure=Word.NOT_REACHED),
        trial("idle", failure=Word.SERVER_EXITED),
    ),
    (
        "the note of a failure",
        trial("idle", failure=Word.NOT_REACHED),
        msgspec.structs.replace(trial("idle", failure=Word.NOT_REACHED), note="another one"),
    ),
    (
        "what the client got",
        trial("complete", got="200, 5 events, ended"),
        trial("complete", got="200, 4 events, ended"),
    ),
    (
        "what a client got that is not asked for it",
        trial("idle", *CANCELLED),
        trial("idle", *CANCELLED, got="200, 3 events, ended"),
    ),
    ("the events the client received", trial("complete", received=("1", "2")),
     trial("complete", received=("2", "1"))),
    # The same words, and another answer to a claim: the endpoint ended before the stream began.
    (
        "the answer to a claim",
        trial("idle", "endpoint begin", "endpoint end", *CANCELLED),
        trial("idle", "endpoint begin", "stream begin", "endpoint end", *CANCELLED[1:]),
    ),
    # The same words in the same order, and another answer: what was sent is no word.
    (
        "the answer to a claim about what was sent",
        trial("error-mid-stream", "send begin (http.response.start)", "stream begin",
              "stream end ValueError"),
        trial("error-mid-stream", "send begin (http.response.body)", "stream begin",
              "stream end ValueError"),
    ),
    # Whether a `receive()` was under way when the client left, and the answer to a claim with it.
    (
        "what was under way when the client left",
        trial("idle", "receive begin", *CANCELLED[:2], "receive end http.disconnect",
              *CANCELLED[2:]),
        trial("idle", "stream begin", LEAVES, "receive begin", "receive end http.disconnect",
              *CANCELLED[2:]),
    ),
    (
        "what an upstream was made to send",
        trial("relay", "upstream accepts", "upstream sends #1", LEAVES, "upstream closed"),
        trial("relay", "upstream accepts", "upstream sends #1", LEAVES, "upstream sends #2",
              "upstream closed"),
    ),
    (
        "when an upstream was closed",
        trial("relay", "upstream accepts", LEAVES, "upstream closed"),
        trial("relay", "upstream accepts", LEAVES, 1, "upstream closed"),
    ),
    (
        "how a process exited",
        trial("shutdown", LEAVES, "exit saw exited (code 0)"),
        trial("shutdown", LEAVES, "exit saw exited (signal SIGTERM)"),
    ),
    (
        "what was under way when the operator signalled",
        trial("shutdown-during-cleanup", LEAVES, "client signals (SIGTERM)"),
        trial("shutdown-during-cleanup", LEAVES, "client signals (SIGTERM; no clean-up)"),
    ),
    # Nothing that is asked today depends on these: only the order of the events tells.
    (
        "the order of the first events",
        trial("idle", "stream begin", LEAVES, "stream end CancelledError at an await",
              "handler saw CancelledError", "asgi end"),
        trial("idle", "stream begin", LEAVES, "stream end CancelledError at an await",
              "asgi end", "handler saw CancelledError"),
    ),
    (
        "the order of two surfaces after the window",
        trial("idle", *SUSPENDED, COLLECTS, "stream end GeneratorExit at a yield",
              "source dropped"),
        trial("idle", *SUSPENDED, COLLECTS, "source dropped",
              "stream end GeneratorExit at a yield"),
    ),
    (
        "what was under way when the client left, with no event after it",
        trial("idle", "middleware begin", "middleware end", LEAVES),
        trial("idle", "middleware begin", "middleware end", "middleware begin", LEAVES),
    ),
    (
        "what was under way when the window closed, with no event after it",
        trial("idle", "middleware begin", "middleware end", LEAVES, "middleware begin"),
        trial("idle", "middleware begin", "middleware end", LEAVES, "middleware begin",
              "middleware end"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("one", "other"), [d[1:] for d in DIFFERENT], ids=[d[0] for d in DIFFERENT]
)
def test_trials_are_not_merged_if_they_differ_in(one: Trial, other: Trial) -> None:
    other = msgspec.structs.replace(other, repeat=2)
    assert kept(one, other) == [(1, ()), (2, ())]
    assert kept(one, msgspec.structs.replace(one, repeat=2)) == [(1, (2,))]


def test_a_pause_that_disturbed_nothing_is_no_difference() -> None:
    paused = (*CANCELLED[:1], "process paused (for 0.3 s)", *CANCELLED[1:])
    assert kept(*numbered("idle", CANCELLED, paused)) == [(1, (2,))]


def test_the_clients_own_events_have_no_place_in_the_order() -> None:
    """They are of another process: what their order says is only when the client left."""
    late = ("stream begin", "asgi begin", "client connects", LEAVES, "asgi end")
    early = ("client connects", "stream begin", "asgi begin", LEAVES, "asgi end")
    assert kept(*numbered("idle", late, early)) == [(1, (2,))]


# --- What is said afterwards.


def everything() -> StackResult:
    """A stack with repeats of many outcomes, relays, recipes, controls and traced trials."""
    trials: list[Trial] = [
        *numbered("idle", CANCELLED, SLOWLY, CANCELLED, CLOSED, SUSPENDED, SUSPENDED),
        trial("idle", repeat=7, failure=Word.SERVER_EXITED),
        trial("idle", repeat=8, failure=Word.SERVER_EXITED),
        *numbered("ticking", *[CANCELLED, CLOSED] * 5),
        *numbered(
            "firehose",
            *[("stream begin", LEAVES, 20, "send begin #1", "send end #1", CLOSES,
               "liveness saw no answer")] * 3,
        ),
        *numbered("complete", *[("background begin", "background end")] * 3),
        *numbered("plain-error", *[("handler saw ValueError", "server-log saw ValueError")] * 2),
        *numbered(
            "error-mid-stream",
            *[("stream begin", "stream end ValueError", "asgi end ValueError")] * 2,
            ("stream begin", "stream end ValueError", "handler saw ValueError"),
        ),
        *numbered(
            "relay",
            *[("upstream accepts", "source begin", LEAVES, "upstream sends #1",
               "source end CancelledError", "upstream closed")] * 2,
            ("upstream accepts", "source begin", LEAVES, "upstream sends #1", CLOSES),
        ),
    ]  # fmt: skip
    cleanup = ("asgi begin", LEAVES, "cleanup saw CancelledError", "cleanup begin", "cleanup end")
    for recipe, situation in RECIPES_BY_SITUATION:
        trials += numbered(
            scenario_id(recipe, situation),
            *[(*cleanup, "asgi end")] * 2,
            (*cleanup[:-1], "cleanup end CancelledError"),
        )
    return stack_result(
        *trials,
        surfaces=OPTIONAL,
        traced=[
            trial("idle", *SLOWLY, repeat=TRACED, steps=STEPS),
            trial("ticking", *SUSPENDED, repeat=TRACED, steps=STEPS),
        ],
    )


STEPS = (Step(event="raised", n=1, saw="CancelledError", file="apps/common/service.py"),)


def costs(outcomes: Outcomes) -> dict[tuple[str, str], Counter[Cost]]:
    return {(row.stack.id, row.scenario): Counter(row.costs) for row in cost_rows(outcomes)}


def test_what_is_said_of_a_stack_is_the_same_afterwards() -> None:
    before, after = everything(), compacted(everything())
    assert len(after.trials) < 0.7 * len(before.trials)
    old, new = Outcomes([before]), Outcomes([after])
    assert new.observations == old.observations
    assert verdicts(new) == verdicts(old)
    assert found_hazards(new) == found_hazards(old) != []
    assert headlines(new, [stack()]) == headlines(old, [stack()]) != []
    assert costs(new) == costs(old) != {}
    assert tracing_effect(new) == tracing_effect(old)
    assert new.of(stack()).exception_paths == old.of(stack()).exception_paths
    guides = [CleanupGuide(outcomes) for outcomes in (old, new)]
    for recipe, situation in RECIPES_BY_SITUATION:
        tried, again = (guide.tried(stack(), recipe, situation) for guide in guides)
        assert again == tried
        assert tried.counts or recipe.surface


def distinct(result: StackResult) -> set[Hashable]:
    """All different outcomes of the trials of a stack."""
    return {
        (t.trial.scenario, t.trial.failure, tuple(t.saws.items()))
        for t in StackOutcomes(result).trials
    }


def test_no_distinct_outcome_is_lost() -> None:
    assert distinct(compacted(everything())) == distinct(everything())


def test_every_repeat_is_kept_or_stood_for_exactly_once() -> None:
    def repeats(result: StackResult) -> Counter[tuple[str, int]]:
        return Counter((t.scenario, n) for t in result.trials for n in (t.repeat, *t.alike))

    assert repeats(compacted(everything())) == repeats(everything())


def test_doing_it_twice_is_the_same_as_doing_it_once() -> None:
    once = compacted(everything())
    assert compacted(once) == once


def test_trials_come_sorted_by_scenario_and_repeat() -> None:
    result = compacted(
        stack_result(*numbered("post", CLOSED, CANCELLED), *numbered("idle", CLOSED, SUSPENDED))
    )
    assert [(t.scenario, t.repeat) for t in result.trials] == [
        ("idle", 1),
        ("idle", 2),
        ("post", 1),
        ("post", 2),
    ]


# --- After a run of some scenarios only.


def test_the_numbers_are_right_after_a_scenario_was_run_again() -> None:
    """As when a partial run is merged: the trials of other scenarios are kept as they are."""
    before = compacted(
        stack_result(*numbered("idle", CANCELLED, SLOWLY, CLOSED), *numbered("post", CANCELLED))
    )
    again = numbered("post", CANCELLED, CLOSED, SLOWLY)
    old = [t for t in before.trials if t.scenario != "post"]
    merged = compacted(stack_result(*again, *old))
    assert [(t.scenario, t.repeat, t.alike) for t in merged.trials] == [
        ("idle", 1, (2,)),
        ("idle", 3, ()),
        ("post", 1, (3,)),
        ("post", 2, ()),
    ]
    found = {
        (o.scenario, o.saw): (o.n, o.of)
        for o in StackOutcomes(merged).observations
        if o.surface == "stream-end"
    }
    for scenario in ("idle", "post"):
        assert found[scenario, Word.CANCELLED_AT_AWAIT] == (2, 3)
        assert found[scenario, Word.CLOSED_AT_YIELD] == (1, 3)


def test_trials_that_stand_for_others_are_merged_with_more_of_the_same() -> None:
    trials = [
        trial("idle", *CANCELLED, repeat=2, alike=(5, 7)),
        trial("idle", *SLOWLY, repeat=1, alike=(6,)),
        trial("idle", *CLOSED, repeat=3, alike=(4,)),
    ]
    assert kept(*trials) == [(1, (2, 5, 6, 7)), (3, (4,))]


# --- Trials in which exceptions were traced.


def traced_alone(*lines: Line, failure: Word | None = None) -> Trial:
    return trial("idle", *lines, repeat=TRACED, steps=STEPS, failure=failure)


def traced_after(result: StackResult) -> Trial:
    (found,) = compacted(result).traced
    return found


def test_the_events_of_a_traced_trial_that_came_out_like_another_are_not_kept() -> None:
    trials = numbered("idle", CLOSED, CANCELLED, SLOWLY)
    found = traced_after(stack_result(*trials, traced=[traced_alone(*SLOWLY)]))
    assert (found.same_as, found.events, found.steps) == (2, (), STEPS)


def test_the_trial_that_a_traced_one_is_the_same_as_is_kept() -> None:
    result = compacted(everything())
    by_scenario = {t.scenario: t for t in result.traced}
    assert by_scenario["idle"].same_as in {t.repeat for t in result.trials if t.scenario == "idle"}


@pytest.mark.parametrize(
    ("traced", "usual"),
    [
        (traced_alone(*SUSPENDED), [CANCELLED, CLOSED]),
        (traced_alone(*SUSPENDED), []),
        (traced_alone(failure=Word.SERVER_EXITED), [CANCELLED]),
    ],
)
def test_the_events_of_a_traced_trial_are_kept_if_no_other_came_out_like_it(
    traced: Trial, usual: list[tuple[Line, ...]]
) -> None:
    result = stack_result(*numbered("idle", *usual), traced=[traced])
    assert traced_after(result) == traced


def test_a_traced_trial_that_failed_is_not_put_in_the_place_of_others_that_failed() -> None:
    failed = trial("idle", failure=Word.SERVER_EXITED)
    traced = traced_alone(failure=Word.SERVER_EXITED)
    assert traced_after(stack_result(failed, traced=[traced])) == traced


def test_a_traced_trial_of_a_scenario_that_no_longer_exists_is_kept() -> None:
    traced = trial("of-yesterday", LEAVES, repeat=TRACED)
    assert traced_after(stack_result(traced=[traced])) == traced


# --- Many calls in a row.


def calls(first: int, last: int) -> list[Line]:
    """Calls of `send()` that return, one after the other."""
    return [f"send {event} #{n}" for n in range(first, last + 1) for event in ("begin", "end")]


def sends(result: StackResult) -> list[int]:
    """The numbers of the sends that begin in the only trial."""
    (only,) = result.trials
    return [e.n or 0 for e in only.events if (e.surface, e.event) == ("send", "begin")]


def flood(*lines: Line) -> StackResult:
    return stack_result(trial("firehose", "stream begin", *lines))


def test_of_many_sends_the_first_and_last_before_and_after_the_client_left_are_kept() -> None:
    before = flood(*calls(1, 100), LEAVES, *calls(101, 200), CLOSES)
    after = compacted(before)
    assert sends(after) == [
        *range(1, KEPT + 1),
        *range(101 - KEPT, 101 + KEPT),
        *range(201 - KEPT, 201),
    ]
    (trial_before,), (trial_after,) = before.trials, after.trials
    assert trial_after.omitted_events == len(trial_before.events) - len(trial_after.events)
    assert trial_after.omitted_events == 2 * (200 - 4 * KEPT)


def test_few_sends_are_all_kept() -> None:
    before = flood(*calls(1, 2 * KEPT), LEAVES, *calls(101, 100 + 2 * KEPT), CLOSES)
    assert compacted(before) == before


def test_a_send_that_raised_is_kept() -> None:
    lines = calls(1, 100)
    lines[101] = "send end #51 OSError"
    kept_sends = sends(compacted(flood(LEAVES, *lines, CLOSES)))
    assert 51 in kept_sends
    assert not {50, 52} & set(kept_sends)


def test_sends_that_were_under_way_when_the_client_left_are_kept() -> None:
    # In the middle of the calls the client leaves between the beginning of one and its end.
    lines = calls(1, 200)
    lines.insert(201, LEAVES)
    kept_sends = sends(compacted(flood(*lines, CLOSES)))
    assert kept_sends == [
        *range(1, KEPT + 1),
        *range(101 - KEPT, 101),
        101,
        *range(102, 102 + KEPT),
        *range(201 - KEPT, 201),
    ]


def test_of_many_receives_the_first_and_last_are_kept() -> None:
    polled: list[Line] = ["receive begin", "receive end http.request"] * 100
    before = flood(*polled, LEAVES, "receive begin", CLOSES)
    (after,) = compacted(before).trials
    receives = [event for event in after.events if event.surface == "receive"]
    assert len(receives) == 4 * KEPT + 1
    assert receives[-1].event == "begin"
    assert after.omitted_events == 2 * (100 - 2 * KEPT)


def test_a_trial_is_kept_whole_if_what_is_concluded_would_change(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    before = flood(*calls(1, 3), LEAVES, "stream end", CLOSES)
    (only,) = before.trials
    end = next(i for i, event in enumerate(only.events) if event.event == "end" and not event.n)
    monkeypatch.setattr(compaction, "_middle_sends", lambda trial: {end})
    assert compacted(before) == before
    monkeypatch.setattr(compaction, "_middle_sends", lambda trial: {3, 4})
    assert compacted(before).trials[0].omitted_events == 2


def test_compacting_twice_omits_nothing_more() -> None:
    once = compacted(flood(*calls(1, 100), LEAVES, *calls(101, 200), CLOSES))
    assert compacted(once) == once


def test_nothing_is_said_otherwise_of_a_flood() -> None:
    before = flood(*calls(1, 100), LEAVES, *calls(101, 200), 1, CLOSES, "liveness saw no answer")
    after = compacted(before)
    assert len(after.trials[0].events) < len(before.trials[0].events)
    old, new = Outcomes([before]), Outcomes([after])
    assert new.observations == old.observations
    assert verdicts(new) == verdicts(old)
    assert found_hazards(new) == found_hazards(old) != []
