"""What an observation looks like in the matrix: a shape, with the words for its meaning.

Shapes tell them apart where colours do not: in print, and to readers who see few colours.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TypeVar

import msgspec

from hangup.analysis.cleanup import WORKS, CleanupResult
from hangup.model.hazards import NOTIFIED
from hangup.model.vocabulary import (
    FAILURES,
    FINALIZED,
    OPEN,
    ExplainedWord,
    Word,
    is_exception,
)


class Symbol(msgspec.Struct, frozen=True, kw_only=True):
    """A shape, its meaning, and the name that the style sheet knows it by."""

    name: str
    shape: str
    meaning: str


_EXCEPTION = Symbol(name="exception", shape="▲", meaning="an exception, or an error logged")
_NOTIFIED = Symbol(
    name="notified", shape="●", meaning="told of it: cancelled, closed, or given the disconnect"
)
_NORMAL = Symbol(name="normal", shape="■", meaning="ended, or answered, in order")
_LATE = Symbol(name="late", shape="◐", meaning="only late: after the app, or as it was finalised")
_OPEN = Symbol(name="open", shape="○", meaning="not within the window, or went on untold")
_NONE = Symbol(name="none", shape="\N{EN DASH}", meaning="saw nothing, or was not called")
_UNKNOWN = Symbol(name="unknown", shape="?", meaning="not known")
_FAILED = Symbol(name="failed", shape="✕", meaning="the trial did not take place")
_ABSENT = Symbol(name="absent", shape="·", meaning="the app has no such thing, or it was not run")

SYMBOLS = (
    _NOTIFIED, _EXCEPTION, _NORMAL, _LATE, _OPEN, _NONE, _UNKNOWN, _FAILED, _ABSENT,
)  # fmt: skip
"""All symbols, in the order of the legend."""

_OF_WORDS: Mapping[Symbol, Collection[Word]] = {
    _NOTIFIED: {*NOTIFIED, Word.ENDED_ITSELF, Word.DISCONNECT, Word.RETURNED_TRUE},
    _EXCEPTION: {Word.RAISED, Word.ERROR_LINE, Word.ERROR_STATUS, Word.EXITED_WITH_ERROR},
    _NORMAL: {
        *(Word.FINISHED, Word.ALREADY_FINISHED, Word.CALLED, Word.ALREADY_CALLED, Word.RETURNED),
        *(Word.CLOSED, Word.ALREADY_CLOSED, Word.ANSWERED, Word.EXITED),
    },
    _LATE: {*FINALIZED, Word.FINISHED_AFTER_APP},
    _OPEN: {
        *(*OPEN, Word.COMPLETED, Word.SWALLOWED, Word.SEND_SUSPENDED, Word.STILL_OPEN),
        *(Word.NO_ANSWER, Word.NEVER_TRUE),
    },
    _NONE: {
        *(Word.NOTHING, Word.NOT_CALLED, Word.NOT_AWAITED, Word.DID_NOT_RUN, Word.NEVER_STARTED),
    },
    _UNKNOWN: {Word.INCONCLUSIVE, Word.UNREACHED, Word.REJECTED},
    _FAILED: FAILURES,
    _ABSENT: {Word.NOT_APPLICABLE},
}
_OF_RESPONSES: Mapping[Symbol, Collection[Word]] = {
    _NORMAL: {Word.WHOLE},
    _EXCEPTION: {Word.CUT_OFF},
    _OPEN: {Word.NEVER_ENDED},
    _NONE: {Word.NO_RESPONSE},
}
"""By how it ended: what a client got is named with its status and its events before that."""
_OF_RESULTS: Mapping[Symbol, Collection[CleanupResult]] = {
    _NORMAL: WORKS,
    _LATE: {CleanupResult.UNWAITED, CleanupResult.LATE, CleanupResult.EARLY},
    _EXCEPTION: {CleanupResult.CUT},
    _OPEN: {CleanupResult.OPEN, CleanupResult.NEVER, CleanupResult.LOST},
    _UNKNOWN: {CleanupResult.UNKNOWN},
}

_T = TypeVar("_T", bound=ExplainedWord)


def _by_word(words: Mapping[Symbol, Collection[_T]]) -> Mapping[str, tuple[Symbol, _T]]:
    return {str(word): (symbol, word) for symbol, found in words.items() for word in found}


_WORDS = _by_word(_OF_WORDS)
_RESPONSES = _by_word(_OF_RESPONSES)
_RESULTS = _by_word(_OF_RESULTS)


def of_observation(saw: str) -> tuple[Symbol, str | None]:
    """The symbol of what a surface saw, and what it means.

    None of the type of an exception, and empty of what is none of the words.
    """
    if is_exception(saw):
        return _EXCEPTION, None
    found = _WORDS.get(saw) or _RESPONSES.get(saw.rpartition(", ")[2])
    return (_UNKNOWN, "") if found is None else (found[0], found[1].meaning)


def of_result(result: str) -> tuple[Symbol, str | None]:
    """The symbol of what came of a recipe's clean-up, and what it means."""
    symbol, word = _RESULTS[result]
    return symbol, word.meaning
