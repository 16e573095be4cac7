"""The page to explore, in a real browser: what a reader sees, clicks and links to."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from importlib.resources import files
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.exception_path import Step
from hangup.model.trace import TRACED, StackResult
from hangup.report import explorer
from hangup.report.pages.context import Context
from tests.browser import NARROW, WIDE, opened
from tests.rendering import outcomes_of
from tests.test_pages import with_recipes
from tests.traces import LEAVES, Line, stack, stack_result, trial

CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
COMPLETED = ("stream begin", LEAVES, "stream end")
TRIALS = 5
"""So many against so many can differ."""
CELL = "current-py3.13/{}/idle/stream-end"
LEGEND = "What the symbols mean"


def came_out(app: str, server: str = "uvicorn", **scenarios: tuple[Line, ...]) -> StackResult:
    """A stack on which all trials of each scenario came out alike."""
    trials = [trial(name, *lines, alike=range(2, TRIALS + 1)) for name, lines in scenarios.items()]
    steps = [
        Step("raised", 1, "CancelledError", 1, "stream", "apps/common/service.py", 7),
        Step("left", 1, "CancelledError", 1, at="task"),
    ]
    traced = trial("idle", *CANCELLED, repeat=TRACED, steps=steps)
    return stack_result(*trials, traced=[traced], of=stack(app, server))


RESULTS = (
    came_out("starlette", idle=CANCELLED, ticking=CANCELLED, backpressure=CANCELLED),
    came_out("starlette", "hypercorn", idle=CANCELLED, ticking=CANCELLED, backpressure=COMPLETED),
    came_out("quart", idle=CANCELLED, ticking=CANCELLED, backpressure=COMPLETED),
    came_out("quart", "hypercorn", idle=CANCELLED, ticking=CANCELLED, backpressure=COMPLETED),
    came_out("quart+gzip", idle=COMPLETED, ticking=CANCELLED, backpressure=COMPLETED),
    came_out("starlette+gzip", idle=CANCELLED, backpressure=CANCELLED),
)


def written(directory: Path, results: Sequence[StackResult]) -> str:
    """The address of the page of some results."""
    context = Context(outcomes_of(*results), (), CodeExcerpts(), link_code=False)
    for name, text in explorer.pages(context).items():
        (directory / name).parent.mkdir(parents=True, exist_ok=True)
        (directory / name).write_text(text, encoding="utf-8")
    return (directory / explorer.PAGE).as_uri()


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page and the files beside it, as a reader has them on a disk."""
    found = tmp_path_factory.mktemp("results")
    written(found, RESULTS)
    return found


@pytest.fixture(scope="module")
def address(directory: Path) -> str:
    return (directory / explorer.PAGE).as_uri()


@pytest.fixture
def page(browser: Browser, address: str) -> Iterator[Page]:
    """The page as it is first seen."""
    with opened(browser, address) as found:
        yield found


def rows(page: Page) -> list[str]:
    """What the rows of the matrix are about."""
    heads = page.locator("table.matrix tbody th").all_inner_texts()
    return [" ".join(head.split()) for head in heads]


def columns(page: Page) -> list[str]:
    return page.locator("table.matrix thead code.id").all_inner_texts()


def test_the_first_view_says_how_streams_end_on_the_baselines(page: Page) -> None:
    assert rows(page) == ["quart uvicorn, hypercorn", "starlette uvicorn", "starlette hypercorn"]
    assert columns(page) == ["idle", "ticking", "backpressure"]
    expect(page.locator("table.matrix tbody tr").first).to_contain_text("cancelled at an await")
    expect(page.locator("p.status")).to_have_text("4 stacks in 3 rows, 3 columns.")


def test_a_filter_leaves_the_rows_that_were_asked_for(page: Page) -> None:
    page.get_by_label("App", exact=True).select_option("starlette")
    assert rows(page) == ["starlette uvicorn", "starlette hypercorn"]
    page.get_by_label("Server", exact=True).select_option("hypercorn")
    assert rows(page) == ["starlette hypercorn"]


def test_a_variant_stands_beside_its_baseline(page: Page) -> None:
    page.get_by_label("Variant").select_option("app:gzip")
    page.get_by_label("App", exact=True).select_option("quart")
    assert rows(page) == ["quart uvicorn", "quart+gzip uvicorn"]


def test_a_variant_differs_from_its_baseline_and_not_from_other_apps(page: Page) -> None:
    page.get_by_label("Variant").select_option("app:gzip")
    page.get_by_label("Only differences").check()
    assert columns(page) == ["idle"]


def test_only_the_columns_are_left_in_which_stacks_differ(page: Page) -> None:
    page.get_by_label("Only differences").check()
    assert columns(page) == ["backpressure"]
    expect(page.locator("p.status")).to_contain_text("2 more in which no two of them differ")


