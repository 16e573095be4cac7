"""The pages on what one thing changes: middleware, servers and their options, versions."""

from __future__ import annotations

import re
from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from hangup.analysis.claims import verdicts
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.trace import Latency, Stack, StackResult
from hangup.model.vocabulary import Word
from hangup.report.pages import Context, effects, figures
from tests.rendering import outcomes_of, rendered
from tests.test_pages import dead_links
from tests.traces import LEAVES, Line, stack, stack_result, trial

AWAIT = ("stream begin", LEAVES, "stream end CancelledError at an await")
YIELD = ("stream begin", LEAVES, "stream end GeneratorExit at a yield")
COMPLETED = ("stream begin", LEAVES, "stream end")
IDLE = "the client closes while the stream awaits its source"


def result(of: Stack, *outcomes: Sequence[Line], scenario: str = "idle") -> StackResult:
    """A stack on which the trials of a scenario came out so."""
    trials = [trial(scenario, *lines, repeat=n) for n, lines in enumerate(outcomes, 1)]
    return stack_result(*trials, of=of)


def varied(*apps: str, a: Sequence[Line] = AWAIT, b: Sequence[Line] = YIELD) -> list[StackResult]:
    """Apps and a variant of each, five trials each."""
    return [
        result(stack(f"{app}{name}"), *[lines] * 5)
        for app in apps
        for name, lines in (("", a), ("+x", b))
    ]


def rows(page: str, seen_by: str) -> list[str]:
    """The rows of tables that are about a surface."""
    return [line for line in page.splitlines() if f"**{seen_by}** | " in line]


# --- Middleware.


def test_a_row_is_about_all_stacks_on_which_one_thing_changes_the_same() -> None:
    page = rendered(*varied("bare", "quart"))["middleware.md"]
    (row,) = rows(page, "the end of the stream")
    found = re.fullmatch(
        rf"\| \[{IDLE}\]\[\d+\]: \*\*the end of the stream\*\* \| "
        r"\[cancelled at an await\]\[(\d+)\] \| \[closed at a yield\]\[(\d+)\] \| everywhere \|",
        row,
    )
    assert found is not None
    for number, app in zip(found.groups(), ("bare", "bare+x"), strict=True):
        assert f"[{number}]: evidence/current-py3.13/{app}/disconnects.md#idle\n" in page
    assert "All of it: `hangup diff bare bare+x`, `hangup diff quart quart+x`." in page


def test_what_changes_on_some_stacks_only_is_not_said_of_the_others() -> None:
    page = rendered(*varied("bare"), *varied("quart", b=AWAIT))["middleware.md"]
    assert "changes what is seen in 1 scenario on 1 of 2 stacks: `bare`." in page
    (row,) = rows(page, "the end of the stream")
    assert row.endswith("| `bare` |")


def test_the_answer_names_the_hazards_that_appear_and_disappear() -> None:
    page = rendered(*varied("quart", a=AWAIT, b=COMPLETED), *varied("bare", b=AWAIT))
    said = "  - appears on `quart`: [a stream runs to completion after the client left]"
    assert said in page["middleware.md"]
    back = rendered(*varied("quart", a=COMPLETED, b=AWAIT))["middleware.md"]
    assert "  - disappears: [a stream runs to completion after the client left]" in back


def test_where_no_hazard_changes_the_answer_says_what_is_seen_instead() -> None:
    page = rendered(*varied("quart"))["middleware.md"]
    answer = page[: page.index("\n## ")]
    assert "No hazard appears or disappears where both are known." in answer
    assert "  - the end of the stream: [cancelled at an await][" in answer
    assert "→ [closed at a yield][" in answer


def test_what_changes_nothing_is_one_sentence() -> None:
    page = rendered(*varied("quart", b=AWAIT))["middleware.md"]
    assert re.search(r"(?m)^- \*\*No difference\*\* was found with `\+x` .* on 1 stack\)\.$", page)
    assert "## +x" not in page
    assert "| what happens" not in page


def test_a_race_is_called_one_and_shown_apart() -> None:
    torn = [
        result(stack("quart"), *[AWAIT] * 5),
        result(stack("quart+x"), *[AWAIT] * 4, YIELD),
        *varied("bare"),
    ]
    before, after = rendered(*torn)["middleware.md"].split("<summary>Races")
    (row,) = rows(before, "the end of the stream")
    assert row.endswith("| `bare` |")
    (row,) = rows(after, "the end of the stream")
    assert "closed at a yield 1/5" in row
    assert row.endswith("| `quart` |")


