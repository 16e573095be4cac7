"""The page on clean-up: what to write, what not to rely on, and every recipe."""

from __future__ import annotations

import re

import pytest
from msgspec.structs import replace

from hangup.model.cleanup import BY_ID as RECIPE
from hangup.model.cleanup import (
    RECIPES,
    RECIPES_BY_SITUATION,
    SITUATIONS,
    Recipe,
    scenario_id,
    whole_title,
)
from hangup.model.scenarios import SCENARIOS
from tests.rendering import rendered, row_of
from tests.test_pages import CANCELLED, made, made_again, with_recipes
from tests.traces import LEAVES, stack, stack_result, trial

TITLE = {situation.id: situation.title for situation in SITUATIONS}


def section(text: str, title: str) -> str:
    """The part of a page under a heading, with the footnotes of the page."""
    part = text.partition(f"## {title}")[2].partition("\n## ")[0]
    return part + "\n" + "\n".join(re.findall(r"(?m)^\[\^\d+\]: .+$", text))


def without_links(text: str) -> str:
    """The text of links in place of them."""
    return re.sub(r"\[([^\]^]+)\](?:\[\d+\]|\([^)]*\))", r"\1", text)


def page(*results: object) -> str:
    """The page on clean-up, without links."""
    return without_links(rendered(*results)["cleanup.md"])  # type: ignore[arg-type]


def test_results_without_recipes_give_no_advice() -> None:
    text = page(stack_result(*made("idle", CANCELLED)))
    assert "# Clean-up that works\n\nNot run in full" in text


def test_recipes_that_were_not_tried_everywhere_give_no_advice() -> None:
    once = trial("anyio-shield-in-idle", "asgi begin", LEAVES, "cleanup begin", "cleanup end")
    assert "Not run in full" in page(stack_result(once))


def test_recipes_are_on_the_page_on_clean_up_and_have_their_evidence() -> None:
    found = rendered(with_recipes())
    evidence = found["evidence/current-py3.13/starlette/recipes.md"]
    for recipe, situation in RECIPES_BY_SITUATION:
        if recipe.surface is None:
            assert f"## {scenario_id(recipe, situation)}\n" in evidence
    assert not any(f"scenarios/{s.id}.md" in found for s in SCENARIOS if s.kind == "recipe")


def functions_shown(text: str) -> list[str]:
    return re.findall(r"(?m)^(?:async )?def (\w+)\(", text)


def test_the_code_of_every_recipe_is_shown_once_where_the_apps_are_elsewhere() -> None:
    found = rendered(with_recipes("bare"), with_recipes(), link_code=False)
    shown = functions_shown(found["cleanup-code.md"])
    for recipe in RECIPES:
        if recipe.surface is None and not recipe.situations:
            for function in recipe.functions:
                assert shown.count(function) == 1
    assert "](cleanup-code.md#try-finally)" in found["cleanup.md"]


def test_the_code_is_linked_where_the_apps_are_and_shown_of_what_is_recommended() -> None:
    found = rendered(with_recipes("bare"), with_recipes())
    assert "cleanup-code.md" not in found
    text = found["cleanup.md"]
    assert "try_finally" in functions_shown(text)
    assert "waited_task" not in functions_shown(text)
    assert "| [`waited-task`](../apps/recipes/waited_task.py#L" in text


@pytest.mark.parametrize("works", [True, False])
def test_an_app_is_told_what_to_write(works: bool) -> None:
    text = page(with_recipes(works=works))
    row = row_of(text, "**starlette**")
    assert "`try-finally`: disconnects " in row
    assert ("no recipe works in all of these" in row) != works
    assert ("disconnects 0/3 (≤\N{NO-BREAK SPACE}64%)" in row) == works
    assert ("disconnects 3/3 (≤\N{NO-BREAK SPACE}100%)" in row) != works
    assert (f"*did not run* when {TITLE['idle']}" in row) != works
    assert ("on 1, where it failed in no trial" in text) == works
    assert ("on 1, where it fails somewhere, as all others do" in text) != works
    for situation in SITUATIONS:
        assert f"(`{situation.id}`) | {situation.kind} |" in text


def test_what_is_not_known_is_neither_a_failure_nor_shown_as_none() -> None:
    of_one = with_recipes(fails=["error"], inconclusive=["ticking"])
    untried = [t for t in of_one.trials if not t.scenario.endswith("-in-shutdown-group")]
    text = page(stack_result(*untried, of=of_one.stack))
    row = row_of(text, "**starlette**")
    assert f"*did not run* when {TITLE['error']}" in row
    assert f"Not known when {TITLE['ticking']}" in row
    rely = section(text, "What not to rely on")
    assert row_of(rely, "`try-finally`") == "| `try-finally` | 0/1 | 1/1 did not run | 0/1 |"