def test_a_choice_is_in_the_address_and_the_back_button_undoes_it(page: Page) -> None:
    before = page.url
    page.get_by_label("App", exact=True).select_option("starlette")
    assert page.url == f"{before}#app=starlette"
    page.go_back()
    assert page.url == before
    assert len(rows(page)) == 3
    expect(page.get_by_label("App", exact=True)).to_have_value("")


def test_a_cell_is_explained(page: Page) -> None:
    page.locator("[data-cell*='starlette/hypercorn/backpressure/']").click()
    details = page.get_by_role("region", name="starlette on hypercorn")
    expect(details.locator("h2")).to_be_focused()
    expect(details).to_contain_text(
        "The client has stopped reading, and closes, with starlette on hypercorn: the end of the "
        "stream came out as “completed (not notified)” in 5 of 5 trials."
    )
    expect(details).to_contain_text("The same on 3 of 5")
    expect(details).to_contain_text("Different on 2 of 5")
    timeline = details.locator("table.timeline tbody tr")
    assert [" ".join(row.split()) for row in timeline.all_inner_texts()] == [
        "-1.00 stream begins",
        "0.00 client leaves",
        "1.00 stream ends",
        "2.00 (everything had ended, or the window closed)",
    ]


def test_an_exception_path_is_shown_frame_by_frame(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}#cell={CELL.format('quart/uvicorn')}") as page:
        details = page.get_by_role("region", name="quart on uvicorn")
        expect(details).to_contain_text("CancelledError is raised in stream")
        details.get_by_text("Frame by frame").click()
        expect(details.locator("ol.path li")).to_have_count(1)
        expect(details.locator("ol.path li")).to_contain_text("apps/common/service.py:7")


def test_escape_closes_the_details_and_goes_back_to_the_cell(page: Page) -> None:
    cell = page.locator("table.matrix td button").nth(1)
    cell.click()
    assert "cell=" in page.url
    page.keyboard.press("Escape")
    expect(page.locator("aside")).to_have_count(0)
    expect(cell).to_be_focused()
    assert "cell=" not in page.url


def test_arrow_keys_go_from_cell_to_cell(page: Page) -> None:
    cells = page.locator("table.matrix td button")
    cells.first.focus()
    page.keyboard.press("ArrowRight")
    expect(cells.nth(1)).to_be_focused()
    page.keyboard.press("ArrowDown")
    expect(cells.nth(1 + 3)).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("ArrowLeft")
    expect(cells.first).to_be_focused()
    page.keyboard.press("ArrowLeft")
    expect(cells.first).to_be_focused()
    # One stop for Tab: the next one is behind the table.
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.closest('table')") is None


def test_two_stacks_are_compared(page: Page) -> None:
    page.get_by_role("link", name="Two stacks side by side").click()
    page.get_by_label("First stack").select_option(label="starlette on uvicorn")
    page.get_by_label("Second stack").select_option(label="starlette on hypercorn")
    table = page.locator("table.comparison")
    heads = table.locator("th[scope=rowgroup]").all_inner_texts()
    assert [head.splitlines()[0].strip() for head in heads] == [
        "The client has stopped reading, and closes"
    ]
    surface = table.locator("tr", has=page.get_by_text("the end of the stream", exact=True))
    expect(surface).to_contain_text("cancelled at an await")
    expect(surface).to_contain_text("completed (not notified)")
    page.get_by_label("Only differences").uncheck()
    expect(table.locator("th[scope=rowgroup]")).to_have_count(3)


def test_what_came_of_recipes_is_a_choice(browser: Browser, tmp_path: Path) -> None:
    with opened(browser, f"{written(tmp_path, [with_recipes()])}#kind=recipe") as page:
        assert "try-finally-in-idle" in columns(page)
        surfaces = page.get_by_label("Surface").locator("option").all_inner_texts()
        assert surfaces[0] == "the recipe's clean-up"
        assert len(surfaces) == 2
        page.get_by_label("Surface").select_option(surfaces[1])
        expect(page.get_by_text("Nothing of this was run")).to_be_visible()


def test_what_only_one_of_two_stacks_was_asked_is_not_compared(
    browser: Browser, address: str
) -> None:
    a, b = "current-py3.13/starlette/uvicorn", "current-py3.13/starlette+gzip/uvicorn"
    with opened(browser, f"{address}#view=compare&a={a}&b={b.replace('+', '%2B')}") as page:
        expect(
            page.get_by_text("Nothing here differs beyond what repeats explain.")
        ).to_be_visible()
        page.get_by_label("Only differences").uncheck()
        ticking = page.locator("table.comparison tbody", has_text="the client closes while events")
        expect(ticking.locator("tr").first).to_contain_text("not run")
        expect(ticking.locator("tr").first).to_contain_text("not compared")


