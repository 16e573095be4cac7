"""Which clean-up to write follows from traces alone, and only from what they prove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from hangup.analysis.cleanup import CleanupGuide, CleanupResult, Tried, cleanup_result
from hangup.analysis.outcomes import Outcomes
from hangup.model import cleanup
from hangup.model.cleanup import (
    FLOOD,
    RECIPES,
    RECIPES_BY_SITUATION,
    SITUATIONS,
    Recipe,
    scenario_id,
)
from hangup.model.scenarios import BY_ID, SCENARIOS
from hangup.model.trace import Stack, StackResult, Trial
from hangup.model.vocabulary import OPTIONAL, Word
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, classified, stack, stack_result, trial

OPENED = ("asgi begin", "source begin")
CALLED_FOR = "cleanup saw CancelledError"
DONE = (CALLED_FOR, "cleanup begin", "cleanup end")
SOURCE_ENDED = "source end CancelledError at an await"
RETURNED = "asgi end"
ANSWERED = "liveness saw answered"


def result_of(scenario: str, *lines: Line, failure: Word | None = None) -> CleanupResult:
    return cleanup_result(classified(trial(scenario, *lines, failure=failure)))


# --- One trial.


def test_cleanup_that_ends_before_the_app_returns_is_good() -> None:
    seen = (*OPENED, LEAVES, SOURCE_ENDED, *DONE, RETURNED)
    assert result_of("try-finally-in-idle", *seen) == "good"


def test_cleanup_that_outlives_the_app_is_good_where_the_server_goes_on() -> None:
    seen = (*OPENED, LEAVES, SOURCE_ENDED, RETURNED, *DONE)
    assert result_of("detached-task-in-idle", *seen) == CleanupResult.GOOD


def test_cleanup_that_outlives_the_app_is_not_waited_for_where_the_process_ends() -> None:
    seen = (*OPENED, LEAVES, SOURCE_ENDED, RETURNED, *DONE, "exit saw exited")
    assert result_of("detached-task-in-shutdown", *seen) == CleanupResult.UNWAITED


def test_cleanup_that_is_cancelled_is_cut_short() -> None:
    cut = (CALLED_FOR, "cleanup begin", "cleanup end CancelledError")
    found = result_of("try-finally-in-idle", *OPENED, LEAVES, SOURCE_ENDED, *cut)
    assert found == CleanupResult.CUT


def test_cleanup_that_has_not_ended_when_the_window_closes_is_cut_short() -> None:
    seen = (*OPENED, LEAVES, SOURCE_ENDED, CALLED_FOR, "cleanup begin", CLOSES)
    assert result_of("try-finally-in-idle", *seen) == CleanupResult.CUT


def test_cleanup_that_nothing_called_for_never_ran() -> None:
    seen = (*OPENED, LEAVES, SOURCE_ENDED, RETURNED)
    assert result_of("except-cancelled-in-idle", *seen) == CleanupResult.NEVER


BY_COLLECTOR = ("cleanup saw GeneratorExit", "cleanup begin", "cleanup end")


def test_cleanup_of_a_stream_whose_last_reference_went_is_late() -> None:
    seen = (*OPENED, LEAVES, RETURNED, "stream dropped", *BY_COLLECTOR)
    assert result_of("anyio-shield-in-backpressure", *seen) == CleanupResult.LATE


def test_cleanup_of_a_stream_that_the_requested_collection_closed_is_late() -> None:
    seen = (*OPENED, LEAVES, RETURNED, CLOSES, COLLECTS, *BY_COLLECTOR)
    assert result_of("anyio-shield-in-backpressure", *seen) == CleanupResult.LATE


def test_cleanup_of_a_stream_that_was_closed_is_good() -> None:
    seen = (*OPENED, LEAVES, *BY_COLLECTOR, "stream dropped", RETURNED)
    assert result_of("anyio-shield-in-backpressure", *seen) == CleanupResult.GOOD


def test_a_task_that_begins_after_its_stream_was_dropped_is_not_the_collectors() -> None:
    seen = (
        *OPENED, LEAVES, SOURCE_ENDED, CALLED_FOR, "stream dropped", "cleanup begin",
        "cleanup end",
    )  # fmt: skip
    assert result_of("detached-task-in-idle", *seen) == CleanupResult.GOOD


def test_cleanup_before_the_client_leaves_is_too_early() -> None:
    seen = ("asgi begin", "cleanup saw called", "cleanup begin", "cleanup end", "source begin")
    found = result_of("dependency-in-idle", *seen, LEAVES, SOURCE_ENDED)
    assert found == CleanupResult.EARLY


def test_cleanup_before_the_stream_fails_is_too_early() -> None:
    seen = ("asgi begin", "cleanup saw called", "cleanup begin", "cleanup end", "source begin")
    failed = "source end ValueError at an await"
    assert result_of("dependency-in-error", *seen, failed) == CleanupResult.EARLY
    seen = ("asgi begin", "source begin", failed, "cleanup begin", "cleanup end")
    assert result_of("dependency-in-error", *seen) == CleanupResult.GOOD


def test_cleanup_of_a_stream_that_completed_after_the_client_left_says_so() -> None:
    seen = (*OPENED, LEAVES, "source end", "cleanup saw called", "cleanup begin", "cleanup end")
    assert result_of("try-finally-in-backpressure", *seen) == CleanupResult.AT_END


@pytest.mark.parametrize("failure", [Word.NOT_REACHED, Word.SERVER_EXITED, Word.FAILED_TO_START])
def test_a_trial_that_failed_is_inconclusive(failure: Word) -> None:
    assert result_of("try-finally-in-idle", failure=failure) == CleanupResult.UNKNOWN


def test_a_server_is_blocked_by_a_stream_only_where_that_had_no_others_beside_it() -> None:
    silent = (*OPENED, LEAVES, SOURCE_ENDED, *DONE, RETURNED, "liveness saw no answer")
    assert result_of("checkpoint-in-firehose", *silent) == CleanupResult.LOST
    assert result_of("try-finally-in-idle", *silent) == CleanupResult.UNKNOWN


# --- Over all trials.

GOOD: tuple[Line, ...] = (*OPENED, LEAVES, SOURCE_ENDED, *DONE, RETURNED)
NEVER: tuple[Line, ...] = (*OPENED, LEAVES, SOURCE_ENDED, RETURNED)
CUT: tuple[Line, ...] = (*NEVER, "cleanup begin", "cleanup end CancelledError")


def result_with(
    of: Stack, fails: Mapping[str, Iterable[str]], surfaces: tuple[str, ...] = ()
) -> StackResult:
    """A stack on which these recipes never clean up in these situations, in the second trial."""
    trials: list[Trial] = []
    for recipe, situation in RECIPES_BY_SITUATION:
        failing = situation.id in fails.get(recipe.id, ())
        for repeat in (1, 2):
            lines = NEVER if failing and repeat == 2 else GOOD
            trials.append(trial(scenario_id(recipe, situation), *lines, repeat=repeat))
    return stack_result(*trials, surfaces=surfaces, of=of)


def guide_to(*results: StackResult) -> CleanupGuide:
    return CleanupGuide(Outcomes(results))


EVERY_RECIPE_FAILS = {recipe.id: ("shutdown",) for recipe in RECIPES}
TRY_FINALLY = cleanup.BY_ID["try-finally"]
IDLE, SHUTDOWN = (next(s for s in SITUATIONS if s.id == name) for name in ("idle", "shutdown"))


def ids(found: Iterable[Recipe]) -> list[str]:
    return [recipe.id for recipe in found]


def test_a_recipe_works_only_if_it_is_good_in_every_trial_of_every_situation() -> None:
    fails = EVERY_RECIPE_FAILS | {"waited-task": ()}
    (advice,) = guide_to(result_with(stack(), fails)).advice("starlette", [stack()])
    assert ids(advice.working) == ["waited-task"]


def test_a_recipe_that_was_not_tried_in_a_situation_is_not_said_to_work() -> None:
    guide = guide_to(stack_result(trial("try-finally-in-idle", *GOOD)))
    assert SHUTDOWN in guide.fails(stack(), TRY_FINALLY)
    assert IDLE not in guide.fails(stack(), TRY_FINALLY)
    assert guide.ran([stack()]) == []


def test_a_guide_is_made_of_stacks_on_which_every_recipe_was_tried_everywhere() -> None:
    complete, cut_off = result_with(stack("a"), {}), result_with(stack("b"), {})
    cut_off = stack_result(*cut_off.trials[2:], of=stack("b"))
    guide = guide_to(complete, cut_off)
    assert guide.ran([stack("b"), stack("a"), stack("c")]) == [stack("a")]
    # A recipe that an app does not have the place for need not have been tried on it.
    without = stack_result(
        *(t for t in complete.trials if not t.scenario.startswith("dependency")), of=stack("a")
    )
    assert guide_to(without).ran([stack("a")]) == [stack("a")]


def test_a_recipe_whose_surface_an_app_does_not_have_is_neither_advised_nor_compared() -> None:
    (advice,) = guide_to(result_with(stack(), {})).advice("starlette", [stack()])
    assert "dependency" not in ids(advice.working)
    with_dependency = result_with(stack(), {}, surfaces=("dependency",))
    (advice,) = guide_to(with_dependency).advice("starlette", [stack()])
    assert "dependency" in ids(advice.working)


def test_advice_for_servers_on_which_different_recipes_work_is_given_apart() -> None:
    one, other, third = stack(), stack(server="hypercorn"), stack(server="uvicorn-fast")
    guide = guide_to(
        result_with(one, {}), result_with(other, EVERY_RECIPE_FAILS), result_with(third, {})
    )
    works, fails = guide.advice("starlette", [one, other, third])
    assert works.servers == ("uvicorn", "uvicorn-fast")
    assert fails.servers == ("hypercorn",)
    assert not fails.working
    assert [s.id for s in fails.without_recipe] == ["shutdown"]
    assert {s.id for near in fails.nearest for s in near.fails} == {"shutdown"}
    assert set(fails.better_servers) == {"uvicorn", "uvicorn-fast"}


def test_where_no_recipe_works_the_apps_that_do_better_are_named_twins_first() -> None:
    mine, twin = stack("starlette"), stack("starlette-asgi")
    other, worse = stack("bare"), stack("quart")
    both = {recipe.id: ("shutdown", "error") for recipe in RECIPES}
    results = [
        result_with(mine, EVERY_RECIPE_FAILS),
        result_with(twin, {}),
        result_with(other, {}),
        result_with(worse, both),
    ]
    (advice,) = guide_to(*results).advice("starlette", [mine, twin, other, worse])
    assert advice.better_apps == ("starlette-asgi", "bare")
    assert advice.better_servers == ()


def test_where_trials_disagree_the_worst_is_counted_first() -> None:
    guide = guide_to(result_with(stack(), EVERY_RECIPE_FAILS))
    found = guide.tried(stack(), TRY_FINALLY, SHUTDOWN)
    assert found.counts == ((CleanupResult.NEVER, 1), (CleanupResult.GOOD, 1))
    assert found.worst == CleanupResult.NEVER
    assert not found.good


def test_a_cleanup_counts_for_all_trials_that_one_stands_for() -> None:
    guide = guide_to(
        stack_result(
            trial("try-finally-in-idle", *GOOD, alike=(3, 4)),
            trial("try-finally-in-idle", *NEVER, repeat=2),
        )
    )
    found = guide.tried(stack(), TRY_FINALLY, IDLE)
    assert found.counts == ((CleanupResult.NEVER, 1), (CleanupResult.GOOD, 3))
    assert guide.fewest_trials() == 4


def test_nothing_tried_is_inconclusive_and_not_good() -> None:
    assert Tried(()).worst == CleanupResult.UNKNOWN
    assert not Tried(()).good


def test_the_worst_situation_of_a_recipe_is_told() -> None:
    trials = [
        trial(scenario_id(TRY_FINALLY, situation), *(CUT if situation is IDLE else GOOD))
        for situation in SITUATIONS
    ]
    situation, found = guide_to(stack_result(*trials)).worst(stack(), TRY_FINALLY)
    assert situation == IDLE
    assert found.worst == CleanupResult.CUT


def test_the_recipe_for_streams_that_never_suspend_is_tried_in_one_situation() -> None:
    guide = guide_to(result_with(stack(), {"checkpoint": ("firehose",)}))
    assert guide.in_flood(stack()).worst == CleanupResult.NEVER
    assert "checkpoint" not in ids(guide.general(stack()))


# --- The data.


def test_every_recipe_is_tried_in_its_situations_and_in_no_other() -> None:
    made = [s for s in SCENARIOS if s.kind == "recipe"]
    assert len(made) == len(RECIPES[:-1]) * len(SITUATIONS) + 1
    assert BY_ID[scenario_id(cleanup.BY_ID["checkpoint"], FLOOD)].script.recipe == "checkpoint"


def test_no_recipe_or_situation_is_there_twice() -> None:
    assert len(cleanup.BY_ID) == len(RECIPES) == len({recipe.title for recipe in RECIPES})
    situations = [*SITUATIONS, FLOOD]
    assert len({s.id for s in situations}) == len({s.title for s in situations}) == len(situations)


@pytest.mark.parametrize("recipe", RECIPES, ids=ids(RECIPES))
def test_every_recipe_is_called_at_a_surface_that_there_is(recipe: Recipe) -> None:
    assert recipe.functions
    assert recipe.surface in {None, *OPTIONAL, "hook:client_close_handler"}


def test_results_have_an_order_from_the_best_to_the_worst_and_a_meaning() -> None:
    assert [result.name for result in CleanupResult] == [
        "GOOD",
        "AT_END",
        "UNKNOWN",
        "UNWAITED",
        "LATE",
        "EARLY",
        "CUT",
        "NEVER",
        "LOST",
    ]
    assert len({result.meaning for result in CleanupResult}) == len(CleanupResult)
