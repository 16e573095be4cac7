"""The words that an observation may be, and how they are told from exceptions."""

from __future__ import annotations

import pytest

from hangup.model.vocabulary import (
    FAILURES,
    HANDLERS,
    OPTIONAL,
    Surface,
    Word,
    is_exception,
)


@pytest.mark.parametrize(
    ("saw", "is_one"),
    [
        ("ValueError", True),
        ("ExceptionGroup[ValueError, OSError]", True),
        ("200, 5 events, ended", False),
        ("", False),
        (Word.NOTHING, False),
        (Word.CALLED, False),
        (Word.SEND_SUSPENDED, False),
    ],
)
def test_exceptions_are_told_from_words(saw: str, is_one: bool) -> None:
    assert is_exception(saw) == is_one


@pytest.mark.parametrize("word", Word, ids=lambda word: word.name)
def test_no_word_is_taken_for_an_exception_and_each_has_its_meaning(word: Word) -> None:
    assert not is_exception(word)
    assert not is_exception(word.value)
    assert word.meaning
    assert not word.meaning.endswith(".")


def test_no_two_words_are_the_same_and_none_is_a_surface() -> None:
    # Two members of an enumeration that have one value are one member, the second an alias.
    assert len(Word.__members__) == len(Word)
    assert len(Surface.__members__) == len(Surface)
    assert not {word.value for word in Word} & {surface.value for surface in Surface}


def test_no_two_words_have_the_same_meaning() -> None:
    assert len({word.meaning for word in Word}) == len(Word)


def test_failures_are_words_and_handlers_are_optional() -> None:
    assert set(Word) >= FAILURES
    assert set(HANDLERS) <= set(OPTIONAL) <= set(Surface)
