"""The pages of the apps, rendered from results made up for it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from msgspec.structs import replace

from hangup.analysis.minority import app_verdicts, minority
from hangup.analysis.notification import notified
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.claim import Case, ClaimVerdict, Ruling
from hangup.model.scenarios import BY_ID
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from hangup.report import publish
from tests.rendering import outcomes_of, rendered, row_of
from tests.test_pages import CANCELLED, COMPLETED, made, with_recipes
from tests.test_swim_lanes import BEGINS, ENDS, IN_SOURCE, result, steps
from tests.test_swim_lanes import CANCELLED as CANCELLED_AT_AWAIT
from tests.traces import CLOSES, LEAVES, Line, stack, stack_result, trial

PLAIN = BY_ID["idle"].title
TICKING = BY_ID["ticking"].title
TRACED = (*BEGINS, LEAVES, *CANCELLED_AT_AWAIT, *ENDS)


def page(*results: StackResult, app: str = "quart") -> str:
    return rendered(*results)[f"apps/{app}.md"]


def section(text: str, title: str) -> str:
    """What stands below a heading, up to the next of any level."""
    found = re.search(rf"(?ms)^#+ {re.escape(title)}\n(.*?)(?=^#+ |\Z)", text)
    assert found is not None, title
    return found[1]


def answer(text: str, begins: str) -> str:
    """The item of the answer that begins so."""
    (line,) = (line for line in text.splitlines() if line.startswith(f"- **{begins}"))
    return re.sub(r"\]\[\d+\]", "]", line)


def on(server: str, *scenarios: tuple[str, tuple[Line, ...]], app: str = "quart") -> StackResult:
    trials = [one for name, lines in scenarios for one in made(name, lines)]
    return stack_result(*trials, of=stack(app, server))


# --- The answer.


def test_an_app_says_first_what_a_hang_up_does_and_which_it_is_not_notified_of() -> None:
    text = page(on("uvicorn", ("idle", CANCELLED), ("ticking", COMPLETED)))
    said = answer(text, "A hang-up")
    assert "[The client closes while the stream awaits its source]: cancelled at an await" in said
    assert "notified of 1 of 2 ways to hang up" in said
    assert f"not when [{TICKING}] (completed (not notified))" in said


def test_servers_that_differ_are_named_in_the_answer() -> None:
    text = page(on("uvicorn", ("idle", CANCELLED)), on("hypercorn", ("idle", COMPLETED)))
    said = answer(text, "A hang-up")
    assert "uvicorn: cancelled at an await; hypercorn: completed (not notified)" in said
    assert "notified of 0 of 1" in said


def test_a_client_that_only_closes_its_sending_side_has_not_hung_up() -> None:
    outcomes = outcomes_of(on("uvicorn", ("idle-half-close", COMPLETED), ("idle", CANCELLED)))
    (one,) = notified(outcomes, [stack("quart")])
    assert (one.scenario, one.n, one.of) == ("idle", 1, 1)


def test_an_endpoint_that_has_not_answered_is_notified_by_an_exception() -> None:
    waiting = ("endpoint begin", "endpoint waiting", LEAVES)
    results = [
        on("uvicorn", ("before-response", (*waiting, "endpoint end CancelledError"))),
        on("hypercorn", ("before-response", (*waiting, CLOSES))),
    ]
    outcomes = outcomes_of(*results)
    (one,) = notified(outcomes, [found.stack for found in results])
    assert (one.surface, one.n, one.of) == ("endpoint", 1, 2)
    assert not one.always


def test_what_decides_nothing_is_neither_notified_nor_not() -> None:
    result_ = stack_result(trial("idle", failure=Word.NOT_REACHED), of=stack("quart"))
    assert notified(outcomes_of(result_), [result_.stack]) == []
    assert "decide nothing" in answer(page(result_), "A hang-up")


def handlers(*extra: Line, control: bool = True) -> StackResult:
    trials = made("idle", (*CANCELLED, *extra))
    if control:
        trials += made("plain-error", ("handler saw ValueError", "server-log saw ValueError"))
    return stack_result(*trials, of=stack("quart"), surfaces=["handler"])


@pytest.mark.parametrize(
    ("results", "said"),
    [
        (handlers(), "No exception handler, hook or error log sees any of them"),
        (handlers("handler saw CancelledError"), "the handler for `Exception` (in all scenarios)"),
        (handlers(control=False), "What handlers, hooks and logs see is not known"),
    ],
)
def test_who_sees_a_hang_up_has_to_be_proven(results: StackResult, said: str) -> None:
    assert said in answer(page(results), "Who sees it")


def test_what_becomes_of_a_dependency_is_said_in_a_sentence() -> None:
    lines = ("dependency begin", "stream begin", LEAVES, "stream end", "dependency end")
    found = stack_result(*made("idle", lines), of=stack("quart"), surfaces=["dependency"])
    said = answer(page(found), "Who sees it")
    assert (
        "The `yield` dependency ends after the client has left when the client closes while" in said
    )
    none = page(on("uvicorn", ("idle", CANCELLED)))
    assert "dependency" not in answer(none, "Who sees it")


def test_an_app_is_told_what_to_write_with_bounds_and_code() -> None:
    text = page(with_recipes("bare"), app="bare")
    said = answer(text, "Write")
    assert "[`try-finally`]" in said
    assert "0 of 3 trials of disconnects failed (at most 64%)" in said
    assert "async def try_finally(" in section(text, "What to write")


def test_an_app_in_which_nothing_works_says_so_and_names_those_that_are_better() -> None:
    variant = with_recipes("bare+x")
    pages = rendered(with_recipes("bare"), variant, with_recipes("quart", works=False))
    said = answer(pages["apps/quart.md"], "No recipe works in every trial.")
    assert "Fewer situations fail with [bare](bare.md)." in said
    assert "**Write**" in pages["apps/bare.md"]


def test_servers_on_which_the_same_came_of_a_recipe_share_a_row() -> None:
    fails = with_recipes("bare", server="hypercorn", fails=["idle", "ticking"])
    same = [with_recipes("bare", server=server) for server in ("uvicorn", "uvicorn+fast")]
    text = section(page(*same, fails, app="bare"), "What to write")
    assert row_of(text, "uvicorn, uvicorn+fast")
    assert f"fails in 2 situations, such as [{PLAIN}][" in row_of(text, "hypercorn")
    alone = section(page(with_recipes("bare", fails=["idle"]), app="bare"), "What to write")
    assert f"fails: [{PLAIN}][" in row_of(alone, "uvicorn")


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("A hang-up", "cancelled at an await"),
        ("Write", "`hangup run --thorough` does"),
        ("SIGTERM while a stream is open", "Not run."),
        ("What hurts", "None of the [hazards](../hazards.md) was found"),
    ],
)
def test_what_a_plain_run_leaves_out_is_said(title: str, said: str) -> None:
    text = page(on("uvicorn", ("idle", CANCELLED)))
    assert said in answer(text, title)
    assert "Exception paths were not traced" in section(text, "Why")
    assert "](../figures/" not in text


# --- Where.


def rows(text: str) -> list[list[str]]:
    table = section(text, "Where it surfaces")
    lines = [line for line in table.splitlines() if line.startswith("| [")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def test_scenarios_that_came_out_alike_are_one_row() -> None:
    alike = [("idle", CANCELLED), ("ticking", CANCELLED), ("post", COMPLETED)]
    (same, other) = rows(page(on("uvicorn", *alike)))
    assert re.sub(r"\[\d+\]", "", same[0]) == f"[{PLAIN}]<br>[{TICKING}]"
    assert same[1] == "cancelled at an await"
    assert other[1] == "completed (not notified)"


def test_servers_are_named_where_they_differ_by_more_than_repeats_explain() -> None:
    def repeated(server: str, *outcomes: tuple[Line, ...]) -> StackResult:
        return stack_result(*made("idle", *outcomes), of=stack("quart", server))

    firm = repeated("uvicorn", *[CANCELLED] * 5)
    other = repeated("hypercorn", *[COMPLETED] * 5)
    (row,) = rows(page(firm, other))
    assert row[1] == "uvicorn: cancelled at an await<br>hypercorn: completed (not notified)"
    race = repeated("hypercorn", *[CANCELLED] * 4, COMPLETED)
    (row,) = rows(page(firm, race))
    assert row[1] == "cancelled at an await 9/10, completed (not notified) 1/10"


def test_a_trial_that_was_disturbed_does_not_count() -> None:
    disturbed = trial("idle", failure=Word.DISTURBED, repeat=2)
    found = stack_result(*made("idle", CANCELLED), disturbed, of=stack("quart"))
    ((_, stream, *_),) = rows(page(found))
    assert stream == "cancelled at an await"


def test_a_scenario_that_no_trial_decides_has_no_row() -> None:
    failed = trial("post", failure=Word.NOT_REACHED)
    found = stack_result(*made("idle", CANCELLED), failed, of=stack("quart"))
    (row,) = rows(page(found))
    assert BY_ID["post"].title not in row[0]


def test_a_group_in_a_narrow_cell_can_be_broken_after_its_type() -> None:
    ((*_, handler),) = rows(page(handlers("handler saw ExceptionGroup[ValueError]")))
    assert handler == "handler for `Exception`: `ExceptionGroup` of `ValueError`"


def test_a_handler_is_shown_where_it_saw_something() -> None:
    found = handlers("handler saw CancelledError")
    ((_, _, _, _, handler),) = rows(page(found))
    assert handler == "handler for `Exception`: `CancelledError`"
    ((_, _, _, _, nothing),) = rows(page(handlers()))
    assert nothing == "nothing"
    ((_, _, _, _, unknown),) = rows(page(handlers(control=False)))
    assert unknown == "not known"


def test_a_process_that_has_not_exited_is_said_with_its_window() -> None:
    lines = ("stream begin", LEAVES, "exit saw still running", CLOSES)
    text = page(on("uvicorn", ("shutdown", lines)))
    ((_, _, _, around, _),) = rows(text)
    assert "process: not within 6 s" in around
    assert "The server's exit: not within 6 s" in answer(text, "SIGTERM while a stream is open")


def test_a_hazard_is_told_in_words_with_its_scenarios() -> None:
    text = page(on("uvicorn", ("idle", COMPLETED), ("ticking", COMPLETED)))
    hurts = section(text, "What hurts")
    assert "**A stream runs to completion after the client left**" in hurts
    assert f"[{PLAIN}]" in hurts
    assert f"[{TICKING}]" in hurts


# --- Elsewhere.


def under(
    versions: str, python: str, *outcomes: tuple[Line, ...], app: str = "quart"
) -> StackResult:
    return stack_result(*made("idle", *outcomes), of=stack(app, versions=versions, python=python))


def test_other_versions_are_shown_only_where_they_differ() -> None:
    here = under("current", "3.13", *[CANCELLED] * 5)
    same = under("current", "3.11", *[CANCELLED] * 5)
    other = under("article", "3.13", *[COMPLETED] * 5)
    versions = section(page(here, same, other), "Other versions")
    row = row_of(versions, f"**End of the stream**: {PLAIN}")
    assert "`article`, Python 3.13" in row
    assert "3.11" not in versions
    assert "Nothing of this differs" in section(page(here, same), "Other versions")
    assert "## Other versions" not in page(here)


def test_what_an_app_was_not_run_under_is_said() -> None:
    here = under("current", "3.13", CANCELLED)
    another = under("article", "3.11", CANCELLED, app="bare")
    said = section(page(here, another), "Other versions")
    assert "Not run under `article`, Python 3.11." in said
    assert "apps/bare.md" in rendered(here, another)


def test_what_one_thing_changes_is_shown_and_what_changes_nothing_is_named() -> None:
    baseline = stack_result(*made("idle", *[CANCELLED] * 5), of=stack("quart"))
    middleware = stack_result(*made("idle", *[COMPLETED] * 5), of=stack("quart+x"))
    middleware = replace(middleware, title=f"{baseline.title}, with x")
    server = stack_result(*made("idle", *[CANCELLED] * 5), of=stack("quart", "hypercorn"))
    changes = section(page(baseline, middleware, server), "What changes it")
    row = row_of(changes, "[with x](../middleware.md)")
    assert "[cancelled at an await][" in row
    assert "[completed (not notified)][" in row
    assert "changes [hypercorn in place of uvicorn](../servers.md)." in changes


def test_what_reports_alarms_leads_to_the_page_on_alarms() -> None:
    baseline = stack_result(*made("idle", *[CANCELLED] * 5), of=stack("quart"))
    reporter = stack_result(
        *made("idle", *[COMPLETED] * 5), of=stack("quart+x"), surfaces=["error-report"]
    )
    assert "](../alarms.md)" in section(page(baseline, reporter), "What changes it")


# --- Why.


def traced(server: str = "uvicorn", app: str = "quart") -> StackResult:
    return replace(result(*TRACED, traced=steps(*IN_SOURCE)), stack=stack(app, server))


def test_an_app_has_a_figure_of_its_own_and_the_path_in_a_sentence() -> None:
    pages = rendered(traced())
    why = section(pages["apps/quart.md"], "Why")
    assert "](../figures/quart.svg)" in why
    assert "from a `cancel()` in `__call__.wrap`" in why
    assert pages["figures/quart.svg"].startswith("<!-- Generated")
    assert "figures/hang-up.svg" not in pages


def test_a_path_that_is_as_in_the_plain_hang_up_is_not_told_again() -> None:
    own = traced()
    again = [replace(one, scenario="post") for one in (*own.trials, *own.traced)]
    whole = replace(
        own, trials=(*own.trials, again[0]), traced=(*own.traced, replace(again[1], repeat=0))
    )
    why = section(page(whole, traced("hypercorn")), "Why")
    assert why.count("from a `cancel()`") == 1
    assert BY_ID["post"].title in why


def test_two_figures_compare_an_app_without_and_with_middleware() -> None:
    pages = rendered(traced(), traced(app="quart+function-middleware"))
    assert pages["figures/hang-up.svg"] == pages["figures/quart.svg"]
    assert (
        "quart+function-middleware on uvicorn"
        in pages["figures/hang-up-with-function-middleware.svg"]
    )


# --- Claims.


def claimed(app: str, ruling: Ruling, server: str = "uvicorn") -> ClaimVerdict:
    yes = ruling in (Ruling.CONFIRMED, Ruling.MIXED)
    no = ruling in (Ruling.REFUTED, Ruling.MIXED)
    return ClaimVerdict(
        claim="a-claim",
        stack=stack(app, server),
        ruling=ruling,
        cases=(Case(scenario="idle", confirmed=int(yes), refuted=int(no), of=2),),
    )


def in_minority(app: str, *verdicts: ClaimVerdict) -> list[tuple[Ruling, int, int]]:
    apps: dict[str, list[object]] = {}
    for one in verdicts:
        apps.setdefault(one.stack.app, []).append(one.stack)
    found = app_verdicts(verdicts, apps)  # type: ignore[arg-type]
    return [(one.elsewhere, one.apps, one.of) for one in minority(found, app)]


def test_a_claim_is_named_where_more_than_half_of_the_other_apps_are_otherwise() -> None:
    yes, no = Ruling.CONFIRMED, Ruling.REFUTED
    verdicts = [claimed("a", no), *(claimed(app, yes) for app in ("b", "c")), claimed("d", no)]
    assert in_minority("a", *verdicts) == [(yes, 2, 3)]
    assert in_minority("b", *verdicts) == [(no, 2, 3)]
    # Half is not most.
    assert in_minority("a", *verdicts[:2], verdicts[3]) == []


def test_what_is_not_decided_is_in_no_minority() -> None:
    verdicts = [claimed("a", Ruling.INCONCLUSIVE), claimed("b", Ruling.CONFIRMED)]
    assert in_minority("a", *verdicts) == []
    assert in_minority("b", *verdicts) == []


def test_an_app_whose_servers_disagree_has_a_verdict_in_part() -> None:
    verdicts = [claimed("a", Ruling.CONFIRMED), claimed("a", Ruling.REFUTED, "hypercorn")]
    apps = {"a": [one.stack for one in verdicts]}
    found = app_verdicts(verdicts, apps)["a-claim"]["a"]
    assert (found.ruling, found.confirmed, found.of) == (Ruling.MIXED, 1, 2)
    assert found.stack.server == "hypercorn"


def test_a_claim_is_quoted_in_words_and_with_both_verdicts() -> None:
    results = [on("uvicorn", ("idle", CANCELLED), app=app) for app in ("a", "b")]
    results.append(on("uvicorn", ("idle", COMPLETED)))
    claims = section(page(*results), "Claims")
    (row,) = (line for line in claims.splitlines() if "raised in the async generator" in line)
    assert row.startswith("| “When the client leaves")
    assert " | false | true on 2 of 2 | " in row
    assert "No other app was run" in section(page(results[-1]), "Claims")


# --- All pages.


def everything() -> Mapping[str, str]:
    return rendered(traced(), traced("hypercorn"), with_recipes("bare"))


def test_no_id_of_a_scenario_stands_in_prose() -> None:
    for name, text in everything().items():
        if name.startswith("apps/"):
            prose = re.sub(r"(?s)```.*?```|`[^`]*`|\]\([^)]*\)|^\[\d+\]:.*?$", "", text)
            prose = "\n".join(line for line in prose.splitlines() if "]: " not in line[:8])
            assert not re.search(r"\bbackpressure|\bidle-\w+|error-mid-stream", prose), name


def test_pages_of_apps_and_figures_that_are_no_longer_made_are_removed(tmp_path: Path) -> None:
    directory = tmp_path / "results"
    publish.publish(directory, [traced()], CodeExcerpts(), merge=False)
    (directory / "figures" / "mine.svg").write_text("<svg/>")
    assert (directory / "figures" / "quart.svg").exists()
    for path in (directory / "traces").rglob("*"):
        if path.is_file():
            path.unlink()
    publish.publish(
        directory, [on("uvicorn", ("idle", CANCELLED), app="bare")], CodeExcerpts(), merge=False
    )
    assert not (directory / "figures" / "quart.svg").exists()
    assert not (directory / "apps" / "quart.md").exists()
    assert (directory / "apps" / "bare.md").exists()
    assert (directory / "figures" / "mine.svg").exists()
