"""What occurs often, written once: things by their place."""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, TypeVar

_T = TypeVar("_T", bound=Hashable)


class Places(Generic[_T]):
    """What occurs, each once, in the order it was first met."""

    def __init__(self) -> None:
        self._places: dict[_T, int] = {}

    def of(self, thing: _T) -> int:
        """The place of a thing."""
        return self._places.setdefault(thing, len(self._places))

    @property
    def things(self) -> tuple[_T, ...]:
        """All of them, by place."""
        return tuple(self._places)
