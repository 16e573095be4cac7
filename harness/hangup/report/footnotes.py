"""Footnotes of a page: what is too long for a cell, once."""

from __future__ import annotations

from collections.abc import Iterator


class Footnotes:
    """The footnotes of one page, in the order in which they are first referred to."""

    def __init__(self) -> None:
        self._numbers: dict[str, int] = {}

    def to(self, text: str) -> str:
        """The mark that refers to a note; notes that say the same are one."""
        return f"[^{self._numbers.setdefault(text, len(self._numbers) + 1)}]"

    def __iter__(self) -> Iterator[tuple[int, str]]:
        """The notes with their numbers."""
        return ((number, text) for text, number in self._numbers.items())
