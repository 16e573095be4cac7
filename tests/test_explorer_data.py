"""The data of the page to explore, and the files beside it."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from importlib.resources import files

import msgspec
import pytest

from hangup.analysis.cleanup import CleanupResult
from hangup.analysis.effects import from_outcomes
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.exception_path import Step
from hangup.model.scenarios import BY_ID
from hangup.model.trace import TRACED, StackResult
from hangup.model.vocabulary import Word
from hangup.report import explorer
from hangup.report.explorer.data import ExplorerData, explorer_data
from hangup.report.explorer.symbols import SYMBOLS, of_observation, of_result
from hangup.report.pages.context import Context
from tests.rendering import outcomes_of, rendered
from tests.test_pages import with_recipes
from tests.traces import LEAVES, stack, stack_result, trial

CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
COMPLETED = ("stream begin", LEAVES, "stream end")


def data_of(*results: StackResult) -> ExplorerData:
    outcomes = outcomes_of(*results)
    return explorer_data(outcomes, from_outcomes(outcomes, ()))


def files_of(*results: StackResult) -> dict[str, str]:
    context = Context(outcomes_of(*results), (), CodeExcerpts(), link_code=False)
    return dict(explorer.pages(context))


def seen(data: ExplorerData, stack: int, scenario: str, surface: str) -> list[tuple[str, int, int]]:
    """What the page shows in a cell: what was seen, in how many trials and of how many."""
    cell = data.cells[place(data, stack, scenario, surface)]
    return [(data.observed[what].text, n, cell.of) for what, n in cell.seen]


def place(data: ExplorerData, stack: int, scenario: str, surface: str) -> int:
    column = [s.id for s in data.scenarios].index(scenario)
    row = dict(data.rows[data.table[stack][column]])
    return row[[s.id for s in data.surfaces].index(surface)]


def compared(data: ExplorerData, scenario: str, surface: str) -> str:
    """What the page says of the first two stacks."""
    pair = sorted(place(data, stack, scenario, surface) for stack in (0, 1))
    results = list(data.results)
    return next((results[r] for *cells, r in data.compared if cells == pair), "same")


def test_a_cell_says_what_was_seen_in_how_many_trials() -> None:
    trials = [trial("idle", *CANCELLED, alike=[2, 3]), trial("idle", *COMPLETED, repeat=4)]
    data = data_of(stack_result(*trials))
    assert seen(data, 0, "idle", "stream-end") == [
        (Word.CANCELLED_AT_AWAIT, 3, 4),
        (Word.COMPLETED, 1, 4),
    ]


def test_what_came_of_a_recipe_is_one_cell() -> None:
    data = data_of(with_recipes())
    recipes = [s.id for s in data.scenarios if s.kind == "recipe"]
    assert [s.id for s in data.surfaces][-2:] == ["recipe", "recipe-by-itself"]
    assert all(seen(data, 0, name, "recipe")[0][0] == CleanupResult.GOOD for name in recipes)


def test_a_recipe_by_itself_is_a_cell_of_its_own() -> None:
    tried = with_recipes(fails=["idle"]).trials
    first = next(t for t in tried if BY_ID[t.scenario].kind == "recipe")
    alone = msgspec.structs.replace(first, repeat=9, alone=True, events=first.events[:-2])
    data = data_of(stack_result(*tried, alone))
    assert seen(data, 0, first.scenario, "recipe-by-itself")[0][2] == 1
    assert seen(data, 0, first.scenario, "recipe")[0][2] == 1


@pytest.mark.parametrize(
    ("trials", "result"), [(5, "different"), (3, "not decided")], ids=["five", "three"]
)
def test_cells_differ_where_the_exact_test_says_so(trials: int, result: str) -> None:
    several = range(2, trials + 1)
    data = data_of(
        stack_result(trial("idle", *CANCELLED, alike=several), of=stack("a")),
        stack_result(trial("idle", *COMPLETED, alike=several), of=stack("b")),
    )
    assert compared(data, "idle", "stream-end") == result


def test_how_many_trials_agree_is_no_difference() -> None:
    data = data_of(
        stack_result(trial("idle", *CANCELLED, alike=[2]), of=stack("a")),
        stack_result(trial("idle", *CANCELLED), of=stack("b")),
    )
    assert place(data, 0, "idle", "stream-end") != place(data, 1, "idle", "stream-end")
    assert compared(data, "idle", "stream-end") == "same"


@pytest.mark.parametrize(
    ("trials", "result"), [(5, "different"), (3, "not decided")], ids=["five", "three"]
)
def test_that_trials_did_not_take_place_is_compared_too(trials: int, result: str) -> None:
    several = range(2, trials + 1)
    failed = trial("idle", failure=Word.NOT_REACHED, alike=several)
    data = data_of(
        stack_result(failed, of=stack("a")),
        stack_result(trial("idle", *CANCELLED, alike=several), of=stack("b")),
    )
    assert data.cells[place(data, 0, "idle", "stream-end")].comparable
    assert compared(data, "idle", "stream-end") == result


def test_trials_that_were_disturbed_are_not_compared() -> None:
    data = data_of(stack_result(trial("idle", failure=Word.DISTURBED)))
    assert not data.cells[place(data, 0, "idle", "stream-end")].comparable


@pytest.mark.parametrize("word", [*Word, *CleanupResult])
def test_every_word_has_a_symbol(word: Word | CleanupResult) -> None:
    symbol, meaning = of_result(word) if isinstance(word, CleanupResult) else of_observation(word)
    assert symbol in SYMBOLS
    assert meaning == word.meaning


def test_no_two_symbols_have_one_shape() -> None:
    assert len({symbol.shape for symbol in SYMBOLS}) == len(SYMBOLS)


def test_the_order_of_the_results_does_not_matter() -> None:
    results = [stack_result(trial("idle", *CANCELLED), of=stack(app)) for app in ("a", "b")]
    assert files_of(*results) == files_of(*results[::-1])


def test_timelines_and_frames_are_those_of_the_first_version_set_and_python() -> None:
    steps = [Step("raised", 1, "CancelledError", 1, "stream", "apps/common/service.py", 7)]
    traced = trial("idle", *CANCELLED, repeat=TRACED, steps=steps)
    results = [
        stack_result(trial("idle", *CANCELLED), traced=[traced], of=stack("quart", python=python))
        for python in ("3.11", "3.13")
    ]
    found = files_of(*results)
    assert '"timeline"' in found["explorer/current-py3.13/quart.js"]
    assert '"steps"' in found["explorer/current-py3.13/quart.js"]
    other = found["explorer/current-py3.11/quart.js"]
    assert '"timeline"' not in other
    assert '"steps"' not in other
    assert '"sentence"' in other


def test_the_details_lead_to_evidence_that_there_is() -> None:
    of, varied = stack("quart"), stack("quart+x")
    other = ("stream begin", LEAVES, "stream end ValueError at an await")
    results = (
        stack_result(trial("idle", *CANCELLED), trial("post", *CANCELLED), of=of),
        stack_result(trial("idle", *CANCELLED), trial("post", *other), of=varied),
    )
    report = rendered(*results)
    text = files_of(*results)["explorer/current-py3.13/quart.js"]
    details = json.loads(text.partition(", ")[2].removesuffix(");\n"))
    found = {}
    for name, own in details["stacks"].items():
        for scenario, known in own["scenarios"].items():
            pages = own["baseline_evidence" if known.get("as_baseline") else "evidence"]
            found[name, scenario] = pages["disconnect"]
    own_page, other_page = (f"evidence/current-py3.13/{s.app}/disconnects.md" for s in (of, varied))
    assert found == {
        ("quart/uvicorn", "idle"): own_page,
        ("quart/uvicorn", "post"): own_page,
        ("quart+x/uvicorn", "idle"): own_page,
        ("quart+x/uvicorn", "post"): other_page,
    }
    for (_, scenario), page in found.items():
        assert f"## {scenario}\n" in report[page]


def test_markup_in_the_data_ends_no_script() -> None:
    result = stack_result(trial("idle", *CANCELLED), of=stack("</script><b>"))
    page = files_of(result)[explorer.PAGE]
    assert "</script><b>" not in page
    assert "\\u003c/script>\\u003cb>" in page


def test_the_page_names_no_other_place_that_it_would_load_anything_from() -> None:
    page = files_of(stack_result(trial("idle", *CANCELLED)))[explorer.PAGE]
    assert not re.findall(r"<(?:script|link|img)[^>]*(?:src|href)=(?!.data:)", page)
    assert "@import" not in page


# --- What the page is built with.

VENDOR = files("hangup.report.explorer") / "vendor"
LIBRARIES = json.loads((VENDOR / "vendor.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("library", LIBRARIES, ids=lambda library: str(library["name"]))
def test_what_is_vendored_is_as_it_was_published_and_has_its_licence(
    library: dict[str, dict[str, str]],
) -> None:
    assert "LICENSE" in library["files"]
    for file, integrity in library["files"].items():
        data = (VENDOR / str(library["name"]) / file.rpartition("/")[2]).read_bytes()
        digest = base64.b64encode(hashlib.sha256(data).digest()).decode()
        assert integrity == f"sha256-{digest}"


def test_the_page_has_the_licences_of_what_it_contains() -> None:
    page = files_of(stack_result(trial("idle", *CANCELLED)))[explorer.PAGE]
    for library in LIBRARIES:
        text = (VENDOR / library["name"] / "LICENSE").read_text(encoding="utf-8")
        assert text.strip() in page
