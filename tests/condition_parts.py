"""The conditions that a condition is made of, and what may be said in them."""

from __future__ import annotations

from collections.abc import Iterator

from hangup.model.conditions import (
    AN_EXCEPTION,
    All,
    Before,
    Came,
    Condition,
    Either,
    Elapsed,
    Mark,
    Not,
    PathCondition,
    Pending,
    Saw,
    SawAny,
    SentAfter,
    When,
)
from hangup.model.vocabulary import FAILURES, Surface, Word, is_exception

UNKNOWN = FAILURES | {Word.INCONCLUSIVE, Word.UNREACHED, Word.NOT_APPLICABLE}
"""The words that say that something is not known, which must not decide."""


def parts_of(condition: Condition | PathCondition) -> Iterator[Condition | PathCondition]:
    """The condition itself and all that it is made of."""
    yield condition
    match condition:
        case All(of=of) | Either(of=of):
            for part in of:
                yield from parts_of(part)
        case When(premise=premise, then=then):
            yield from parts_of(premise)
            yield from parts_of(then)
        case Not(of=part):
            yield from parts_of(part)


def check_words(condition: Condition | PathCondition) -> None:
    """Assert that every word, surface and event in a condition exists and may decide."""
    for part in parts_of(condition):
        words: frozenset[str] = frozenset()
        match part:
            case Saw(yes=yes, no=no):
                assert yes
                assert not yes & no
                words = yes | no
            case SawAny(words=some):
                assert some
                words = some
            case Before(first=first, then=then):
                _check_marks(first, then)
            case Came(event=event, other=other):
                _check_marks(event, other or event)
            case Elapsed(event=event) | SentAfter(event=event):
                _check_marks(event)
            case Pending(surface=surface, when=when):
                assert surface in set(Surface)
                _check_marks(when)
        for word in words:
            assert word in {*Word, AN_EXCEPTION} or is_exception(word)
            assert word not in UNKNOWN


def _check_marks(*marks: Mark) -> None:
    for mark in marks:
        assert mark.surface in set(Surface)
        own = "leaves" if mark.surface == Surface.CLIENT else "did"
        assert mark.event in ("begin", "end", "saw", own)
