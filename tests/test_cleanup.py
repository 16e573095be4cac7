"""Which clean-up to write follows from traces alone, and only from what they prove."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import pytest

from hangup.analysis.cleanup import (
    KINDS,
    CleanupGuide,
    CleanupResult,
    Tried,
    cleanup_result,
    differ_by_one,
    recipes_in,
    scenarios_to_sample,
)
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.proportions import upper_bound
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
from hangup.model.vocabulary import EVENT_SOURCE_OPTIONS, OPTIONAL, Word
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
    closed = "source end GeneratorExit at a yield"
    seen = (*OPENED, LEAVES, closed, *BY_COLLECTOR, "stream dropped", RETURNED)
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


def test_cleanup_while_the_source_is_open_is_too_early_though_the_client_has_left() -> None:
    seen = (*OPENED, LEAVES, *DONE, SOURCE_ENDED, RETURNED)
    assert result_of("dependency-in-idle", *seen) == CleanupResult.EARLY


@pytest.mark.parametrize("after", [(), (COLLECTS, "source end GeneratorExit at a yield")])
def test_cleanup_that_leaves_the_source_open_is_not_good(after: tuple[str, ...]) -> None:
    seen = (*OPENED, LEAVES, *DONE, RETURNED, CLOSES, *after)
    assert result_of("anyio-shield-in-backpressure", *seen) == CleanupResult.OPEN


def test_a_source_whose_closing_was_cut_is_left_open() -> None:
    cut = "source end CancelledError at a finally"
    seen = (*OPENED, LEAVES, cut, *DONE, RETURNED)
    assert result_of("try-finally-in-backpressure", *seen) == CleanupResult.OPEN


def test_cleanup_that_the_applications_shutdown_waits_for_may_outlive_the_app() -> None:
    seen = (*OPENED, LEAVES, SOURCE_ENDED, RETURNED, *DONE, "exit saw exited")
    assert result_of("lifespan-task-in-shutdown", *seen) == CleanupResult.GOOD


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
    alone = trial("try-finally-in-idle", *silent, alone=True)
    assert cleanup_result(classified(alone)) == CleanupResult.LOST


# --- Over all trials.

GOOD: tuple[Line, ...] = (*OPENED, LEAVES, SOURCE_ENDED, *DONE, RETURNED)
NEVER: tuple[Line, ...] = (*OPENED, LEAVES, SOURCE_ENDED, RETURNED)
CUT: tuple[Line, ...] = (*NEVER, "cleanup begin", "cleanup end CancelledError")
STAYS = "exit saw still running"


def result_with(
    of: Stack, fails: Mapping[str, Iterable[str]], surfaces: tuple[str, ...] = ()
) -> StackResult:
    """A stack on which these recipes fail in these situations, in two trials of three."""
    trials: list[Trial] = []
    for recipe, situation in RECIPES_BY_SITUATION:
        failing = situation.id in fails.get(recipe.id, ())
        for repeat in (1, 2, 3) if not situation.only_recommended else ():
            lines = NEVER if failing and repeat > 1 else GOOD
            trials.append(trial(scenario_id(recipe, situation), *lines, repeat=repeat))
    return stack_result(*trials, surfaces=surfaces, of=of)


def in_place(
    result: StackResult, scenario: str, *outcomes: Sequence[Line], alone: bool = False
) -> StackResult:
    """The result with these trials in place of those of a scenario."""
    kept = [of_other for of_other in result.trials if of_other.scenario != scenario]
    trials = [
        trial(scenario, *lines, repeat=n, alone=alone) for n, lines in enumerate(outcomes, start=1)
    ]
    return stack_result(*kept, *trials, surfaces=result.surfaces, of=result.stack)


def guide_to(*results: StackResult) -> CleanupGuide:
    return CleanupGuide(Outcomes(results))


SHUTDOWNS = tuple(s.id for s in SITUATIONS if s.kind == "shutdown")
EVERY_RECIPE_FAILS = {recipe.id: SHUTDOWNS for recipe in RECIPES}
TRY_FINALLY = cleanup.BY_ID["try-finally"]
SHIELD = cleanup.BY_ID["anyio-shield"]
IDLE, ERROR, SHUTDOWN = (
    next(s for s in SITUATIONS if s.id == name) for name in ("idle", "error", "shutdown")
)


def ids(found: Iterable[Recipe]) -> list[str]:
    return [recipe.id for recipe in found]


def recommended(result: StackResult) -> list[tuple[str, tuple[str, ...]]]:
    """The recipes that are recommended on a stack, and for what."""
    found = guide_to(result).recommended(result.stack)
    return [(recommendation.recipe.id, recommendation.kinds) for recommendation in found]


BEFORE = ("disconnect", "error")


def test_the_simplest_recipe_that_never_fails_is_recommended_for_everything() -> None:
    assert recommended(result_with(stack(), {})) == [("try-finally", KINDS)]


def test_what_fails_only_at_shutdowns_is_recommended_for_the_others() -> None:
    fails = EVERY_RECIPE_FAILS | {"waited-task": ()}
    found = recommended(result_with(stack(), fails))
    assert found == [("try-finally", BEFORE), ("waited-task", KINDS)]


def test_where_nothing_survives_all_shutdowns_what_fails_in_the_fewest_is_recommended() -> None:
    fails = EVERY_RECIPE_FAILS | {"anyio-shield": ("shutdown-stalled",)}
    found = recommended(result_with(stack(), fails))
    assert found == [("try-finally", BEFORE), ("anyio-shield", KINDS)]
    (*_, last) = guide_to(result_with(stack(), fails)).recommended(stack())
    assert [situation.id for situation in last.fails] == ["shutdown-stalled"]


def test_a_recipe_that_loses_clean_up_when_a_client_leaves_is_not_made_good_by_a_shutdown() -> None:
    fails = EVERY_RECIPE_FAILS | {"waited-task": ("idle",)}
    assert ("waited-task", KINDS) not in recommended(result_with(stack(), fails))


def test_a_verdict_pools_the_situations_of_one_kind_and_says_what_they_allow() -> None:
    guide = guide_to(result_with(stack(), {"try-finally": ("idle", "shutdown")}))
    disconnects = guide.verdict(stack(), TRY_FINALLY, "disconnect")
    assert (disconnects.tried.failures, disconnects.tried.of) == (2, 9)
    assert disconnects.fails == (IDLE,)
    assert disconnects.tried.bound == pytest.approx(upper_bound(2, 9))
    errors = guide.verdict(stack(), TRY_FINALLY, "error")
    assert (errors.tried.failures, errors.tried.of, errors.fails) == (0, 3, ())


def test_a_situation_for_recommended_recipes_counts_once_it_was_tried() -> None:
    result = result_with(stack(), {})
    group = scenario_id(TRY_FINALLY, next(s for s in SITUATIONS if s.id == "shutdown-group"))
    tried = stack_result(*result.trials, trial(group, *NEVER))
    assert not guide_to(result).fails(stack(), TRY_FINALLY)
    assert [s.id for s in guide_to(tried).fails(stack(), TRY_FINALLY)] == ["shutdown-group"]


def test_the_scenarios_to_sample_are_those_of_the_recipes_that_are_recommended() -> None:
    fails = EVERY_RECIPE_FAILS | {"waited-task": ()}
    found = scenarios_to_sample(result_with(stack(), fails))
    before = [s for s in SITUATIONS if s.kind in BEFORE]
    expected = [scenario_id(TRY_FINALLY, s) for s in before]
    expected += [scenario_id(cleanup.BY_ID["waited-task"], s) for s in SITUATIONS]
    assert found == expected
    assert scenarios_to_sample(stack_result(trial("try-finally-in-idle", *GOOD))) == []


def test_a_recipe_that_was_not_tried_in_a_situation_is_not_said_to_work() -> None:
    guide = guide_to(stack_result(trial("try-finally-in-idle", *GOOD)))
    assert SHUTDOWN in guide.unknown(stack(), TRY_FINALLY)
    assert SHUTDOWN in guide.not_good(stack(), TRY_FINALLY)
    assert IDLE not in guide.not_good(stack(), TRY_FINALLY)
    assert not guide.fails(stack(), TRY_FINALLY)
    assert guide.ran([stack()]) == []


def test_an_inconclusive_trial_is_neither_a_failure_nor_a_success() -> None:
    failed = trial("try-finally-in-idle", failure=Word.NOT_REACHED, repeat=2)
    found = guide_to(stack_result(failed)).tried(stack(), TRY_FINALLY, IDLE)
    assert (found.failures, found.of, found.good) == (0, 0, False)
    both = stack_result(trial("try-finally-in-idle", *GOOD), failed)
    found = guide_to(both).tried(stack(), TRY_FINALLY, IDLE)
    assert (found.failures, found.of, found.good) == (0, 1, True)


def test_a_guide_is_made_of_stacks_on_which_every_recipe_was_tried_everywhere() -> None:
    complete, cut_off = result_with(stack("a"), {}), result_with(stack("b"), {})
    cut_off = stack_result(*cut_off.trials[3:], of=stack("b"))
    guide = guide_to(complete, cut_off)
    assert guide.ran([stack("b"), stack("a"), stack("c")]) == [stack("a")]
    # A recipe that an app does not have the place for need not have been tried on it.
    without = stack_result(
        *(t for t in complete.trials if not t.scenario.startswith("dependency")), of=stack("a")
    )
    assert guide_to(without).ran([stack("a")]) == [stack("a")]


def test_where_shutdowns_alone_were_tried_the_advice_is_about_them() -> None:
    fails = EVERY_RECIPE_FAILS | {"waited-task": ()}
    whole = result_with(stack(), fails)
    of = stack(server="uvicorn+graceful-2s")
    shutdowns = stack_result(*(t for t in whole.trials if "-in-shutdown" in t.scenario), of=of)
    assert recommended(shutdowns) == [("waited-task", ("shutdown",))]
    guide = guide_to(whole, shutdowns)
    assert guide.ran([of]) == [of]
    assert not guide.fails(of, cleanup.BY_ID["waited-task"])
    # It is not better than another for what was not tried on it.
    first, second = guide.advice("starlette", [stack(), of])
    assert (first.better_servers, second.better_servers) == ((), ())
    assert set(scenarios_to_sample(shutdowns)) == {f"waited-task-in-{name}" for name in SHUTDOWNS}


def test_a_recipe_whose_surface_an_app_does_not_have_is_neither_advised_nor_compared() -> None:
    fails = {recipe.id: ("idle",) for recipe in RECIPES} | {"dependency": ()}
    assert recommended(result_with(stack(), fails)) == [("try-finally", KINDS)]
    with_dependency = result_with(stack(), fails, surfaces=("dependency",))
    assert recommended(with_dependency) == [("dependency", KINDS)]


def test_advice_for_servers_on_which_different_recipes_work_is_given_apart() -> None:
    one, other, third = stack(), stack(server="hypercorn"), stack(server="uvicorn+fast")
    guide = guide_to(
        result_with(one, {}), result_with(other, EVERY_RECIPE_FAILS), result_with(third, {})
    )
    works, fails = guide.advice("starlette", [one, other, third])
    assert works.servers == ("uvicorn", "uvicorn+fast")
    assert fails.servers == ("hypercorn",)
    assert {s.kind for s in fails.recommended[-1].fails} == {"shutdown"}
    assert set(fails.better_servers) == {"uvicorn", "uvicorn+fast"}


@pytest.mark.parametrize(("lines", "rows"), [((GOOD, CUT, NEVER), 1), ((GOOD, CUT, CUT), 2)])
def test_servers_that_differ_by_one_trial_share_their_advice(
    lines: Sequence[tuple[Line, ...]], rows: int
) -> None:
    one, other = stack(), stack(server="hypercorn")
    fails = {recipe.id: ("idle", "error") for recipe in RECIPES} | {"try-finally": ("idle",)}
    first, second = (result_with(of, fails) for of in (one, other))
    guide = guide_to(first, in_place(second, "try-finally-in-idle", *lines))
    assert len(guide.advice("starlette", [one, other])) == rows


FAIL_IN_IDLE_AND_ERROR = {recipe.id: ("idle", "error") for recipe in RECIPES}


def test_servers_in_one_row_have_the_figures_of_that_on_which_more_failed() -> None:
    one, other = stack(), stack(server="hypercorn")
    fails = FAIL_IN_IDLE_AND_ERROR | {"try-finally": ()}
    once = in_place(result_with(one, fails), "try-finally-in-idle", GOOD, NEVER, GOOD)
    guide = guide_to(once, result_with(other, fails | {"try-finally": ("idle",)}))
    for order in ([one, other], [other, one]):
        (advice,) = guide.advice("starlette", order)
        (found,) = advice.recommended
        disconnects = found.verdicts[0].tried
        assert (disconnects.failures, disconnects.of) == (2, 9)
        assert found.fails == (IDLE,)


def test_servers_whose_processes_exit_are_told_from_those_that_do_not() -> None:
    one, other = stack(), stack(server="hypercorn")
    shutdown = scenario_id(TRY_FINALLY, SHUTDOWN)
    for stay, rows in ((1, 1), (2, 2)):
        trials = [(*GOOD, STAYS)] * stay + [GOOD] * (3 - stay)
        second = in_place(result_with(other, {}), shutdown, *trials, alone=True)
        found = guide_to(result_with(one, {}), second).advice("starlette", [one, other])
        assert len(found) == rows
        assert found[-1].recommended[0].stays == ((SHUTDOWN, stay, 3),)


def test_servers_that_differ_by_one_trial_in_each_of_several_situations_are_told_apart() -> None:
    one, other = stack(), stack(server="hypercorn")
    fails: dict[str, Iterable[str]] = {r.id: ("idle", "ticking", "error") for r in RECIPES}
    fails["try-finally"] = ("idle", "ticking")
    second = result_with(other, fails)
    for name in ("idle", "ticking"):
        second = in_place(second, f"try-finally-in-{name}", GOOD, NEVER, GOOD)
    guide = guide_to(result_with(one, fails), second)
    assert len(guide.advice("starlette", [one, other])) == 2


def tried(failures: int, of: int) -> Tried:
    counts = ((CleanupResult.NEVER, failures), (CleanupResult.GOOD, of - failures))
    return Tried(tuple((result, n) for result, n in counts if n))


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        (tried(1, 20), tried(4, 5), False),
        (tried(1, 20), tried(1, 5), True),
        (tried(0, 20), tried(1, 5), False),
        (tried(0, 20), tried(0, 5), True),
        (tried(1, 20), tried(2, 20), True),
        (tried(1, 20), tried(3, 20), False),
    ],
)
def test_trials_are_alike_up_to_one_however_many_there_are(
    one: Tried, other: Tried, *, alike: bool
) -> None:
    assert differ_by_one(one, other) == differ_by_one(other, one) == alike


def test_of_recipes_that_fail_in_as_many_situations_the_one_that_fails_less_often_is_best() -> None:
    fails = FAIL_IN_IDLE_AND_ERROR | {"try-finally": ("idle",), "anyio-shield": ("idle",)}
    result = result_with(stack(), fails)
    assert recommended(result) == [("try-finally", KINDS)]
    less = in_place(result, "anyio-shield-in-idle", GOOD, NEVER, GOOD)
    assert recommended(less) == [("anyio-shield", KINDS)]
    assert "anyio-shield-in-idle" in scenarios_to_sample(less)


def by_itself(result: StackResult, recipe: Recipe) -> StackResult:
    """The recipe run as one that is recommended; one trial could not be begun."""
    for situation in SITUATIONS:
        result = in_place(result, scenario_id(recipe, situation), *[GOOD] * 4, alone=True)
    failed = trial(scenario_id(recipe, IDLE), failure=Word.FAILED_TO_START, repeat=5)
    return stack_result(*result.trials, failed, of=result.stack)


def test_it_is_told_of_what_is_recommended_whether_it_was_run_by_itself() -> None:
    result = result_with(stack(), {})
    sampled = by_itself(result, TRY_FINALLY)
    group = in_place(sampled, "try-finally-in-ticking", GOOD)
    shutdown = in_place(sampled, "try-finally-in-shutdown-group")
    more = stack_result(*sampled.trials, trial(scenario_id(TRY_FINALLY, IDLE), *GOOD, repeat=6))
    results = (sampled, more, group, shutdown)
    found = [guide_to(r).recommended(stack())[0].by_itself for r in results]
    assert found == [True, True, False, False]


def test_a_failure_in_a_group_counts_beside_samples_that_did_not_fail() -> None:
    sampled = by_itself(result_with(stack(), {}), TRY_FINALLY)
    failed = trial(scenario_id(TRY_FINALLY, IDLE), repeat=6)
    guide = guide_to(stack_result(*sampled.trials, failed, of=sampled.stack))
    assert guide.fails(stack(), TRY_FINALLY) == (IDLE,)
    assert guide.tried(stack(), TRY_FINALLY, IDLE).of == 5
    assert guide.recommended(stack())[0].recipe != TRY_FINALLY


def test_a_recipe_that_blocks_its_server_when_it_runs_by_itself_fails() -> None:
    silent = (*GOOD, "liveness saw no answer")
    sampled = by_itself(result_with(stack(), {}), TRY_FINALLY)
    scenario = scenario_id(TRY_FINALLY, IDLE)
    blocked = guide_to(in_place(sampled, scenario, silent, GOOD, alone=True))
    assert blocked.fails(stack(), TRY_FINALLY) == (IDLE,)
    assert blocked.tried(stack(), TRY_FINALLY, IDLE).worst == CleanupResult.LOST
    in_group = guide_to(in_place(sampled, scenario, silent))
    assert in_group.unknown(stack(), TRY_FINALLY) == (IDLE,)


COMPLETED = (*OPENED, LEAVES, "source end", "cleanup saw called", "cleanup begin", "cleanup end")


def test_that_clean_up_waits_for_completion_is_not_hidden_by_an_inconclusive_trial() -> None:
    result = in_place(result_with(stack(), {}), "try-finally-in-backpressure", COMPLETED, GOOD)
    failed = trial("try-finally-in-backpressure", failure=Word.NOT_REACHED, repeat=3)
    (found,) = guide_to(stack_result(*result.trials, failed)).recommended(stack())
    assert [situation.id for situation in found.after_completion] == ["backpressure"]
    assert not found.fails


def test_another_app_is_better_only_if_it_is_on_all_servers_of_a_row() -> None:
    servers = ("uvicorn", "hypercorn")
    mine = [result_with(stack("a", server), EVERY_RECIPE_FAILS) for server in servers]
    better, worse = result_with(stack("b"), {}), result_with(stack("b", "hypercorn"), {})
    guide = guide_to(*mine, better, result_with(worse.stack, EVERY_RECIPE_FAILS))
    stacks = [*(result.stack for result in mine), better.stack, worse.stack]
    (advice,) = guide.advice("a", stacks)
    assert (advice.servers, advice.better_apps) == (servers, ())
    (advice,) = guide_to(*mine, better, worse).advice("a", stacks)
    assert advice.better_apps == ("b",)


def test_the_fewest_trials_are_conclusive_ones() -> None:
    failed = trial("try-finally-in-idle", failure=Word.NOT_REACHED, repeat=2)
    unknown = trial("try-finally-in-error", failure=Word.NOT_REACHED)
    result = stack_result(trial("try-finally-in-idle", *GOOD), failed, unknown)
    assert guide_to(result).fewest_trials() == 1
    assert guide_to(stack_result(unknown)).fewest_trials() == 0


def test_where_no_recipe_works_the_apps_that_do_better_are_named_twins_first() -> None:
    mine, twin = stack("starlette"), stack("starlette-asgi")
    other, worse = stack("bare"), stack("quart")
    both = {recipe.id: (*SHUTDOWNS, "error") for recipe in RECIPES}
    results = [
        result_with(mine, EVERY_RECIPE_FAILS),
        result_with(twin, {}),
        result_with(other, {}),
        result_with(worse, both),
    ]
    (advice,) = guide_to(*results).advice("starlette", [mine, twin, other, worse])
    assert advice.better_apps == ("starlette-asgi", "bare")
    assert advice.better_servers == ()


def test_a_process_that_has_not_exited_is_told_with_what_is_recommended() -> None:
    result = result_with(stack(), {})
    shutdown = scenario_id(TRY_FINALLY, SHUTDOWN)
    trials = [
        trial(t.scenario, *GOOD, STAYS, repeat=t.repeat, alone=True)
        if (t.scenario, t.repeat) == (shutdown, 1)
        else t
        for t in result.trials
    ]
    (found,) = guide_to(stack_result(*trials)).recommended(stack())
    assert found.stays == ((SHUTDOWN, 1, 3),)


def test_where_trials_disagree_the_worst_is_counted_first() -> None:
    guide = guide_to(result_with(stack(), EVERY_RECIPE_FAILS))
    found = guide.tried(stack(), TRY_FINALLY, SHUTDOWN)
    assert found.counts == ((CleanupResult.NEVER, 2), (CleanupResult.GOOD, 1))
    assert found.worst == CleanupResult.NEVER
    assert (found.failures, found.of) == (2, 3)
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


@pytest.mark.parametrize(
    ("failures", "trials", "bound"),
    [(0, 60, 0.0487), (0, 5, 0.4507), (0, 3, 0.6316), (1, 60, 0.0766), (5, 5, 1.0), (0, 0, 1.0)],
)
def test_the_bound_is_that_of_clopper_and_pearson(failures: int, trials: int, bound: float) -> None:
    assert upper_bound(failures, trials) == pytest.approx(bound, abs=5e-5)


def test_without_a_failure_the_bound_has_a_closed_form() -> None:
    for trials in range(1, 100):
        assert upper_bound(0, trials) == pytest.approx(1 - 0.05 ** (1 / trials), abs=1e-8)


# --- The data.


def test_every_recipe_is_tried_in_its_situations_and_in_no_other() -> None:
    made = [s for s in SCENARIOS if s.kind == "recipe"]
    assert len(made) == len(RECIPES[:-1]) * len(SITUATIONS) + 1
    assert BY_ID[scenario_id(cleanup.BY_ID["checkpoint"], FLOOD)].script.recipe == (
        "checkpoint+anyio_shield"
    )


def test_no_recipe_or_situation_is_there_twice() -> None:
    assert len(cleanup.BY_ID) == len(RECIPES) == len({recipe.title for recipe in RECIPES})
    situations = [*SITUATIONS, FLOOD]
    assert len({s.id for s in situations}) == len({s.title for s in situations}) == len(situations)


def test_a_title_says_what_a_recipe_is_without_those_before_it() -> None:
    assert [r.title for r in RECIPES if re.search(r"\b(the same|as above)\b", r.title)] == []


@pytest.mark.parametrize("recipe", RECIPES, ids=ids(RECIPES))
def test_every_recipe_is_called_at_a_surface_that_there_is(recipe: Recipe) -> None:
    assert recipe.functions
    assert recipe.surface in {None, *OPTIONAL, "hook:client_close_handler", EVENT_SOURCE_OPTIONS}


def test_results_have_an_order_from_the_best_to_the_worst_and_a_meaning() -> None:
    assert [result.name for result in CleanupResult] == [
        "GOOD",
        "AT_END",
        "UNKNOWN",
        "UNWAITED",
        "LATE",
        "EARLY",
        "OPEN",
        "CUT",
        "NEVER",
        "LOST",
    ]
    assert len({result.meaning for result in CleanupResult}) == len(CleanupResult)


def test_recipes_that_are_asked_for_by_name_are_those_that_ran_in_a_group() -> None:
    names = ["try-finally-in-idle", "checkpoint-in-firehose", "idle", "try-finally-in-idle"]
    result = stack_result(*(trial(name, LEAVES, repeat=n) for n, name in enumerate(names, 1)))
    assert recipes_in(result) == ["try-finally-in-idle"]


def test_of_recipes_that_fail_alike_the_simplest_is_written_however_often_it_was_tried() -> None:
    result = result_with(stack(), {r.id: ["idle"] for r in RECIPES if not r.situations})
    trials = [*[GOOD] * 6, *[NEVER] * 12]
    more = in_place(result, scenario_id(TRY_FINALLY, IDLE), *trials, alone=True)
    assert guide_to(more).recommended(stack())[0].recipe == TRY_FINALLY


def test_a_bound_is_of_the_trials_by_themselves_and_of_all_recipes_that_had_some() -> None:
    result = result_with(stack(), {})
    sampled = by_itself(result, TRY_FINALLY)
    verdict = guide_to(sampled).verdict(stack(), TRY_FINALLY, "disconnect")
    assert verdict.bound == pytest.approx(upper_bound(0, 12))
    group = [trial(scenario_id(TRY_FINALLY, IDLE), *GOOD, repeat=n) for n in (6, 7)]
    with_group = stack_result(*sampled.trials, *group, of=sampled.stack)
    verdict = guide_to(with_group).verdict(stack(), TRY_FINALLY, "disconnect")
    assert verdict.tried.of == 14
    assert verdict.bound == pytest.approx(upper_bound(0, 12))
    twice = by_itself(sampled, cleanup.BY_ID["waited-task"])
    verdict = guide_to(twice).verdict(stack(), TRY_FINALLY, "disconnect")
    assert verdict.bound == pytest.approx(1 - 0.025 ** (1 / 12))


def test_the_bound_of_shutdowns_is_that_of_one_of_them() -> None:
    sampled = by_itself(result_with(stack(), {}), TRY_FINALLY)
    verdict = guide_to(sampled).verdict(stack(), TRY_FINALLY, "shutdown")
    assert verdict.bound == pytest.approx(upper_bound(0, 4))
    assert not verdict.never_good
