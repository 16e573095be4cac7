"""The pages on what the article and what others say."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import pytest

from hangup.model.claims import (
    ARTICLE_APP,
    ARTICLE_SERVER,
    CLAIMS,
    OF_ARTICLE,
    OF_OTHERS,
    PROJECTS,
)
from hangup.model.claims import BY_ID as CLAIM
from hangup.model.trace import StackResult
from hangup.model.vocabulary import OPTIONAL, Word
from hangup.report import links
from tests.rendering import rendered
from tests.traces import LEAVES, Line, stack, stack_result, trial

CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
COMPLETED = ("stream begin", LEAVES, "stream end")
AT_AN_AWAIT = CLAIM["cancelled-at-an-await"]
NO_HALF_CLOSE = CLAIM["half-close-is-served"]
IDLE = "the client closes while the stream awaits its source"
TICKING = "the client closes while events go out"


def result(
    app: str = "quart",
    server: str = "uvicorn",
    *,
    versions: str = "current",
    python: str = "3.13",
    **scenarios: Sequence[Line],
) -> StackResult:
    """A stack on which each of these scenarios was run once."""
    trials = [trial(name.replace("_", "-"), *lines) for name, lines in scenarios.items()]
    return stack_result(*trials, of=stack(app, server, versions=versions, python=python))


def section(pages: Mapping[str, str], claim: str) -> str:
    """What a page says of a claim."""
    page, _, anchor = links.claim(claim).partition("#")
    _, _, rest = pages[page].partition(f'<a id="{anchor}"></a>')
    return re.split(r"<a id=|\n## ", rest)[0]


def cells(pages: Mapping[str, str], claim: str, row: int = 2) -> list[str]:
    """The cells of a row of a claim's table."""
    table = [line for line in section(pages, claim).splitlines() if line.startswith("|")]
    return [re.sub(r"\[([^]]+)\]\[\d+\]", r"\1", c.strip()) for c in table[row].split("|")[1:-1]]


def answer(page: str, title: str) -> str:
    """What stands under a title of the answers that a page begins with."""
    _, _, rest = page.partition(f"**{title}")
    return re.split(r"\n\*\*|\n## |\nSaid by", rest)[0]


def test_every_claim_has_its_place_on_one_of_the_pages() -> None:
    assert {claim.id for claim in OF_ARTICLE}.isdisjoint(claim.id for claim in OF_OTHERS)
    assert {claim.number for claim in OF_ARTICLE} == set(range(1, 11))
    everything = rendered(
        result(server="hypercorn", idle=CANCELLED),
        stack_result(
            trial("idle", *CANCELLED),
            surfaces=[*OPTIONAL, "hook:client_close_handler"],
        ),
    )
    for claim in CLAIMS:
        assert f"“{claim.text}”" in section(everything, claim.id)
    assert links.claim("cancelled-at-an-await") == "article.md#cancelled-at-an-await"
    assert links.claim("half-close-is-served") == "claims.md#half-close-is-served"


def test_a_claim_that_every_trial_confirms_is_true_with_its_stacks_and_trials() -> None:
    pages = rendered(
        result(idle=CANCELLED, ticking=CANCELLED),
        result("starlette", idle=CANCELLED, ticking=CANCELLED),
    )
    (everywhere,) = cells(pages, AT_AN_AWAIT.id)[1:]
    assert everywhere == "**true** on 2 of 2 stacks; 4 of 4 trials confirm it."
    assert AT_AN_AWAIT.text in answer(pages["article.md"], "True** wherever it is decided")
    assert AT_AN_AWAIT.text not in answer(pages["article.md"], "Wrong")
    nothing = rendered(stack_result(trial("idle", failure=Word.NOT_REACHED)))["article.md"]
    assert "**Wrong** on every stack that decides it: none of those that were run." in nothing


def test_a_claim_that_no_trial_confirms_is_among_the_wrong_ones() -> None:
    pages = rendered(result(idle=COMPLETED), result("starlette", idle=COMPLETED))
    (everywhere,) = cells(pages, AT_AN_AWAIT.id)[1:]
    assert everywhere == "**false** on 2 of 2 stacks; 0 of 2 trials confirm it."
    assert AT_AN_AWAIT.text in answer(pages["article.md"], "Wrong")