def test_where_a_recipe_fails_in_some_situations_of_a_kind_they_are_named() -> None:
    rely = section(page(with_recipes(fails=["idle"])), "What not to rely on")
    row = row_of(rely, "`try-finally`")
    assert row == f"| `try-finally` | 1/1 did not run (Only when {TITLE['idle']}.) | 0/1 | 0/1 |"


def test_clean_up_after_completion_is_shown_with_what_works() -> None:
    text = page(with_recipes(after_completion=["backpressure"]))
    row = row_of(section(text, "Every recipe in every app"), "`try-finally`")
    done = f"Done only *after completion* when {TITLE['backpressure']}."
    assert row == f"| `try-finally` | **all** ({done}) | all |"


def test_servers_share_a_line_with_the_figures_of_the_worst() -> None:
    good, failed = with_recipes(), with_recipes(fails=["idle"])
    one = stack_result(*good.trials, *made_again(failed.trials), of=good.stack)
    other = stack_result(*failed.trials, *made_again(failed.trials), of=stack(server="hypercorn"))
    text = page(one, other)
    row = row_of(text, "**starlette**")
    assert "hypercorn" not in row
    assert "disconnects 2/6" in row
    assert f"*did not run* when {TITLE['idle']}" in row


def test_what_came_of_a_recipe_is_told_once_for_all_stacks_and_counted_over_them() -> None:
    good, failed = with_recipes(), with_recipes(fails=["idle"])
    one = stack_result(*good.trials, *made_again(failed.trials), of=good.stack)
    other = stack_result(*failed.trials, of=stack("bare"))
    every = section(page(one, other), "Every recipe in every app")
    row = row_of(every, "`try-finally`")
    assert row == f"| `try-finally` | did not run 2/3, good 1/3 when {TITLE['idle']} | all |"


def test_servers_that_differ_are_named_in_the_row_of_the_app() -> None:
    row = row_of(
        page(
            with_recipes(), with_recipes(server="hypercorn", fails=["shutdown", "shutdown-group"])
        ),
        "**starlette**",
    )
    assert "| uvicorn: `try-finally`: disconnects 0/3" in row
    assert "<br>hypercorn: `try-finally`: disconnects 0/3" in row
    assert row.count(f"*did not run* when {TITLE['shutdown']}, when ") == 1


def test_an_app_is_told_where_fewer_situations_fail() -> None:
    worse = with_recipes("bare", fails=["idle", "ticking"])
    text = page(worse, with_recipes("bare", server="uvicorn+fast"))
    assert "Fewer situations fail with this app on uvicorn+fast" in row_of(text, "**bare**")


def test_a_server_that_only_shutdowns_were_tried_on_is_spoken_of_as_such() -> None:
    whole = with_recipes("bare", server="uvicorn+graceful-2s", fails=["shutdown"])
    shutdowns = [t for t in whole.trials if "-in-shutdown" in t.scenario]
    of_variant = stack_result(*shutdowns, of=whole.stack)
    row = row_of(page(with_recipes(), of_variant), "**bare**")
    assert row.startswith("| **bare** | not tried | `try-finally`: shutdowns 1/6")
    assert "Nothing but shutdowns was tried on these servers" in row
    assert not re.search("disconnects|errors", row)


def test_what_is_recommended_says_if_it_was_not_run_by_itself() -> None:
    sampled = with_recipes()
    alone = [replace(t, alone=True) for t in sampled.trials]
    marked = "Not all of its trials were run by themselves"
    assert marked in row_of(page(sampled), "**starlette**")
    assert marked not in page(stack_result(*alone, of=sampled.stack))


def test_it_is_not_said_of_a_flood_what_it_needs() -> None:
    flood = trial("firehose", "asgi begin", LEAVES, "asgi end", "liveness saw answered")
    tried = with_recipes()
    text = page(stack_result(*tried.trials, flood, of=tried.stack))
    assert "- answered → answered, good: " in text


def test_a_title_says_in_full_what_a_recipe_is_made_of() -> None:
    def own_id(recipe: Recipe) -> str:
        return f"`{recipe.id}`"

    for recipe in RECIPES:
        assert not any(own_id(other) in whole_title(recipe) for other in RECIPES)
    assert whole_title(RECIPE["shutdown-aware"]).startswith(RECIPE["anyio-shield"].title)