@pytest.mark.parametrize(("again", "count"), [((2, 18), 1), ((18, 2), 2)])
def test_only_shares_that_change_in_the_same_direction_are_of_one_row(
    again: tuple[int, int], count: int
) -> None:
    shares = {"bare": (2, 18), "quart": again}
    page = rendered(
        *(
            result(stack(f"{app}{name}"), *[AWAIT] * n, *[YIELD] * (20 - n))
            for app, both in shares.items()
            for name, n in zip(("", "+x"), both, strict=True)
        )
    )["middleware.md"]
    assert len(rows(page, "the end of the stream")) == count


@pytest.mark.parametrize(("again", "count"), [((2, 18), 1), ((18, 2), 2)])
def test_only_scenarios_that_change_in_the_same_direction_are_of_one_row(
    again: tuple[int, int], count: int
) -> None:
    shares = {"idle": (2, 18), "ticking": again}
    ran = [
        stack_result(
            *(
                trial(scenario, *(AWAIT if k < both[side] else YIELD), repeat=k + 1)
                for scenario, both in shares.items()
                for k in range(20)
            ),
            of=stack(app),
        )
        for side, app in enumerate(("bare", "bare+x"))
    ]
    assert len(rows(rendered(*ran)["middleware.md"], "the end of the stream")) == count


def test_recipes_that_come_to_something_else_are_counted_apart_from_scenarios() -> None:
    done = ("asgi begin", "source begin", LEAVES, "source end CancelledError at an await",
            "cleanup begin", "cleanup end", "asgi end")  # fmt: skip
    cut = (*done[:5], "cleanup end CancelledError", "asgi end")
    page = rendered(
        *(
            result(stack(app), *[lines] * 5, scenario="waited-task-in-idle")
            for app, lines in (("bare", done), ("bare+x", cut))
        )
    )["middleware.md"]
    assert "changes what is seen of 1 recipe for clean-up." in page
    (row,) = rows(page, "the clean-up")
    assert "[good][" in row
    assert "[unfinished][" in row


def test_of_many_scenarios_one_is_named_and_the_others_in_a_footnote() -> None:
    names = ("idle", "post", "idle-rst")
    ran = [
        stack_result(
            *(trial(name, *lines, repeat=n) for name in names for n in range(1, 6)), of=stack(app)
        )
        for app, lines in (("bare", AWAIT), ("bare+x", YIELD))
    ]
    page = rendered(*ran)["middleware.md"]
    (row,) = rows(page, "the end of the stream")
    assert re.match(rf"\| \[{IDLE}\]\[\d+\]; and 2 more\[\^1\]: ", row)
    (note,) = re.findall(r"(?m)^\[\^1\]: (.*)$", page)
    assert "POST" in note
    assert "resets" in note


def test_what_crosses_the_asgi_boundary_is_apart_from_what_a_team_sees() -> None:
    page = rendered(*varied("bare"))["middleware.md"]
    before, after = page.split("<summary>At the ASGI boundary")
    assert not rows(before, "the stream's generator")
    assert rows(after, "the stream's generator")


def test_what_the_boundary_and_a_team_see_alike_is_not_put_together() -> None:
    both = ("asgi begin", "dependency begin", LEAVES, "dependency end{0}", "asgi end{0}")
    ran = [
        stack_result(
            *(trial("idle", *(line.format(saw) for line in both), repeat=n) for n in range(1, 6)),
            surfaces=["dependency"],
            of=stack(app),
        )
        for app, saw in (("bare", ""), ("bare+x", " CancelledError"))
    ]
    before, after = rendered(*ran)["middleware.md"].split("<summary>At the ASGI boundary")
    assert len(rows(before, "the `yield` dependency")) == 1
    assert len(rows(after, "the ASGI application")) == 1


def test_too_few_trials_are_said_to_decide_nothing() -> None:
    few = [result(stack(app), *[lines] * 3) for app, lines in (("a", AWAIT), ("a+x", YIELD))]
    page = rendered(*few, *varied("bare"))["middleware.md"]
    assert f"Too few trials to decide, though they came out differently: [{IDLE}]" in page
    alone = rendered(*few)["middleware.md"]
    assert "not decided)" in alone


def test_what_was_disturbed_is_said_to_be_not_compared() -> None:
    hit = [trial("post", repeat=n, failure=Word.DISTURBED) for n in range(1, 6)]
    good = [trial("post", *AWAIT, repeat=n) for n in range(1, 6)]
    one, other = varied("bare")
    page = rendered(
        replace(one, trials=(*one.trials, *good)), replace(other, trials=(*other.trials, *hit))
    )["middleware.md"]
    assert "Not compared, as all trials of one of the two were disturbed: scenario post." in page


