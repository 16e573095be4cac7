"""Conditions in words: what a trial has to show for a claim, as a clause in Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hangup.model.conditions import (
    All,
    Before,
    Came,
    Condition,
    Either,
    Elapsed,
    LooksComplete,
    Mark,
    Not,
    PathCondition,
    PathQuestion,
    Pending,
    Saw,
    SawAny,
    SendsAfter,
    SentAfter,
    SpecVersion,
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
    "caught the ordinary error of a plain endpoint",
}


_NEGATED: Mapping[type, Callable[[Any], str]] = {
    SpecVersion: lambda of: f"the server declares an older ASGI spec version than {of.at_least}",
    SentAfter: lambda of: f"`send` returns for nothing that is sent after {_mark(of.event)}",
    Elapsed: lambda of: (
        f"{_mark(of.event)} less than {of.seconds:g} s after the client left or the signal was sent"
    ),
}
"""What is said of a condition that has to be refuted."""


def in_words(condition: Condition | PathCondition) -> str:
    """What a trial has to show, as a clause."""
    return _RULES[type(condition)](condition)


def _saw(condition: Saw) -> str:
    no = f", not {_either(condition.no)}" if 0 < len(condition.no) <= FEW else ""
    return f"`{condition.surface}` sees {_either(condition.yes)}{no}"


_VERBS: Mapping[str, str] = {"saw": "sees", "did": "comes to", "leaves": "leaves"}
"""What an event is called whose name with an `s` is no word."""


def _mark(mark: Mark) -> str:
    words = [f"`{mark.surface}`", _VERBS.get(mark.event, f"{mark.event}s")]
    if mark.saw is not None:
        words.append(f"`{mark.saw}`")
    if mark.event == "saw" and mark.saw is None:
        words.append("something")
    if mark.detail is not None:
        words.append(mark.detail if mark.event == "did" else f"({mark.detail})")
    return " ".join(words)


_RULES: Mapping[type, Callable[[Any], str]] = {
    Saw: _saw,
    SawAny: lambda c: f"`{c.surface}` sees {_either(c.words)}",
    Status: lambda c: f"the status that the client gets is {c.digits}",
    LooksComplete: lambda _: "the client gets a successful response with a proper end",
    Unreported: lambda _: "no handler, hook or line in the server's log sees an error",
    Before: lambda c: f"{_mark(c.first)} before {_mark(c.then)}",
    Pending: lambda c: f"`{c.surface}` is under way when {_mark(c.when)}",
    Came: lambda c: _mark(c.event) + (f", and not {_mark(c.other)}" if c.other is not None else ""),
    Elapsed: lambda c: (
        f"{_mark(c.event)} {c.seconds:g} s or more after the client left or the signal was sent"
    ),
    SentAfter: lambda c: f"`send` returns for something that is sent after {_mark(c.event)}",
    SpecVersion: lambda c: f"the server declares ASGI spec version {c.at_least} or later",
    SendsAfter: lambda c: (
        f"`send` {'returns' if c.returns else 'raises'} whenever it is called after the disconnect"
    ),
    All: lambda c: ", and ".join(map(in_words, c.of)),
    Either: lambda c: ", or ".join(map(in_words, c.of)),
    Not: lambda c: _NEGATED.get(type(c.of), lambda of: f"it is not so that {in_words(of)}")(c.of),
    When: lambda c: f"{in_words(c.then)} (asked only where {in_words(c.premise)})",
    PathCondition: lambda c: (
        f"{_PATH_QUESTIONS[c.question]}, in the trial in which exceptions were traced"
    ),
}


def _either(words: frozenset[str]) -> str:
    return " or ".join(f"`{w}`" if is_exception(w) else f"“{w}”" for w in sorted(words))
