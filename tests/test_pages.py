"""The pages of the report, rendered from results made up for it."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from hangup.analysis.claims import verdicts
from hangup.analysis.compaction import compacted
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.cleanup import RECIPES_BY_SITUATION, scenario_id
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from hangup.report import pages, publish
from hangup.report.claim_rows import claim_rows
from hangup.report.views import in_order
from hangup.store.results import metadata_json
from tests import github
from tests.rendering import outcomes_of, rendered
from tests.traces import LEAVES, Line, stack, stack_result, trial

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


def dead_links(rendered: Mapping[str, str]) -> list[str]:
    """The links between the pages that lead nowhere."""
    documents = {
        name: github.render(text) for name, text in rendered.items() if name.endswith(".md")
    }
    dead = []
    for name, document in documents.items():
        for target in document.links:
            path, _, anchor = target.partition("#")
            page = posixpath.normpath(posixpath.join(posixpath.dirname(name), path))
            page = page if path else name
            if (
                "://" in target
                or page.startswith("../")
                or page.endswith((".csv", ".html", ".json"))
            ):
                continue
            if page not in rendered or (anchor and anchor not in documents[page].anchors):
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


def test_evidence_shows_one_trial_for_all_that_came_out_alike_on_any_server() -> None:
    results = [
        stack_result(*made("idle", CANCELLED, CANCELLED), of=stack("quart", server))
        for server in ("uvicorn", "hypercorn")
    ]
    text = rendered(*results)["evidence/current-py3.13/quart/disconnects.md"]
    assert "2 of 2 trials on each of uvicorn, hypercorn; trial 1 on uvicorn:" in text
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


def made_again(trials: Sequence[Trial]) -> list[Trial]:
    """The same trials as second repeats."""
    return [replace(trial, repeat=2) for trial in trials]


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
    notes = directory / "notes.md"
    notes.write_text("# Notes of my own\n")
    of_an_older_hangup = directory / "report.md"
    of_an_older_hangup.write_text(f"{pages.GENERATED}# What happens\n")
    assert (directory / "scenarios" / "ticking.md").exists()
    publish.publish(
        directory, [stack_result(*made("idle", CANCELLED))], CodeExcerpts(), merge=False
    )
    assert not (directory / "scenarios" / "ticking.md").exists()
    assert (directory / "scenarios" / "idle.md").exists()
    assert not of_an_older_hangup.exists()
    assert notes.exists()
    assert mine.read_text() == "# Scenarios of my own\n"