def test_where_a_claim_fails_is_told_by_scenario_and_stacks_with_the_evidence() -> None:
    pages = rendered(
        result(idle=CANCELLED, ticking=CANCELLED, post=CANCELLED),
        result("starlette", idle=CANCELLED, ticking=COMPLETED, post=CANCELLED),
    )
    (everywhere,) = cells(pages, AT_AN_AWAIT.id)[1:]
    assert everywhere == (
        "**true only sometimes** (5 of 6 trials confirm it). It does not hold:"
        f"<br>• `starlette` (1 of 2 stacks): {TICKING}"
    )
    number = re.search(rf"\[{TICKING}\]\[(\d+)\]", section(pages, AT_AN_AWAIT.id))
    assert number is not None
    address = f"[{number[1]}]: evidence/current-py3.13/starlette/disconnects.md#ticking"
    assert address in pages["article.md"]
    assert f"true, but false for `starlette` ({TICKING})" in answer(
        pages["article.md"], "True only sometimes"
    )


def test_what_is_false_on_the_articles_own_app_is_wrong_though_others_confirm_it() -> None:
    pages = rendered(
        result(ARTICLE_APP, ARTICLE_SERVER, versions="article", idle=COMPLETED),
        result(ARTICLE_APP, "hypercorn", versions="article", idle=CANCELLED),
        result(versions="article", idle=CANCELLED),
    )
    wrong = answer(pages["article.md"], "Wrong** on its own app")
    assert AT_AN_AWAIT.text in wrong
    assert f"false; on all stacks: true, but false for `{ARTICLE_APP}` on uvicorn" in wrong
    assert AT_AN_AWAIT.text not in answer(pages["article.md"], "True only sometimes")
    assert cells(pages, AT_AN_AWAIT.id, row=3) == [
        "its own app",
        "**false** on 1 of 1 stack; 0 of 1 trials confirm it.",
    ]


def test_version_sets_stand_side_by_side_the_articles_first() -> None:
    pages = rendered(
        result(versions="current", idle=COMPLETED),
        result(versions="article", python="3.11", idle=CANCELLED),
        result(versions="article", python="3.13", idle=CANCELLED),
        result(versions="newest", idle=CANCELLED),
    )
    assert cells(pages, AT_AN_AWAIT.id, row=0) == [
        *("", "the article's versions", "today's versions", "version set `newest`"),
    ]
    assert [cell.partition(";")[0] for cell in cells(pages, AT_AN_AWAIT.id)] == [
        *("all apps", "**true** on 2 of 2 stacks", "**false** on 1 of 1 stack"),
        "**true** on 1 of 1 stack",
    ]
    said = "*the article's versions and version set `newest`:* true; *today's versions:* false"
    assert said in answer(pages["article.md"], "Wrong")


def test_statements_are_counted_by_what_they_came_to() -> None:
    pages = rendered(result(idle=CANCELLED), result("starlette", idle=CANCELLED, ticking=COMPLETED))
    table = [line for line in pages["article.md"].splitlines() if line.startswith("|")]
    header, _, row = table[:3]
    counted = dict(
        zip(
            [cell.strip() for cell in header.split("|")[2:-1]],
            [int(cell) for cell in row.split("|")[2:-1]],
            strict=True,
        )
    )
    verdicts = [cells(pages, claim.id)[1] for claim in OF_ARTICLE if section(pages, claim.id)]
    for truth, count in counted.items():
        found = [v for v in verdicts if re.match(rf"(\*\*)?{truth}\b(?! only)", v)]
        assert len(found) == count, truth
    assert counted["true only sometimes"] >= 1
    assert sum(counted.values()) == len(verdicts)


def test_what_was_not_run_is_no_verdict_and_says_what_runs_it() -> None:
    pages = rendered(result(idle=CANCELLED))
    assert cells(pages, NO_HALF_CLOSE.id) == ["not run"]
    assert cells(pages, "another-task-cancels-it")[1] == "not run; `hangup run --thorough` does"
    assert cells(pages, "is-disconnected-tells") == ["not run; `hangup run --thorough` does"]


