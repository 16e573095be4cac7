"""One symbol for each answer to a question of the ranking: told apart by shape, without colour."""

from __future__ import annotations

from collections.abc import Mapping

from hangup.model.ranking import Answer

SYMBOLS: Mapping[Answer, str] = {
    Answer.WELL: "●",
    Answer.PARTLY: "◐",
    Answer.NOT_WELL: "✕",
    Answer.UNKNOWN: "—",
}
"""What stands in a cell."""


def symbol(answer: Answer) -> str:
    """The symbol of an answer."""
    return SYMBOLS[answer]
