"""What holds of every page of a report: sizes, links, how it begins, how wide its tables are.

Of reports that are made here, of a run in full and of runs in part, and of the reference results
in `results/`, or those in the directory that the environment variable `HANGUP_TEST_RESULTS` names.
"""

from __future__ import annotations

import fnmatch
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.trace import StackResult
from hangup.report import publish
from tests import github
from tests.browser import opened
from tests.github import REFERENCE_LIMIT, dead_links, document, pages
from tests.test_pages import CANCELLED, COMPLETED, made, with_recipes
from tests.traces import stack, stack_result

ROOT = Path(__file__).parent.parent
REFERENCE = Path(os.environ.get("HANGUP_TEST_RESULTS", ROOT / "results"))

SMALL = 60_000
SIZES: Mapping[str, int] = {
    "README.md": 30_000,
    **dict.fromkeys(
        (
            *("apps/*.md", "middleware.md", "servers.md", "shutdown.md", "upstream-cost.md"),
            *("alarms.md", "versions.md", "claims.md", "article.md", "cleanup.md", "hazards.md"),
            *("method.md", "decisions/*.md"),
        ),
        SMALL,
    ),
    "*.md": 200_000,
    "index.html": 3_000_000,
}
"""How many bytes a page may have: what the first pattern says that its path fits."""
LINES = {"README.md": 150}
WHOLE = 20_000_000
"""How many bytes the reference results may have, traces and all."""
CELL = 600
"""So many characters of text a cell of a table may have."""
CONTENTS_FROM = 6
"""A page with so many sections has a table of contents."""

PARTIAL: Mapping[str, Sequence[StackResult]] = {
    "one-scenario": [stack_result(*made("idle", CANCELLED), of=stack("bare"))],
    "another-version-set": [
        stack_result(
            *made("idle", CANCELLED, COMPLETED), of=stack("quart", versions="mine", python="3.12")
        )
    ],
    "a-variant-alone": [stack_result(*made("ticking", COMPLETED), of=stack("quart+sentry"))],
    "two-version-sets": [
        stack_result(*made("idle", COMPLETED), of=stack(versions=versions))
        for versions in ("current", "article")
    ],
}


@pytest.fixture(
    scope="module", params=["in-the-repository", "elsewhere", *PARTIAL, "the-reference"]
)
def report(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory of a whole report."""
    kind: str = request.param
    if kind == "the-reference":
        return REFERENCE
    directory = tmp_path_factory.mktemp("report") / "results"
    if kind == "in-the-repository":
        (directory.parent / "apps").symlink_to(ROOT / "apps")
    results = PARTIAL.get(kind) or [
        with_recipes("bare"),
        with_recipes(fails=["idle"]),
        with_recipes(server="hypercorn", fails=["shutdown"], after_completion=["backpressure"]),
    ]
    publish.publish(directory, results, CodeExcerpts(), merge=False)
    return directory


def limit(page: str) -> int:
    """How large a page may be."""
    return next(size for pattern, size in SIZES.items() if fnmatch.fnmatch(page, pattern))


def test_a_report_has_pages(report: Path) -> None:
    assert list(pages(report))


def test_no_page_is_too_large(report: Path) -> None:
    files = {name: path.stat().st_size for name, path in pages(report)}
    explorer = report / "index.html"
    if explorer.exists():
        files[explorer.name] = explorer.stat().st_size
    assert {name: size for name, size in files.items() if size > limit(name)} == {}


def test_no_page_has_too_many_lines(report: Path) -> None:
    lengths = {
        name: len((report / name).read_text(encoding="utf-8").splitlines())
        for name in LINES
        if (report / name).exists()
    }
    assert {name: n for name, n in lengths.items() if n > LINES[name]} == {}


def test_the_reference_results_are_not_too_large() -> None:
    files = [path for path in REFERENCE.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) <= WHOLE


def test_no_link_leads_nowhere(report: Path) -> None:
    assert dead_links(report) == []


def test_no_link_is_left_as_text(report: Path) -> None:
    left = {
        name: found
        for name, path in pages(report)
        if (found := re.findall(r"\]\[[^\]]+\]|\[\^\w+\]", document(path).text))
    }
    assert left == {}


def test_addresses_are_within_the_limit_of_the_renderer(report: Path) -> None:
    over = {}
    for name, path in pages(report):
        text = path.read_text(encoding="utf-8")
        addresses = dict(re.findall(r"(?m)^\[(\d+)\]: (\S+)$", text))
        used = sum(
            len(addresses.get(number, "").encode()) for number in re.findall(r"\]\[(\d+)\]", text)
        )
        if used > max(REFERENCE_LIMIT, len(text.encode())):
            over[name] = used
    assert over == {}


def test_a_page_begins_with_its_title_and_an_answer(report: Path) -> None:
    others = {
        name: found.blocks[:2]
        for name, path in pages(report)
        if (found := document(path)).blocks[:2] not in (["h1", "p"], ["h1", "ul"])
        or sum(heading.level == 1 for heading in found.headings) != 1
    }
    assert others == {}


def test_a_long_page_has_a_table_of_contents(report: Path) -> None:
    without = {}
    for name, path in pages(report):
        found = document(path)
        if len(found.sections) >= CONTENTS_FROM and not name.startswith("decisions/"):
            missing = {f"#{section.anchor}" for section in found.sections} - set(found.links)
            if missing:
                without[name] = missing
    assert without == {}


def test_no_cell_of_a_table_is_too_long(report: Path) -> None:
    long = {
        name: cells
        for name, path in pages(report)
        if (cells := [cell for cell in document(path).cells if len(cell) > CELL])
    }
    assert long == {}


WIDE_TABLES = """
() => {
  document.querySelectorAll("details").forEach(details => { details.open = true; });
  return [...document.querySelectorAll("table")]
    .filter(table => table.scrollWidth > table.clientWidth)
    .map(table => `${table.scrollWidth} px: ${table.rows[0].innerText}`);
}
"""


def test_every_table_fits_a_page(report: Path, browser: Browser) -> None:
    wide = {}
    with opened(browser, "about:blank") as page:
        for name, path in pages(report):
            if document(path).cells:
                page.set_content(github.with_style(document(path)))
                found = page.evaluate(WIDE_TABLES)
                if found:
                    wide[name] = found
    assert wide == {}