def test_trials_that_decide_nothing_say_what_they_saw() -> None:
    pages = rendered(
        stack_result(trial("idle", "scope declares (2.3)", *CANCELLED)),
        stack_result(trial("idle", failure=Word.NOT_REACHED), of=stack("quart")),
    )
    (cell,) = cells(pages, "send-raises-from-spec-2.4")
    assert cell.startswith("**not decided**: seen of the ASGI scope was: spec version 2.3") or (
        cell == f"**not decided**: {Word.NOT_REACHED}"
    )
    silent = rendered(stack_result(trial("idle", failure=Word.NOT_REACHED)))
    assert cells(silent, AT_AN_AWAIT.id)[1] == f"**not decided**: {Word.NOT_REACHED}"
    assert AT_AN_AWAIT.text in answer(silent["article.md"], "Not known")


def test_a_claim_about_what_no_stack_has_is_left_out_and_counted() -> None:
    pages = rendered(result(idle=CANCELLED))
    assert section(pages, "background-runs-after-an-abort") == ""
    assert re.search(r"- \d+ more claims say nothing about the stacks", pages["claims.md"])


def test_what_others_say_stands_under_who_says_it_with_who_disputes_it() -> None:
    pages = rendered(result(idle=CANCELLED))
    text = pages["claims.md"]
    finally_runs = section(pages, "finally-always-runs")
    assert "Said by [Kludex/starlette#20](https://github.com/Kludex/starlette/issues/20)." in (
        finally_runs
    )
    assert "Disputed by [python/cpython#141885](" in finally_runs
    assert text.index("## Said by Starlette") < text.index('<a id="finally-always-runs">')
    assert text.index('<a id="finally-always-runs">') < text.index("## Said by sse-starlette")
    assert CLAIM["finally-always-runs"].text in answer(text, "Disputed")
    assert "Also said by [Kludex/starlette#20]" in section(pages, AT_AN_AWAIT.id)


def test_a_project_is_known_by_its_repository() -> None:
    for claim in CLAIMS:
        for citation in (*claim.cited, *claim.disputed_by):
            repository = re.match(r"https://github.com/([^/]+/[^/]+)/", citation.url or "")
            if repository is not None:
                assert citation.project == PROJECTS.get(repository[1], "")


def test_one_table_has_all_claims_of_the_first_group() -> None:
    pages = rendered(
        result(idle=CANCELLED, idle_half_close=COMPLETED),
        result("starlette", idle=COMPLETED, idle_half_close=COMPLETED),
        result("starlette", versions="article", idle=CANCELLED),
    )
    table = pages["claims.md"].partition("## All claims")[2]
    assert (
        f"“{AT_AN_AWAIT.text}”](article.md#{AT_AN_AWAIT.id}) | true only sometimes | 1/2 | "
        "true, but false for `starlette` |" in table
    )
    assert f"“{NO_HALF_CLOSE.text}”](#{NO_HALF_CLOSE.id}) | false | 0/2 |" in table


def test_variants_are_no_stacks_of_these_pages() -> None:
    pages = rendered(result(idle=CANCELLED), result("quart+x", idle=COMPLETED))
    assert cells(pages, AT_AN_AWAIT.id)[1].startswith("**true** on 1 of 1 stack;")


@pytest.mark.parametrize("page", ["article.md", "claims.md"])
def test_no_id_of_a_scenario_stands_outside_of_links(page: str) -> None:
    text = rendered(
        result(idle=CANCELLED, backpressure_busy=CANCELLED, idle_half_close=COMPLETED),
        result("starlette", idle=COMPLETED, backpressure_busy=COMPLETED, idle_half_close=CANCELLED),
    )[page]
    prose = re.sub(r"(?m)^\[\d+\]: .*$|\(\S*#\S+\)|<a id=\S+>", "", text)
    assert "backpressure-busy" not in prose
    assert "idle-half-close" not in prose
