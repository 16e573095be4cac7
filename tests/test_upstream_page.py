"""The page on what a hang-up costs upstream."""

from __future__ import annotations

from hangup.model.trace import StackResult
from tests.rendering import rendered
from tests.traces import CLOSES, LEAVES, stack, stack_result, trial

OPENED = ("asgi begin", "source begin", "upstream accepts", "upstream sends #1", LEAVES)
CLOSED = (*OPENED, "source end CancelledError", 1, "upstream closed", CLOSES)
OPEN = (*OPENED, "upstream sends #2", "upstream sends #3", CLOSES)


def relayed(app: str, *outcomes: tuple[str | int, ...]) -> StackResult:
    trials = [trial("relay", *lines, repeat=n) for n, lines in enumerate(outcomes, 1)]
    return stack_result(*trials, of=stack(app))


def page(*results: StackResult) -> str:
    return rendered(*results)["upstream-cost.md"]


def table(text: str) -> list[list[str]]:
    section = text.partition("## By kind")[2].partition("\n## ")[0].splitlines()
    return [line[2:-2].split(" | ") for line in section if line.startswith("|")][2:]


def test_stacks_are_told_apart_by_whether_the_connection_is_closed() -> None:
    text = page(
        relayed("a", CLOSED), relayed("b", CLOSED), relayed("c", OPEN), relayed("d", CLOSED, OPEN)
    )
    closed, either, open_ = table(text)
    assert [row[-1] for row in (closed, either, open_)] == ["`a` and `b`", "`d`", "`c`"]
    assert closed[1].startswith("[3.0 / 3.0][")
    assert either[1].startswith("[3.0 / 3.0, still open 1/2][")
    assert open_[1].startswith("[still open][")
    assert open_[2] == "≥ 2 / ≥ 2"
    assert "/a/disconnects.md#relay" in text


def test_the_answer_says_how_long_and_how_much() -> None:
    text = page(relayed("a", CLOSED, CLOSED), relayed("c", OPEN))
    assert "on `a`: the upstream's connection was closed in each of 2 trials, 3 ms after" in text
    assert "at most 0 events were sent after the client had left" in text
    assert "on `c`: the connection was still open in each of 1 trials" in text
    assert "up to 2 events had been sent since the client left" in text


def test_what_one_thing_changes_of_it_is_said() -> None:
    text = page(relayed("a", *[CLOSED] * 5), relayed("a+x", *[OPEN] * 5), relayed("b", CLOSED))
    (row,) = [line for line in text.splitlines() if "| +x |" in line]
    assert "| [closed][" in row
    assert "| [still open][" in row
    assert "a+x" not in text.partition("## What changes it")[0], "the tables are of baselines"


def test_a_race_is_no_change() -> None:
    text = page(relayed("a", *[CLOSED] * 5), relayed("a+x", *[CLOSED] * 4, OPEN))
    before, after = text.split("Races, which repeats of the same may explain:")
    assert "no difference was found in whether the connection is closed" in before
    assert "| +x |" in after


def test_without_relays_the_page_says_that_they_were_not_run() -> None:
    text = page(stack_result(trial("idle", "stream begin", LEAVES)))
    assert "Not run" in text
    assert "|" not in text
