"""Footnotes: sentences that would make the cells of a table too wide."""

from __future__ import annotations

from collections.abc import Iterator


class Footnotes:
    """The footnotes of a page; one that is asked for again has the number that it had."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def mark(self, text: str) -> str:
        """What stands in a table for a footnote; nothing if there is nothing to say."""
        if not text:
            return ""
        return f"[^{self._numbers.setdefault(text, len(self._numbers) + 1)}]"

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """The numbers and the texts."""
        return ((number, text) for text, number in self._numbers.items())