@pytest.mark.parametrize(
    ("results", "shown"),
    [
        ([came_out("quart+gzip", idle=CANCELLED)], "quart+gzip uvicorn"),
        (
            [came_out("quart", "uvicorn+fast", complete=("stream begin", "stream end"))],
            "quart uvicorn+fast",
        ),
    ],
    ids=["only-a-variant", "nobody-hangs-up"],
)
def test_results_of_little_are_shown_at_first_sight(
    browser: Browser, tmp_path: Path, results: list[StackResult], shown: str
) -> None:
    with opened(browser, written(tmp_path, results)) as page:
        assert rows(page) == [shown]
        page.locator("table.matrix td button").first.click()
        expect(page.locator("table.timeline")).to_be_visible()


def test_the_surfaces_of_a_scenario_are_side_by_side(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}#view=scenario&scenario=ticking") as page:
        assert {"stream", "stream-end", "source"} <= set(columns(page))
        expect(page.locator("caption")).to_contain_text("the client closes while events go out")


def test_from_the_details_one_comes_to_all_surfaces_of_the_scenario(
    browser: Browser, address: str
) -> None:
    compared = "view=compare&a=current-py3.13/starlette/uvicorn&b=current-py3.13/quart/uvicorn"
    cell = CELL.format("quart/uvicorn").replace("idle", "ticking")
    with opened(browser, f"{address}#{compared}&cell={cell}") as page:
        page.get_by_role("link", name="All surfaces in this scenario").click()
        assert "source" in columns(page)
        expect(page.locator("caption")).to_contain_text("the client closes while events go out")
        expect(page.locator("aside h2")).to_contain_text("quart on uvicorn")


def test_an_address_of_other_results_is_not_an_error(browser: Browser, address: str) -> None:
    gone = "#view=gone&surface=gone&scenario=gone&a=gone&cell=gone/gone/gone/gone/gone"
    with opened(browser, address + gone) as page:
        assert len(rows(page)) == 3
        expect(page.locator("nav [aria-current]")).to_have_text("One surface, by what happens")
    with opened(browser, f"{address}#app=gone") as page:
        expect(page.get_by_text("No stack is left by these choices.")).to_be_visible()


def test_a_page_without_the_files_beside_it_says_so(browser: Browser, directory: Path) -> None:
    alone = directory / "alone" / explorer.PAGE
    alone.parent.mkdir()
    alone.write_bytes((directory / explorer.PAGE).read_bytes())
    cell = f"#cell={CELL.format('quart/uvicorn')}"
    context = browser.new_context()
    page = context.new_page()
    page.goto(alone.as_uri() + cell)
    expect(page.get_by_text("which is not there")).to_be_visible()
    context.close()


def background(page: Page) -> str:
    found: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return found


def test_it_is_dark_where_the_reader_prefers_that(browser: Browser, address: str) -> None:
    with opened(browser, address) as light, opened(browser, address, dark=True) as dark:
        assert background(light) == "rgb(255, 255, 255)"
        assert background(dark) == "rgb(13, 17, 23)"


def test_on_a_telephone_the_first_column_stays(browser: Browser, address: str) -> None:
    with opened(browser, f"{address}#view=scenario", size=NARROW) as page:
        head = page.locator("table.matrix tbody th").first
        before = head.bounding_box()
        region = page.locator("div.scroll")
        region.evaluate("element => { element.scrollLeft = 300; }")
        assert region.evaluate("element => element.scrollLeft") == 300
        assert before is not None
        assert head.bounding_box() == before
        # The page itself does not scroll sideways.
        assert page.evaluate("document.documentElement.scrollWidth") <= NARROW[0]


VIEWS = (
    "",
    f"#cell={CELL.format('quart/uvicorn')}",
    "#view=scenario&scenario=ticking",
    "#view=compare&a=current-py3.13/starlette/uvicorn&b=current-py3.13/quart/uvicorn&differences=0",
)


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize(("dark", "size"), [(False, WIDE), (True, NARROW)])
def test_nothing_keeps_readers_with_disabilities_out(
    browser: Browser, address: str, view: str, dark: bool, size: tuple[int, int]
) -> None:
    axe = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    with opened(browser, address + view, dark=dark, size=size) as page:
        expect(page.get_by_role("heading", name=LEGEND)).to_be_attached()
        page.evaluate(axe)
        found = page.evaluate("axe.run()")
    assert found["passes"], "axe has looked at nothing"
    serious = [
        (violation["id"], [node["html"] for node in violation["nodes"]])
        for violation in found["violations"]
        if violation["impact"] in ("serious", "critical")
    ]
    assert serious == []
