"""What ending a server comes to: whether and when it exits, what a stream sees, what to set."""

from __future__ import annotations

from collections.abc import Sequence

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.shutdown import Exits, Setting, best, exit_ns, settings, shutdowns
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word
from tests.rendering import rendered
from tests.traces import LEAVES, Line, stack, stack_result, trial

SIGNAL = "client signals (SIGTERM)"
TOLD = ("stream begin", SIGNAL, "stream end CancelledError at an await", 2000, "exit saw exited")
STAYS = ("stream begin", SIGNAL, 6000, "exit saw still running")


def ended(
    app: str,
    server: str,
    *outcomes: Sequence[Line],
    scenario: str = "shutdown",
    python: str = "3.13",
) -> StackResult:
    """A server that was ended a few times."""
    trials = [trial(scenario, *lines, repeat=n) for n, lines in enumerate(outcomes, 1)]
    return stack_result(*trials, of=stack(app, server, python=python))


def of(*results: StackResult) -> list[Setting]:
    outcomes = Outcomes(results)
    return settings(shutdowns(outcomes, [result.stack for result in results]))


# --- Computed.


def test_an_exit_counts_from_the_first_signal() -> None:
    twice = trial("shutdown-twice", "stream begin", SIGNAL, 500, SIGNAL, 100, "exit saw exited")
    assert exit_ns(twice) == 602_000_000
    assert exit_ns(trial("shutdown", *STAYS)) is None
    assert exit_ns(trial("shutdown", *TOLD, failure=Word.DISTURBED)) is None
    assert (
        exit_ns(trial("shutdown", "stream begin", SIGNAL, "exit saw exited with an error")) is None
    )


def test_trials_that_did_not_take_place_are_not_counted() -> None:
    disturbed = trial("shutdown", *TOLD, repeat=9, failure=Word.DISTURBED)
    result = ended("bare", "uvicorn", TOLD, STAYS)
    both = stack_result(*result.trials, disturbed, of=result.stack)
    (setting,) = of(both)
    assert setting.exits == Exits(1, 2)
    assert setting.not_always == ["shutdown"]
    assert of(stack_result(disturbed)) == []


def test_a_stream_is_told_if_an_exception_was_raised_in_it_in_every_trial() -> None:
    (told,) = of(ended("bare", "uvicorn", TOLD, TOLD))
    assert told.not_told == []
    (torn,) = of(ended("bare", "uvicorn", TOLD, STAYS))
    assert torn.not_told == ["shutdown"]


def test_of_a_client_that_had_left_it_is_not_asked_whether_the_signal_told_its_stream() -> None:
    lines = ("stream begin", LEAVES, "cleanup begin", SIGNAL, "cleanup end", "exit saw exited")
    (setting,) = of(ended("bare", "uvicorn", lines, scenario="shutdown-during-cleanup"))
    assert setting.not_told == []


def test_the_best_is_compared_on_what_all_were_tried_with() -> None:
    # The server without options has another app, on which it exits.
    found = of(
        ended("bare", "uvicorn", STAYS),
        ended("quart", "uvicorn", TOLD, TOLD, TOLD),
        ended("bare", "uvicorn+fast", STAYS, TOLD),
    )
    assert best(found).server == "uvicorn+fast"


def test_of_equals_the_server_without_options_is_the_best() -> None:
    assert best(of(ended("bare", "uvicorn", TOLD), ended("bare", "uvicorn+fast", TOLD))).server == (
        "uvicorn"
    )


def test_what_failures_are_still_allowed_is_a_bound() -> None:
    assert Exits(5, 5).always
    assert 0.4 < Exits(5, 5).bound(1) < 0.5 < Exits(5, 5).bound(2)
    assert not Exits(0, 0).always
    assert Exits(0, 0).share == 0.0


# --- The page.


def page(*results: StackResult) -> str:
    return rendered(*results)["shutdown.md"]


