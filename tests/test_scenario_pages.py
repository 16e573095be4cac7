"""The pages of scenarios: the answer, stacks that are alike in a row, and what differs."""

from __future__ import annotations

import re

from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from tests.rendering import rendered
from tests.test_pages import CANCELLED, COMPLETED, made
from tests.traces import LEAVES, Line, stack, stack_result

UNTOLD = ("stream begin", LEAVES)


def of(app: str, *outcomes: tuple[Line, ...], server: str = "uvicorn", **where: str) -> StackResult:
    """A stack on which trials of an idle stream came out so."""
    return stack_result(*made("idle", *outcomes), of=stack(app, server, **where))


def page(*results: StackResult) -> str:
    """The page on an idle stream, without links."""
    text = rendered(*results)["scenarios/idle.md"]
    return re.sub(r"\[([^\]]+)\](?:\[\d+\]|\([^)]*\))", r"\1", text)


def rows(text: str, column: str = "end of the stream") -> dict[str, str]:
    """What the first table says in a column, by what stands in the first."""
    lines = text.splitlines()
    at = next(i for i, line in enumerate(lines) if line.startswith("| app |"))
    head, *table = (
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in lines[at : lines.index("", at)]
    )
    return {cells[0]: cells[head.index(column)] for cells in table[1:]}


def test_it_is_called_by_what_happens_and_answers_first() -> None:
    text = page(of("a", CANCELLED), of("b", CANCELLED), of("c", COMPLETED, CANCELLED))
    _, title, _, answer, *_ = text.split("\n")[1:]
    assert title == "# The client closes while the stream awaits its source"
    assert answer == (
        "The end of the stream: *cancelled at an await* on 2 of 3 baselines, "
        "not the same in every trial on 1."
    )


def test_stacks_that_are_alike_are_a_row() -> None:
    text = page(
        of("a", CANCELLED),
        of("b", CANCELLED),
        of("b", COMPLETED, server="hypercorn"),
        of("c", COMPLETED, server="hypercorn"),
    )
    assert rows(text) == {
        "a, b (uvicorn)": Word.CANCELLED_AT_AWAIT,
        "b (hypercorn), c": Word.COMPLETED,
    }


def test_a_row_counts_the_trials_of_all_its_stacks() -> None:
    text = page(of("a", CANCELLED, COMPLETED), of("b", CANCELLED, CANCELLED, COMPLETED))
    assert rows(text) == {"a, b": f"{Word.CANCELLED_AT_AWAIT} 3/5, {Word.COMPLETED} 2/5"}


def test_what_came_out_otherwise_in_some_trials_is_not_in_a_row_with_what_never_did() -> None:
    text = page(of("a", CANCELLED, CANCELLED), of("b", CANCELLED, COMPLETED))
    assert list(rows(text)) == ["a", "b"]


def test_silence_that_was_not_earned_is_inconclusive() -> None:
    unproven = page(of("a", CANCELLED))
    assert rows(unproven, "seen by") == {"a": Word.INCONCLUSIVE}
    assert "whether they would have is not known on 1" in unproven
    proof = made("plain-error", ("server-log saw ValueError",))
    proven = page(stack_result(*made("idle", CANCELLED), *proof, of=stack("a")))
    assert rows(proven, "seen by") == {"a": Word.NOTHING}
    assert "saw nothing on 1 of them" in proven


def test_a_handler_that_was_called_is_named() -> None:
    called = (*CANCELLED, "server-log saw ValueError")
    text = page(of("a", called), of("b", CANCELLED))
    assert rows(text, "seen by")["a"] == "`server-log`: `ValueError`"
    assert "saw something on 1 of 2" in text


def test_another_version_set_is_shown_where_it_differs() -> None:
    first = [of("a", *[CANCELLED] * 5), of("b", *[CANCELLED] * 5)]
    older = {"versions": "article"}
    same = page(*first, of("a", CANCELLED, **older), of("b", CANCELLED, **older))
    head = "## Version set `article`, Python 3.13\n\n"
    assert head + "As under version set `current`, Python 3.13, on all 2." in same
    other = page(*first, of("a", CANCELLED, **older), of("b", *[COMPLETED] * 5, **older))
    assert head + "1 of 2 came out otherwise than under" in other
    part = other.partition(head)[2]
    assert rows(part) == {"b": Word.COMPLETED}
    assert f"| `stream-end` | {Word.COMPLETED} | b |" in part


def test_a_variant_is_shown_where_it_differs_from_its_baseline() -> None:
    text = page(of("a", CANCELLED), of("a+x", CANCELLED), of("a+y", COMPLETED))
    assert rows(text) == {"a": Word.CANCELLED_AT_AWAIT}
    part = text.partition("## Variants\n\n")[2]
    assert part.startswith("1 of 2 came out otherwise than their baseline; shares that")
    assert rows(part) == {"a+y": Word.COMPLETED}


def test_every_surface_is_there_once_for_all_that_saw_the_same() -> None:
    text = page(of("a", CANCELLED), of("b", CANCELLED), of("c", UNTOLD))
    assert "| `stream-end` | cancelled at an await | a, b |" in text or (
        "| `stream-end` | cancelled at an await | all but c |" in text
    )


def test_an_endpoint_is_what_it_is_about_where_no_stream_begins() -> None:
    told = ("endpoint begin", LEAVES, "endpoint end CancelledError")
    text = rendered(stack_result(*made("before-response", told)))["scenarios/before-response.md"]
    assert "The endpoint: `CancelledError` on 1 of 1 baseline." in text
    assert "end of the stream" not in text


def test_a_scenario_that_no_app_can_be_asked_says_so() -> None:
    unable = stack_result(*made("idle", CANCELLED), unsupported=["sync"])
    text = rendered(unable)["scenarios/sync.md"]
    assert "Not applicable: no app of these results has what this takes." in text


def test_a_scenario_that_was_run_on_variants_only_is_shown_of_them() -> None:
    baseline = stack_result(*made("ticking", CANCELLED), of=stack("a"))
    assert rows(page(baseline, of("a+x", COMPLETED))) == {"a+x": Word.COMPLETED}


def test_a_share_that_repeats_could_have_is_no_difference() -> None:
    baseline = of("a", *[CANCELLED] * 5)
    chance = page(baseline, of("a+x", *[CANCELLED] * 4, COMPLETED))
    assert "As their baselines, on all 1." in chance
    certain = page(baseline, of("a+x", CANCELLED, *[COMPLETED] * 9))
    assert "1 of 1 came out otherwise than their baseline" in certain
