"""Conditions in words: what a trial has to show for a claim, as a clause in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hangup.model.conditions import (
    All,
    Before,
    Condition,
    Either,
    LooksComplete,
    Mark,
    PathCondition,
    PathQuestion,
    Pending,
    Saw,
    SawAny,
    SendsAfter,
    Status,
    Unreported,
    When,
)
from hangup.model.vocabulary import is_exception

FEW = 3
"""So many of the words that refute a condition are named in what is said of it."""

_PATH_QUESTIONS: Mapping[PathQuestion, str] = {
    "cancelled-by-another-task": "the stream was cancelled by another task than its own",
    "passes-no-handler": "the exception passes no frame of the framework in which an `except` "
    "caught an endpoint's error in `plain-error`",
}


def in_words(condition: Condition | PathCondition) -> str:
    """What a trial has to show, as a clause."""
    return _RULES[type(condition)](condition)


def _saw(condition: Saw) -> str:
    no = f", not {_either(condition.no)}" if 0 < len(condition.no) <= FEW else ""
    return f"`{condition.surface}` sees {_either(condition.yes)}{no}"


def _mark(mark: Mark) -> str:
    words = [f"`{mark.surface}`", f"{mark.event}s" if mark.event != "saw" else "sees"]
    if mark.saw is not None:
        words.append(f"`{mark.saw}`")
    if mark.detail is not None:
        words.append(f"({mark.detail})")
    return " ".join(words)


_RULES: Mapping[type, Callable[[Any], str]] = {
    Saw: _saw,
    SawAny: lambda c: f"`{c.surface}` sees {_either(c.words)}",
    Status: lambda c: f"the status that the client gets is {c.digits}",
    LooksComplete: lambda _: "the client gets a successful response with a proper end",
    Unreported: lambda _: "no handler, hook or line in the server's log sees an error",
    Before: lambda c: f"{_mark(c.first)} before {_mark(c.then)}",
    Pending: lambda c: f"`{c.surface}` is under way when {_mark(c.when)}",
    SendsAfter: lambda _: (
        "`send` raises when it is called after the disconnect, and does not return"
    ),
    All: lambda c: ", and ".join(map(in_words, c.of)),
    Either: lambda c: ", or ".join(map(in_words, c.of)),
    When: lambda c: f"{in_words(c.then)} (asked only where {in_words(c.premise)})",
    PathCondition: lambda c: (
        f"{_PATH_QUESTIONS[c.question]}, in the trial in which exceptions were traced"
    ),
}


def _either(words: frozenset[str]) -> str:
    return " or ".join(f"`{w}`" if is_exception(w) else f"“{w}”" for w in sorted(words))
