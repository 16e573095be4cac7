"""The decision page and its heat map say what the trials at hand say, however few there are."""

from __future__ import annotations

import re
from collections.abc import Mapping
from xml.etree import ElementTree as ET

import pytest
from msgspec.structs import replace

from hangup.model.code_excerpts import CodeExcerpt
from hangup.model.ranking import QUESTIONS, Answer
from hangup.model.trace import StackResult
from hangup.report import pages
from hangup.report.links import HEAT_MAP, OVERVIEW
from hangup.report.overview_recipes import MOST_LINES, without_docstring
from hangup.report.symbols import SYMBOLS
from tests.rendering import outcomes_of, rendered
from tests.test_pages import dead_links, with_recipes
from tests.test_ranking import BAD, CANCELLED, good, result
from tests.traces import CLOSES, LEAVES, stack, trial

SVG = "{http://www.w3.org/2000/svg}"
BEFORE_RESPONSE_UNTOLD = trial("before-response", "endpoint begin", LEAVES, CLOSES)
SLOW = [*good(but=("shutdown",)), BAD["shutdown"]]


def page(*results: StackResult) -> str:
    return rendered(*results)[OVERVIEW]


def picture(*results: StackResult) -> ET.Element:
    return ET.fromstring(rendered(*results)[HEAT_MAP])


def section(text: str, title: str) -> str:
    """What stands below a heading, which may be a link."""
    found = re.search(rf"(?ms)^## \[?{re.escape(title)}.*?\n(.*?)(?=^## |\Z)", text)
    assert found is not None, title
    return found[1]


def row(text: str, app: str) -> list[str]:
    """The cells of an app in the ranking."""
    (line,) = (line for line in text.splitlines() if re.match(rf"\| \d+ \| \[{app}\]", line))
    cells = [cell.strip() for cell in line.strip("|").split("|")]
    assert cells[1] == f"[{app}](apps/{app}.md)"
    return [cells[0], app, *cells[2:]]


def footnotes(text: str) -> Mapping[str, str]:
    return dict(re.findall(r"(?m)^\[\^(\d+)\]: (.+)$", text))


# --- What holds.


def test_what_holds_on_every_stack_is_told_from_what_holds_on_nearly_all() -> None:
    apps = [result(*good(), app=app) for app in "abcd"]
    other = result(*[*good(but=("before-response",)), BEFORE_RESPONSE_UNTOLD], app="e")
    assert "## What holds on every stack" in page(*apps)
    text = page(*apps, other)
    assert "## What holds on every stack" in text
    assert "It depends: An endpoint that has not answered yet" in text
    late = result(*[*good(but=("idle",)), BAD["told"]], app="f")
    assert "## What holds on most stacks" in page(*apps, late)
    assert "[**4 of 5** stacks](scenarios/idle.md), not f." in page(*apps, late)


# --- Choose.


def test_an_app_has_a_row_with_a_symbol_a_question() -> None:
    text = page(result(*good()), result(*SLOW, app="a"))
    assert row(text, "starlette") == ["1", "starlette", "7", *"●●●●●●●"]
    assert row(text, "a") == ["2", "a", "6", *"●●●●●●✕"]
    for question in QUESTIONS:
        assert re.search(rf"\*\*{question.title}\*\*(\]\(\S+\))?: ", text)
        assert f": {question.rule}." in text


def test_another_server_that_answers_otherwise_has_a_footnote() -> None:
    text = page(result(*good()), result(*SLOW, server="hypercorn"))
    *_, last = row(text, "starlette")
    (number,) = re.findall(r"●\[\^(\d+)\]", last)
    assert footnotes(text)[number].startswith("On hypercorn ✕ not well: it has not ended")
    assert "On hypercorn, 0 of 1 apps" in section(text, "Servers")


def test_what_is_partly_so_or_unknown_has_a_footnote_and_equal_ones_are_one() -> None:
    partly = [*good(but=("idle",)), BAD["told"]]
    unknown = good(but=("shutdown",))
    text = page(*(result(*partly, app=app) for app in ("a", "b")), result(*unknown, app="c"))
    assert row(text, "a")[3] == row(text, "b")[3] == "◐[^1]"
    assert row(text, "c")[-1] == "—[^2]"
    assert set(footnotes(text)) == {"1", "2"}
    assert set(re.findall(r"\[\^(\d+)\](?!:)", text)) == {"1", "2"}