def table(text: str, heading: str) -> list[str]:
    section = text.partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("|")][2:]


def test_the_answer_says_what_to_set() -> None:
    text = page(ended("bare", "uvicorn", STAYS), ended("bare", "uvicorn+graceful-2s", TOLD, TOLD))
    answer = text[: text.index("\n## ")]
    assert "[not told (still suspended)][" in answer
    assert "the process exits: not within 6 s." in answer
    assert "**Set** what `uvicorn+graceful-2s` has" in answer
    assert "the stream is told (cancelled at an await); the process exits: after 2.0 s." in answer
    assert "in all 2 trials of 1 way to end the server the process exited" in answer
    assert "up to 85% of cases (95 % bound, which allows for this being the best of 2)" in answer


def test_what_does_not_always_end_the_server_is_not_said_to_be_what_to_set() -> None:
    text = page(ended("bare", "uvicorn", STAYS), ended("bare", "uvicorn+fast", TOLD, STAYS))
    assert "**Set**" not in text
    assert "The best that was tried is what `uvicorn+fast` has" in text
    assert "in 1 of 2 trials of 1 way to end the server" in text
    assert "It did not always exit after: [SIGTERM while a stream is open]" in text


def test_a_server_that_always_exits_needs_nothing_set() -> None:
    text = page(ended("bare", "uvicorn", TOLD), ended("bare", "uvicorn+fast", TOLD))
    assert "Nothing need be set: in all 1 trials" in text
    assert "**Set**" not in text


def test_servers_and_options_that_come_to_the_same_share_a_row() -> None:
    rows = table(
        page(
            ended("bare", "uvicorn", STAYS),
            ended("bare", "uvicorn+fast", STAYS),
            ended("bare", "uvicorn+graceful-2s", TOLD),
        ),
        "What to set",
    )
    assert [row.split(" | ")[0] for row in rows] == [
        "| uvicorn, h11 on asyncio<br>uvicorn, httptools on uvloop",
        "| uvicorn with `--timeout-graceful-shutdown 2`",
    ]


def test_an_app_on_which_it_is_otherwise_is_named() -> None:
    (row,) = table(
        page(*(ended(app, "uvicorn", TOLD if app == "d" else STAYS) for app in "abcd")),
        "What to set",
    )
    assert "not told (still suspended); on `d` told (cancelled at an await)" in row
    assert "not within 6 s; on `d` after 2.0 s" in row


def test_each_way_has_a_row_for_what_comes_to_the_same_under_one_version() -> None:
    rows = table(
        page(
            ended("a", "uvicorn", TOLD),
            ended("b", "uvicorn", STAYS),
            ended("c", "uvicorn", TOLD),
            ended("b", "uvicorn", TOLD, python="3.11"),
        ),
        "Each way to end the server",
    )
    newer, older = rows[:2], rows[4:]
    assert [row.rpartition(" | ")[2] for row in newer] == ["all apps but `b` |", "`b` |"]
    assert [row.rpartition(" | ")[2] for row in older] == ["everywhere |"]


def test_exits_that_are_far_apart_are_not_put_together() -> None:
    late = (
        "stream begin",
        SIGNAL,
        "stream end CancelledError at an await",
        5000,
        "exit saw exited",
    )
    rows = table(
        page(ended("a", "uvicorn", TOLD), ended("b", "uvicorn", late)), "Each way to end the server"
    )
    assert [row.split(" | ")[2] for row in rows] == ["after 2.0 s", "after 5.0 s"]


def test_variants_of_apps_are_not_spoken_of() -> None:
    text = page(ended("bare", "uvicorn", TOLD), ended("bare+x", "uvicorn", STAYS))
    assert "not within" not in text.partition("## How this was measured")[0]


def test_a_run_without_shutdowns_says_so() -> None:
    text = page(stack_result(trial("idle", "stream begin", LEAVES)))
    assert "Not run" in text
    assert "|" not in text
