"""The pages of the report, rendered from results made up for it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from hangup.analysis.claims import verdicts
from hangup.analysis.compaction import compacted
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.cleanup import RECIPES, RECIPES_BY_SITUATION, SITUATIONS, scenario_id
from hangup.model.scenarios import SCENARIOS
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from hangup.report import pages, publish
from hangup.report.claim_rows import claim_rows
from hangup.report.views import in_order
from hangup.store.results import metadata_json
from tests.rendering import outcomes_of, rendered
from tests.traces import CLOSES, LEAVES, Line, stack, stack_result, trial

CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
COMPLETED = ("stream begin", LEAVES, "stream end")
CLOSED = "source end CancelledError at an await"


def made(scenario: str, *outcomes: tuple[Line, ...]) -> list[Trial]:
    """A trial for each of these."""
    return [trial(scenario, *lines, repeat=n) for n, lines in enumerate(outcomes, start=1)]


def with_recipes(
    app: str = "starlette",
    *,
    server: str = "uvicorn",
    works: bool = True,
    fails: Collection[str] = (),
    after_completion: Collection[str] = (),
    inconclusive: Collection[str] = (),
) -> StackResult:
    """A stack on which every recipe was tried in every situation."""
    trials = [
        trial(
            scenario_id(recipe, situation),
            "asgi begin",
            "source begin",
            *(() if situation.id == "error" else (LEAVES,)),
            "source end" if situation.id in after_completion else CLOSED,
            *(("cleanup begin", "cleanup end") if works and situation.id not in fails else ()),
            "asgi end",
            *(("exit saw exited",) if situation.own_server else ("liveness saw answered",)),
            failure=Word.NOT_REACHED if situation.id in inconclusive else None,
        )
        for recipe, situation in RECIPES_BY_SITUATION
        if recipe.surface is None
    ]
    return stack_result(*trials, of=stack(app, server))


# --- Links.


def anchors(page: str) -> set[str]:
    headings = re.findall(r"(?m)^#+ (.+)$", page)
    named = re.findall(r'<a id="([^"]+)"></a>', page)
    return {*named} | {
        re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings
    }


def dead_links(rendered: Mapping[str, str]) -> list[str]:
    """The links between the pages that lead nowhere."""
    dead = []
    for name, text in rendered.items():
        inline = re.findall(r"\]\(([^)]+)\)", text)
        numbered = re.findall(r"(?m)^\[\d+\]: (\S+)$", text)
        for target in [*inline, *numbered]:
            path, _, anchor = target.partition("#")
            page = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            page = name if not path else page
            if "://" in target or page.startswith("../") or page.endswith((".csv", ".html")):
                continue
            if page not in rendered or (anchor and anchor not in anchors(rendered[page])):
                dead.append(f"{name}: {target}")
    return dead


def test_every_link_between_pages_leads_somewhere() -> None:
    idle = made("idle", CANCELLED, COMPLETED)
    everything = rendered(stack_result(*idle), with_recipes("bare"), link_code=False)
    assert dead_links(everything) == []


def test_every_number_that_a_page_uses_has_its_address() -> None:
    for text in rendered(stack_result(*made("idle", CANCELLED))).values():
        used = set(re.findall(r"\]\[(\d+)\]", text))
        assert used == set(re.findall(r"(?m)^\[(\d+)\]: ", text))


def test_code_is_linked_only_where_the_results_are_in_its_repository() -> None:
    assert "](../apps/" in rendered(with_recipes())["cleanup.md"]
    assert "](../apps/" not in rendered(with_recipes(), link_code=False)["cleanup.md"]


# --- Pages.


def test_a_scenario_has_a_page_where_it_was_run() -> None:
    found = rendered(stack_result(*made("idle", CANCELLED)))
    assert "scenarios/idle.md" in found
    assert "scenarios/ticking.md" not in found


def test_servers_that_agree_share_a_cell_and_others_are_named() -> None:
    one = stack_result(*made("idle", CANCELLED), of=stack("quart", "uvicorn"))
    same = stack_result(*made("idle", CANCELLED), of=stack("quart", "uvicorn-fast"))
    other = stack_result(*made("idle", COMPLETED), of=stack("quart", "hypercorn"))
    text = rendered(one, same, other)["scenarios/idle.md"]
    (row,) = (line for line in text.splitlines() if line.startswith("| `stream-end`"))
    assert row == (
        "| `stream-end` | uvicorn, uvicorn-fast: [cancelled at an await][1]"
        "<br>hypercorn: [completed (not notified)][1] | "
    )


VARIANT = "evidence/current-py3.13/quart+x/disconnects.md"


def test_the_evidence_of_a_variant_is_what_came_out_otherwise_than_its_baseline() -> None:
    of, varied = stack("quart"), stack("quart+x")
    baseline = stack_result(*made("idle", CANCELLED), *made("post", CANCELLED), of=of)
    variant = stack_result(*made("idle", CANCELLED), *made("post", COMPLETED), of=varied)
    text = rendered(baseline, variant)[VARIANT]
    assert "## post" in text
    assert "## idle" not in text
    assert "```text" not in text
    alone = rendered(variant)[VARIANT]
    # There is no baseline that it came out as.
    assert "## idle" in alone
    assert "## post" in alone


def test_an_alarm_that_only_the_variant_can_see_is_evidence() -> None:
    reported = (*CANCELLED, "error-report saw ValueError")
    baseline = stack_result(*made("idle", CANCELLED), of=stack("quart"))

    def evidence(*lines: Line) -> bool:
        surfaces = ["error-report"]
        found = stack_result(*made("idle", lines), of=stack("quart+x"), surfaces=surfaces)
        return VARIANT in rendered(baseline, found)

    assert evidence(*reported)
    assert not evidence(*CANCELLED)


def test_tables_are_of_baselines_and_of_variants_where_there_is_nothing_else() -> None:
    of, varied = stack("quart"), stack("quart+x")
    both = [stack_result(*made("idle", CANCELLED), of=one) for one in (of, varied)]
    assert "quart+x" not in rendered(*both)["scenarios/idle.md"]
    assert "quart+x" in rendered(both[1])["scenarios/idle.md"]


def test_a_newer_python_comes_before_an_older_one() -> None:
    pythons = ["3.9", "3.13", "3.11"]
    results = [stack_result(of=stack("quart", python=python)) for python in pythons]
    assert [r.stack.python for r in in_order(results)] == ["3.13", "3.11", "3.9"]


def test_timelines_are_those_of_the_first_version_set_and_python() -> None:
    results = [
        stack_result(*made("idle", CANCELLED), of=stack("quart", python=python))
        for python in ("3.11", "3.13")
    ]
    found = rendered(*results)
    page = "evidence/current-py{}/quart/disconnects.md"
    assert "```text" in found[page.format("3.13")]
    assert "```text" not in found[page.format("3.11")]


def test_a_hazard_that_only_variants_have_is_an_effect_and_has_no_place_among_hazards() -> None:
    baseline = stack_result(*made("idle", CANCELLED), of=stack("quart"))
    variant = stack_result(*made("idle", COMPLETED), of=stack("quart+x"))
    title = "A stream runs to completion after the client left"
    assert title not in rendered(baseline, variant)["hazards.md"]
    assert title in rendered(variant)["hazards.md"]


def test_evidence_shows_one_trial_for_all_that_came_out_alike_on_any_server() -> None:
    results = [
        stack_result(*made("idle", CANCELLED, CANCELLED), of=stack("quart", server))
        for server in ("uvicorn", "hypercorn")
    ]
    text = rendered(*results)["evidence/current-py3.13/quart/disconnects.md"]
    assert "2 of 2 trials on uvicorn, 2 of 2 trials on hypercorn; trial 1 on uvicorn:" in text
    assert text.count("```text") == 1


def test_the_excerpt_is_of_the_current_version_set_alone() -> None:
    one = trial("idle", "stream begin", LEAVES)
    older = stack_result(one, of=stack("quart", versions="article", python="3.11"))
    current = stack_result(one, of=stack(versions="current", python="3.13"))
    assert pages.excerpt(outcomes_of(older, current)) == pages.excerpt(outcomes_of(current))
    assert "version set `article`, Python 3.11" in pages.excerpt(outcomes_of(older))


def test_no_page_has_a_blank_line_too_many() -> None:
    for name, text in rendered(with_recipes("bare"), with_recipes()).items():
        outside_of_code = re.sub(r"(?s)```.*?```", "code", text)
        assert "\n\n\n\n" not in outside_of_code, name


# --- Claims.


def test_the_order_of_the_results_does_not_matter() -> None:
    results = [stack_result(*made("idle", CANCELLED), of=stack(app)) for app in ("a", "b")]
    assert rendered(*results) == rendered(*results[::-1])


# --- Clean-up.


def test_results_without_recipes_give_no_advice() -> None:
    text = rendered(stack_result(*made("idle", CANCELLED)))["cleanup.md"]
    assert "# Clean-up that works\n\nNot run in full" in text


def test_recipes_that_were_not_tried_everywhere_give_no_advice() -> None:
    once = trial("anyio-shield-in-idle", "asgi begin", LEAVES, "cleanup begin", "cleanup end")
    assert "Not run in full" in rendered(stack_result(once))["cleanup.md"]


def test_recipes_are_on_the_page_on_clean_up_and_have_their_evidence() -> None:
    found = rendered(with_recipes())
    evidence = found["evidence/current-py3.13/starlette/recipes.md"]
    for recipe, situation in RECIPES_BY_SITUATION:
        if recipe.surface is None:
            assert f"## {scenario_id(recipe, situation)}\n" in evidence
    assert not any(f"scenarios/{s.id}.md" in found for s in SCENARIOS if s.kind == "recipe")


def test_the_code_of_a_recipe_is_shown_once() -> None:
    text = rendered(with_recipes("bare"), with_recipes())["cleanup.md"]
    for recipe in RECIPES:
        if recipe.surface is None and not recipe.situations:
            for function in recipe.functions:
                assert text.count(f"async def {function}(") == 1


@pytest.mark.parametrize("works", [True, False])
def test_an_app_is_told_what_to_write(works: bool) -> None:
    text = rendered(with_recipes(works=works))["cleanup.md"]
    (row,) = [line for line in text.splitlines() if line.startswith("| **starlette** |")][:1]
    assert row.startswith("| **starlette** | uvicorn | [`try-finally`](")
    assert ("disconnects 0 of 3 failed (at most 63%)" in row) == works
    assert ("disconnects 3 of 3 failed (at most 100%)" in row) != works
    assert ("; fails: [did not run in idle]" in row) != works
    for situation in SITUATIONS:
        assert f"`{situation.id}`: {situation.title}" in text


def row_of(page: str, *starts: str) -> str:
    """The first row that begins with these cells."""
    start = f"| {' | '.join(starts)} |"
    return next(line for line in page.splitlines() if line.startswith(start))


def test_what_is_not_known_is_neither_a_failure_nor_shown_as_none() -> None:
    of_one = with_recipes(fails=["error"], inconclusive=["ticking"])
    untried = [t for t in of_one.trials if not t.scenario.endswith("-in-shutdown-group")]
    text = rendered(stack_result(*untried, of=of_one.stack))["cleanup.md"]
    row = row_of(text, "**starlette**", "uvicorn")
    assert "; fails: [did not run in error]" in row
    assert "; not known: [`ticking`]" in row
    cells = [cell.strip() for cell in row_of(text, "`try-finally`").split("|")[2:-1]]
    found = dict(zip([s.id for s in SITUATIONS], cells, strict=True))
    assert found["idle"] == ""
    assert found["ticking"] == found["shutdown-group"] == "\N{EN DASH}"
    assert found["error"].startswith("[1/1 did not run]")


def test_clean_up_after_completion_is_shown_with_what_works() -> None:
    text = rendered(with_recipes(after_completion=["backpressure"]))["cleanup.md"]
    (*_, matrix) = text.split("### Every recipe in every app")
    row = row_of(matrix, "**starlette**", "uvicorn")
    assert "[**all**]" in row
    assert "; *after completion* in backpressure |" in row


def test_servers_share_a_row_of_recipes_with_the_figures_of_the_worst() -> None:
    good, failed = with_recipes(), with_recipes(fails=["idle"])
    one = stack_result(*good.trials, *made_again(failed.trials), of=good.stack)
    other = stack_result(*failed.trials, *made_again(failed.trials), of=stack(server="hypercorn"))
    text = rendered(one, other)["cleanup.md"]
    row = row_of(text, "**starlette**", "uvicorn, hypercorn")
    assert "disconnects 2 of 6 failed" in row
    assert "; fails: [did not run in idle]" in row
    (*_, matrix) = text.split("### Every recipe in every app")
    cells = row_of(matrix, "**starlette**", "uvicorn, hypercorn").split("|")[3:-1]
    assert all(cell.startswith(" [did not run in idle]") for cell in cells)


def made_again(trials: Sequence[Trial]) -> list[Trial]:
    """The same trials as second repeats."""
    return [replace(trial, repeat=2) for trial in trials]


def test_a_server_that_only_shutdowns_were_tried_on_is_spoken_of_as_such() -> None:
    whole = with_recipes(server="uvicorn+graceful-2s", fails=["shutdown"])
    shutdowns = [t for t in whole.trials if "-in-shutdown" in t.scenario]
    of_variant = stack_result(*shutdowns, of=whole.stack)
    text = rendered(with_recipes(), of_variant)["cleanup.md"]
    row = row_of(text, "**starlette**", "uvicorn+graceful-2s")
    assert "nothing but shutdowns was tried" in row
    assert "shutdowns 1 of 6 failed" in row
    assert not re.search("disconnect|error|situation|idle|ticking|backpressure", row)
    assert "nothing but" not in row_of(text, "**starlette**", "uvicorn")


def test_what_is_recommended_says_if_it_was_not_run_by_itself() -> None:
    sampled = with_recipes()
    alone = [replace(t, alone=True) for t in sampled.trials]
    marked = "not run by itself in all of these"
    assert marked in row_of(rendered(sampled)["cleanup.md"], "**starlette**", "uvicorn")
    text = rendered(stack_result(*alone, of=sampled.stack))["cleanup.md"]
    assert marked not in row_of(text, "**starlette**", "uvicorn")


def test_it_is_not_said_of_a_flood_what_it_needs() -> None:
    line = "[answered → answered, good]"
    flood = trial("firehose", "asgi begin", LEAVES, "asgi end", "liveness saw answered")
    tried = with_recipes()
    text = rendered(stack_result(*tried.trials, flood, of=tried.stack))["cleanup.md"]
    assert line in text
    assert "needs `checkpoint`" not in text


# --- What a hang-up costs upstream.

OPENED = ("asgi begin", "source begin", "upstream accepts", "upstream sends #1")


def test_there_is_a_row_for_each_stack_that_relays() -> None:
    closed = trial(
        "relay", *OPENED, LEAVES, "source end CancelledError", 1, "upstream closed", CLOSES
    )
    open_ = trial("relay", *OPENED, LEAVES, "upstream sends #2", CLOSES, repeat=2)
    text = rendered(stack_result(closed, open_, of=stack("bare")))["upstream.md"]
    (row,) = (line for line in text.splitlines() if line.startswith("| bare"))
    assert "[3.0 / 3.0, still open 1/2][" in row
    assert "/bare/disconnects.md#relay" in text


def test_without_relays_the_page_says_that_they_were_not_run() -> None:
    text = rendered(stack_result(*made("idle", CANCELLED)))["upstream.md"]
    assert "Not run" in text


# --- On disk.


def repeated(scenario: str, *outcomes: tuple[Line, ...]) -> list[Trial]:
    """Each of these three times."""
    return [
        trial(scenario, *lines, repeat=3 * n + again)
        for n, lines in enumerate(outcomes)
        for again in (1, 2, 3)
    ]


def test_the_report_says_the_same_of_traces_of_which_one_is_kept_for_all(tmp_path: Path) -> None:
    whole = stack_result(*repeated("idle", CANCELLED, COMPLETED), *repeated("ticking", CANCELLED))
    kept = compacted(whole)
    assert len(kept.trials) < len(whole.trials)
    assert rendered(kept) == rendered(whole)
    before, after = outcomes_of(whole), outcomes_of(kept)
    assert before.observations == after.observations
    assert claim_rows(verdicts(before)) == claim_rows(verdicts(after))
    assert metadata_json([whole]) == metadata_json([kept])


def test_a_report_replaces_its_own_older_pages_and_nobody_elses(tmp_path: Path) -> None:
    directory = tmp_path / "results"
    publish.publish(
        directory, [stack_result(*made("ticking", CANCELLED))], CodeExcerpts(), merge=False
    )
    mine = directory / "scenarios" / "mine.md"
    mine.write_text("# Scenarios of my own\n")
    assert (directory / "scenarios" / "ticking.md").exists()
    publish.publish(
        directory, [stack_result(*made("idle", CANCELLED))], CodeExcerpts(), merge=False
    )
    assert not (directory / "scenarios" / "ticking.md").exists()
    assert (directory / "scenarios" / "idle.md").exists()
    assert mine.read_text() == "# Scenarios of my own\n"
