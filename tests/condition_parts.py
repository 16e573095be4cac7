"""The conditions that a condition is made of, and what may be said in them."""

from __future__ import annotations

from collections.abc import Iterator

from hangup.model.conditions import (
    AN_EXCEPTION,
    All,
    Before,
    Condition,
    Either,
    PathCondition,
    Pending,
    Saw,
    SawAny,
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
                for mark in (first, then):
                    assert mark.surface in set(Surface)
                    assert mark.event in ("begin", "end", "saw")
            case Pending(surface=surface, when=when):
                assert {surface, when.surface} <= set(Surface)
        for word in words:
            assert word in {*Word, AN_EXCEPTION} or is_exception(word)
            assert word not in UNKNOWN
