"""Which clean-up to write follows from traces alone, and only from what they prove."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest

from hangup.analysis.classification import classify, outcomes
from hangup.analysis.cleanup import Guide, Verdict, verdict
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model import cleanup as recipes
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
from hangup.model.vocabulary import Word
from hangup.report import pages as report
from tests.traces import CLOSES, COLLECTS, LEAVES, Line, stack, stack_result, trial

OPENED = ("asgi begin", "source begin")
CALLED_FOR = "cleanup saw CancelledError"
DONE = (CALLED_FOR, "cleanup begin", "cleanup end")
STOPPED = "source end CancelledError at an await"
RETURNED = "asgi end"
ANSWERED = "liveness saw answered"


def verdict_of(scenario: str, *lines: Line, failure: Word | None = None) -> Verdict:
    (each,) = classify(stack_result(trial(scenario, *lines, failure=failure)))
    return verdict(each)


# --- One trial.


def test_clean_up_that_ends_before_the_app_returns_is_good() -> None:
    assert verdict_of("try-finally-in-idle", *OPENED, LEAVES, STOPPED, *DONE, RETURNED) == "good"


def test_clean_up_that_outlives_the_app_is_good_where_the_server_goes_on() -> None:
    seen = (*OPENED, LEAVES, STOPPED, RETURNED, *DONE)
    assert verdict_of("detached-task-in-idle", *seen) == Verdict.GOOD


def test_clean_up_that_outlives_the_app_is_luck_where_the_process_ends() -> None:
    seen = (*OPENED, LEAVES, STOPPED, RETURNED, *DONE, "exit saw exited")
    assert verdict_of("detached-task-in-shutdown", *seen) == Verdict.UNWAITED


def test_clean_up_that_is_cancelled_is_cut_short() -> None:
    cut = (CALLED_FOR, "cleanup begin", "cleanup end CancelledError")
    assert verdict_of("try-finally-in-idle", *OPENED, LEAVES, STOPPED, *cut) == Verdict.CUT


def test_clean_up_that_is_not_over_with_the_window_is_cut_short() -> None:
    seen = (*OPENED, LEAVES, STOPPED, CALLED_FOR, "cleanup begin", CLOSES)
    assert verdict_of("try-finally-in-idle", *seen) == Verdict.CUT


def test_clean_up_that_nobody_calls_for_never_ran() -> None:
    seen = (*OPENED, LEAVES, STOPPED, RETURNED)
    assert verdict_of("except-cancelled-in-idle", *seen) == Verdict.NEVER


BY_COLLECTOR = ("cleanup saw GeneratorExit", "cleanup begin", "cleanup end")


def test_clean_up_of_a_stream_whose_last_reference_went_is_late() -> None:
    seen = (*OPENED, LEAVES, RETURNED, "stream dropped", *BY_COLLECTOR)
    assert verdict_of("anyio-shield-in-backpressure", *seen) == Verdict.LATE


def test_clean_up_of_a_stream_that_the_harness_had_collected_is_late() -> None:
    seen = (*OPENED, LEAVES, RETURNED, CLOSES, COLLECTS, *BY_COLLECTOR)
    assert verdict_of("anyio-shield-in-backpressure", *seen) == Verdict.LATE


def test_clean_up_of_a_stream_that_was_closed_is_good() -> None:
    seen = (*OPENED, LEAVES, *BY_COLLECTOR, "stream dropped", RETURNED)
    assert verdict_of("anyio-shield-in-backpressure", *seen) == Verdict.GOOD


def test_a_task_that_begins_after_its_stream_was_dropped_is_not_the_collectors() -> None:
    seen = (*OPENED, LEAVES, STOPPED, CALLED_FOR, "stream dropped", "cleanup begin", "cleanup end")
    assert verdict_of("detached-task-in-idle", *seen) == Verdict.GOOD


def test_clean_up_before_the_client_leaves_is_too_early() -> None:
    seen = ("asgi begin", "cleanup saw called", "cleanup begin", "cleanup end", "source begin")
    assert verdict_of("dependency-in-idle", *seen, LEAVES, STOPPED) == Verdict.EARLY


def test_clean_up_before_the_stream_fails_is_too_early() -> None:
    seen = ("asgi begin", "cleanup saw called", "cleanup begin", "cleanup end", "source begin")
    failed = "source end ValueError at an await"
    assert verdict_of("dependency-in-error", *seen, failed) == Verdict.EARLY
    seen = ("asgi begin", "source begin", failed, "cleanup begin", "cleanup end")
    assert verdict_of("dependency-in-error", *seen) == Verdict.GOOD


def test_clean_up_of_a_stream_that_ran_to_its_end_for_nobody_is_said_to_be_that() -> None:
    seen = (*OPENED, LEAVES, "source end", "cleanup saw called", "cleanup begin", "cleanup end")
    assert verdict_of("try-finally-in-backpressure", *seen) == Verdict.AT_END


@pytest.mark.parametrize("failure", [Word.NOT_REACHED, Word.SERVER_EXITED, Word.FAILED_TO_START])
def test_a_trial_without_an_answer_tells_nothing(failure: Word) -> None:
    assert verdict_of("try-finally-in-idle", failure=failure) == Verdict.UNKNOWN


def test_a_server_that_no_longer_answers_is_lost_only_where_the_stream_was_alone() -> None:
    silent = (*OPENED, LEAVES, STOPPED, *DONE, RETURNED, "liveness saw no answer")
    assert verdict_of("checkpoint-in-firehose", *silent) == Verdict.LOST
    assert verdict_of("try-finally-in-idle", *silent) == Verdict.UNKNOWN


# --- Over all trials.

GOOD: tuple[Line, ...] = (*OPENED, LEAVES, STOPPED, *DONE, RETURNED)
NEVER: tuple[Line, ...] = (*OPENED, LEAVES, STOPPED, RETURNED)


def a_part(
    of: Stack, fails: Mapping[str, Iterable[str]], surfaces: tuple[str, ...] = ()
) -> StackResult:
    """A stack on which these recipes never clean up in these situations."""
    trials: list[Trial] = []
    for recipe, situation in RECIPES_BY_SITUATION:
        failing = situation.id in fails.get(recipe.id, ())
        for repeat in (1, 2):
            lines = NEVER if failing and repeat == 2 else GOOD
            trials.append(trial(scenario_id(recipe, situation), *lines, repeat=repeat))
    return stack_result(*trials, surfaces=surfaces, of=of)


EVERYWHERE = {recipe.id: ("shutdown",) for recipe in RECIPES}


def ids(found: Iterable[Recipe]) -> list[str]:
    return [recipe.id for recipe in found]


def test_a_recipe_holds_only_if_it_is_good_in_every_trial_of_every_situation() -> None:
    fails = EVERYWHERE | {"waited-task": ()}
    (advice,) = Guide([a_part(stack(), fails)]).advice("starlette", [stack()])
    assert ids(advice.hold) == ["waited-task"]


def test_a_recipe_that_was_not_tried_in_a_situation_does_not_hold() -> None:
    some = stack_result(trial("try-finally-in-idle", *GOOD))
    guide = Guide([some])
    assert "shutdown" in [s.id for s in guide.fails(stack(), recipes.BY_ID["try-finally"])]


def test_a_recipe_whose_place_an_app_has_not_is_neither_advised_nor_compared() -> None:
    guide = Guide([a_part(stack(), {})])
    (advice,) = guide.advice("starlette", [stack()])
    assert "dependency" not in ids(advice.hold)
    guide = Guide([a_part(stack(), {}, surfaces=("dependency",))])
    (advice,) = guide.advice("starlette", [stack()])
    assert "dependency" in ids(advice.hold)


def test_what_holds_on_one_server_and_not_on_another_is_said_apart() -> None:
    one, other, third = stack(), stack(server="hypercorn"), stack(server="uvicorn-fast")
    guide = Guide([a_part(one, {}), a_part(other, EVERYWHERE), a_part(third, {})])
    condition, fails = guide.advice("starlette", [one, other, third])
    assert condition.servers == ("uvicorn", "uvicorn-fast")
    assert fails.servers == ("hypercorn",)
    assert not fails.hold
    assert [s.id for s in fails.helpless] == ["shutdown"]
    assert {s.id for near in fails.nearest for s in near.fails} == {"shutdown"}
    assert set(fails.better_servers) == {"uvicorn", "uvicorn-fast"}


def test_where_nothing_holds_the_apps_that_do_better_are_named_twins_first() -> None:
    mine, twin = stack("starlette"), stack("starlette-asgi")
    other, worse = stack("bare"), stack("quart")
    both = {recipe.id: ("shutdown", "error") for recipe in RECIPES}
    stack_results = [
        a_part(mine, EVERYWHERE),
        a_part(twin, {}),
        a_part(other, {}),
        a_part(worse, both),
    ]
    (advice,) = Guide(stack_results).advice("starlette", [mine, twin, other, worse])
    assert advice.better_apps == ("starlette-asgi", "bare")
    assert advice.better_servers == ()


def test_a_share_is_shown_where_trials_disagree() -> None:
    guide = Guide([a_part(stack(), EVERYWHERE)])
    shutdown = next(s for s in SITUATIONS if s.id == "shutdown")
    found = guide.tried(stack(), recipes.BY_ID["try-finally"], shutdown)
    assert str(found) == "never ran 1/2, good 1/2"
    assert not found.good


# --- The report.


def rendered(*stack_results: StackResult) -> dict[str, str]:
    seen = [row for each in stack_results for row in outcomes(each)]
    return report.render(stack_results, seen, (), CodeExcerpts())


def test_results_without_recipes_have_no_guide() -> None:
    assert "Clean-up that works" not in rendered(stack_result(trial("idle", *GOOD)))[report.REPORT]
    assert not [
        row for row in outcomes(stack_result(trial("idle", *GOOD))) if "-in-" in row.scenario
    ]


def test_recipes_that_were_not_tried_everywhere_make_no_guide() -> None:
    tried_once = stack_result(
        trial("anyio-shield-in-idle", *OPENED, LEAVES, STOPPED, *DONE, RETURNED)
    )
    assert "## Clean-up that works" not in rendered(tried_once)["report.md"]


def test_recipes_are_in_the_guide_and_nowhere_else() -> None:
    pages = rendered(a_part(stack(), EVERYWHERE))
    before, _, guide = pages[report.REPORT].partition("## Clean-up that works")
    guide, _, after = guide.partition("## Latency")
    after = after.partition("## Words")[0]
    assert "shutdown-aware-task" in guide
    for recipe, situation in RECIPES_BY_SITUATION:
        assert scenario_id(recipe, situation) not in before + after
        assert scenario_id(recipe, situation) not in pages["evidence/current-py3.13/starlette.md"]


def test_every_recipe_tried_has_its_evidence() -> None:
    evidence = rendered(a_part(stack(), {}))["evidence/current-py3.13/starlette-recipes.md"]
    for recipe, situation in RECIPES_BY_SITUATION:
        assert f"### {scenario_id(recipe, situation)} on uvicorn" in evidence


def test_code_is_quoted_once() -> None:
    text = rendered(a_part(stack(), {}), a_part(stack("bare"), {}))[report.REPORT]
    assert text.count("async def anyio_shield(") == 1
    assert text.count("async def until_sigterm(") == 1


# --- The data.


def test_every_recipe_is_tried_in_its_situations_and_no_other() -> None:
    made = [s for s in SCENARIOS if s.kind == "recipe"]
    assert len(made) == len(RECIPES[:-1]) * len(SITUATIONS) + 1
    assert BY_ID[scenario_id(recipes.BY_ID["checkpoint"], FLOOD)].script.recipe == "checkpoint"


@pytest.mark.parametrize("recipe", RECIPES, ids=ids(RECIPES))
def test_every_recipe_has_code_to_be_quoted(recipe: Recipe) -> None:
    quotes = CodeExcerpts()
    apps = [path.stem.replace("_", "-") for path in Path("apps").glob("*.py")]
    for function in recipe.functions:
        found = quotes.recipe(function) or any(quotes.call_in_app(app, function) for app in apps)
        assert found, f"{function} is neither a stream nor called by any app"