# --- Partial runs.


@pytest.mark.parametrize(
    "results",
    [
        [result(trial("idle", *CANCELLED))],
        [result(trial("idle", *CANCELLED), app="bare")],
        [result(trial("idle", *CANCELLED), server="hypercorn")],
        [result(trial("idle", *CANCELLED), app="starlette+gzip")],
        [with_recipes("bare")],
        [with_recipes()],
        [with_recipes(works=False)],
    ],
)
def test_a_run_of_some_of_it_has_a_page_and_a_picture(results: list[StackResult]) -> None:
    found = rendered(*results, link_code=False)
    own = {OVERVIEW: found[OVERVIEW]}
    dead = dead_links({**dict.fromkeys(found, ""), **own})
    assert dead == []
    ET.fromstring(found[HEAT_MAP])
    for title in ("Choose", "Write this", "Not this", "Deploying", "Middleware", "Alarms"):
        assert section(found[OVERVIEW], title).strip()


def test_what_was_not_run_is_said() -> None:
    text = page(result(trial("idle", *CANCELLED)))
    assert "Recipes for clean-up were not run" in section(text, "Write this")
    assert "Recipes for clean-up were not run" in section(text, "Not this")
    assert "Shutdowns were not run" in section(text, "Deploying")
    assert "Variants were not run" in section(text, "Middleware")
    assert "Streams that relay were not run" in section(text, "What a hang-up costs")
    assert "not run" in section(text, "Alarms")
    tried = page(with_recipes())
    assert "not run" not in section(tried, "Write this") + section(tried, "Not this")


# --- Write this.


def test_the_recipe_of_the_first_in_rank_is_quoted_without_what_it_says_of_itself() -> None:
    text = section(page(with_recipes()), "Write this")
    (code,) = re.findall(r"(?s)```python\n(.*?)```", text)
    assert code.startswith("from __future__")
    assert len(code.splitlines()) <= MOST_LINES
    assert "async def try_finally(" in code
    assert "starlette: 0/3 failed (≤ 64%)" in text
    assert "Return `try_finally(source, clean_up)`" in text


def test_where_no_recipe_works_none_is_to_be_written() -> None:
    fails = ["idle", "ticking", "backpressure"]
    text = section(page(with_recipes(), with_recipes("quart", fails=fails)), "Write this")
    (none,) = [line for line in text.splitlines() if line.startswith("| none |")]
    assert "quart: no recipe that was tried is known to work" in none
    assert "starlette" not in none
    assert "| none |" not in page(with_recipes("quart", fails=["idle"]))


class Code:
    """Where all code has so many lines."""

    def __init__(self, lines: int) -> None:
        self.lines = lines

    def recipe(self, function: str) -> CodeExcerpt:
        text = "\n".join(f"{function}({n})" for n in range(self.lines))
        return CodeExcerpt(path="a.py", first_line=1, last_line=1, parameters=("x",), text=text)

    def call_in_app(self, app: str, function: str) -> CodeExcerpt | None:
        return None


@pytest.mark.parametrize(("lines", "quoted"), [(MOST_LINES, True), (MOST_LINES + 1, False)])
def test_code_that_is_too_long_is_not_quoted(lines: int, quoted: bool) -> None:
    outcomes = outcomes_of(with_recipes())
    text = pages.render(outcomes, (), Code(lines), link_code=False)[OVERVIEW]
    assert ("```python" in section(text, "Write this")) is quoted


def test_only_a_modules_docstring_is_left_out() -> None:
    assert without_docstring('"""What it is."""\n\nx = 1\n"""What x is."""') == (
        'x = 1\n"""What x is."""'
    )
    assert without_docstring("x = 1\n") == "x = 1\n"
    assert without_docstring("1\n") == "1\n"


def test_a_recipe_that_fails_is_named_with_where() -> None:
    text = section(page(with_recipes(fails=["idle"]), with_recipes("quart")), "Not this")
    assert "on starlette, where every one does" in text


# --- Deploying.


def shut_down(app: str, server: str, stream: str, exit_: str) -> StackResult:
    lines = ("stream begin", LEAVES, stream, f"exit saw {exit_}")
    return replace(result(trial("shutdown", *lines)), stack=stack(app, server))