def test_links_to_the_evidence_of_variants_lead_to_their_pages() -> None:
    stacks = (stack("bare"), stack("bare+x"), stack("bare", "uvicorn+y"))
    pages = rendered(
        *(result(s, *[o] * 5) for s, o in zip(stacks, (AWAIT, YIELD, YIELD), strict=True))
    )
    own = "evidence/current-py3.13/bare+x/disconnects.md"
    assert f"]: {own}#idle\n" in pages["middleware.md"]
    assert not [link for link in dead_links(pages) if link.startswith(("middleware", "servers"))]
    without = {name: text for name, text in pages.items() if name != own}
    assert f"middleware.md: {own}#idle" in dead_links(without)


def test_a_picture_is_shown_if_it_is_in_the_report(monkeypatch: pytest.MonkeyPatch) -> None:
    picture = figures.HANG_UP
    outcomes = outcomes_of(*varied("bare"))
    context = Context(outcomes, verdicts(outcomes), CodeExcerpts(), link_code=False)
    assert picture not in effects.pages(context)["middleware.md"]
    monkeypatch.setattr(figures, "compared", lambda _: object())
    assert f"]({picture})" in effects.pages(context)["middleware.md"]


@pytest.mark.parametrize("page", ["middleware.md", "servers.md", "versions.md"])
def test_a_page_without_two_stacks_to_compare_says_what_to_run(page: str) -> None:
    text = rendered(result(stack(), AWAIT))[page]
    assert "`hangup run" in text
    assert "|" not in text


# --- Servers.


def test_servers_are_compared_with_each_other_and_options_with_their_server() -> None:
    page = rendered(
        result(stack("bare"), *[AWAIT] * 5),
        result(stack("bare", "hypercorn"), *[YIELD] * 5),
        result(stack("bare", "uvicorn+fast"), *[COMPLETED] * 5),
    )["servers.md"]
    assert "| what happens, seen by | uvicorn | hypercorn | where |" in page
    assert "## uvicorn+fast: uvicorn, httptools on uvloop" in page
    assert "`hangup diff uvicorn uvicorn+fast`" in page


def ended(server: str, word: str, *, idle: Sequence[Line] = AWAIT) -> StackResult:
    """A server that was ended five times, and whose client hung up five times."""
    shutdowns = [
        trial("shutdown", "stream begin", f"exit saw {word}", repeat=n) for n in range(1, 6)
    ]
    idles = [trial("idle", *idle, repeat=n) for n in range(1, 6)]
    return stack_result(*shutdowns, *idles, of=stack("bare", server))


def test_an_option_that_matters_at_shutdown_only_is_said_to() -> None:
    page = rendered(ended("uvicorn", "still running"), ended("uvicorn+graceful-2s", "exited"))
    assert "changes only what is seen when the server is ended" in page["servers.md"]
    other = rendered(
        ended("uvicorn", "still running"), ended("uvicorn+graceful-2s", "exited", idle=YIELD)
    )["servers.md"]
    assert "changes only" not in other
    assert "While the server serves:" in other
    assert "When the server is ended:" in other


@pytest.mark.parametrize(("own_ns", "differ"), [(50, True), (10, False)])
def test_latencies_differ_where_their_intervals_do_not_overlap(own_ns: int, differ: bool) -> None:
    page = rendered(
        *(
            replace(
                result(stack("quart", server), *[AWAIT] * 5),
                latency=Latency(own_ns=(own,) * 9, bare_ns=(10,) * 9),
            )
            for server, own in (("uvicorn", 10), ("hypercorn", own_ns))
        )
    )["servers.md"]
    row = "| quart | 1.00 (1.00 {0} 1.00) | 5.00 (5.00 {0} 5.00) | everywhere |".format(
        "\N{EN DASH}"
    )
    assert (row in page) == differ
    assert ("do not overlap." in page) != differ


# --- Versions.


def with_package(of: Stack, version: str, *outcomes: Sequence[Line]) -> StackResult:
    found = result(of, *outcomes)
    packages = found.environment.packages | {"starlette": version}
    return replace(found, environment=replace(found.environment, packages=packages))


def test_version_sets_are_compared_and_the_packages_named_that_differ() -> None:
    page = rendered(
        with_package(stack(versions="article"), "0.47", *[AWAIT] * 5),
        with_package(stack(), "1.0", *[YIELD] * 5),
        result(stack(python="3.11"), *[AWAIT] * 5),
    )["versions.md"]
    assert "- **Version set `article` → `current`** changes what is seen" in page
    assert "- **Python 3.11 → Python 3.13** changes what is seen" in page
    assert "| what happens, seen by | `article` | `current` | where |" in page
    assert "- starlette 0.47 → 1.0\n" in page
    assert "- uvicorn" not in page