def test_servers_that_shut_down_alike_share_a_row_and_apps_that_differ_a_footnote() -> None:
    cancelled, suspended = "stream end CancelledError at an await", "client reads"
    text = page(
        *(shut_down(app, "uvicorn", suspended, "still running") for app in ("a", "b")),
        shut_down("c", "uvicorn", cancelled, "exited"),
        shut_down("a", "uvicorn+workers-2", suspended, "still running"),
        shut_down("a", "uvicorn+graceful-2s", cancelled, "exited"),
    )
    rows = [line for line in section(text, "Deploying").splitlines() if "| exits |" in line]
    assert len(rows) == 1
    assert "--timeout-graceful-shutdown 2" in rows[0]
    both = next(line for line in text.splitlines() if "`--workers 2`" in line)
    assert both.startswith("| uvicorn, h11 on asyncio[^")
    assert "| not within 6 s | still suspended | not run | not run |" in both
    assert any(note.startswith("c on uvicorn: process: exits") for note in footnotes(text).values())
    assert "exited with: **uvicorn with `--timeout-graceful-shutdown 2`** (tried with a)." in text


# --- Middleware, costs, alarms.


def test_a_variant_that_changes_answers_says_which_and_where() -> None:
    text = page(
        *(result(*good(), app=app) for app in ("a", "b", "a+gzip")),
        *(result(*SLOW, app=app) for app in ("a+x", "b+x")),
    )
    lines = section(text, "Middleware").splitlines()
    (changing,) = (line for line in lines if "`+x`" in line)
    assert "| a, b: Shutdown ends ● → ✕ |" in changing
    (alike,) = (line for line in lines if "`+gzip`" in line)
    assert alike.endswith("| a | none that is known |")


def test_what_is_called_for_a_hang_up_is_named() -> None:
    called = [*good(but=("firehose",)), BAD["quiet"]]
    text = section(page(result(*called), result(*good(), app="quiet")), "Alarms")
    assert "| an exception handler | 1/2 | starlette | in 1 of " in text
    assert "| the server's error log | 0/2 | nowhere |  |" in text
    assert "| Sentry | not run | | |" in text


# --- The picture.


def test_the_picture_has_a_shape_for_each_cell_and_says_itself_in_words() -> None:
    found = picture(result(*good()), result(*SLOW, app="a"), result(*SLOW, server="hypercorn"))
    texts = ["".join(text.itertext()) for text in found.iter(f"{SVG}text")]
    assert {"starlette", "a", "7 of 7", "6 of 7", "uvicorn", "hypercorn"} <= set(texts)
    cells = [r for r in found.iter(f"{SVG}rect") if (r.get("class") or "").startswith("under-")]
    assert len(cells) == 2 * len(QUESTIONS) + 1
    assert found.get("role") == "img"
    labelled = set((found.get("aria-labelledby") or "").split())
    assert labelled == {e.get("id") for e in found.iter() if e.get("id")}
    said = found.findtext(f"{SVG}desc") or ""
    assert "Shutdown ends: not well" in said
    assert "on hypercorn Shutdown ends: not well" in said


def test_every_answer_has_a_shape_and_colours_for_both_schemes() -> None:
    svg = rendered(result(*good()))[HEAT_MAP]
    light, dark = svg.split("@media (prefers-color-scheme: dark)")
    for answer in Answer:
        name = answer.replace(" ", "-")
        assert f".under-{name} {{" in light
        assert f".under-{name} {{" in dark
        assert re.search(rf'class="(shape )?{name}\b|class="shape {name}', svg), answer
    assert len(SYMBOLS) == len(Answer)


# --- The README of the repository.


def test_the_excerpt_leads_into_the_results() -> None:
    text = pages.excerpt(outcomes_of(result(*good())))
    assert "](results/heat-map.svg)" in text
    assert "](results/scenarios/idle.md)" in text
    assert text.count("\n- ") <= 10


def test_a_shutdown_that_is_logged_as_an_error_is_said() -> None:
    loud = shut_down("b", "uvicorn", "server-log saw error line", "exited")
    assert "error in the server's log on 1 of 1 stacks" in page(loud)
