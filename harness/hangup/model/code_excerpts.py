"""A piece of the code of an app or a recipe, as it is shown to readers."""

from __future__ import annotations

import msgspec


class CodeExcerpt(msgspec.Struct, frozen=True, kw_only=True):
    """A function of an app, or the file of a recipe."""

    path: str
    """Where it is, from the repository's root."""
    first_line: int
    last_line: int
    """The lines of the function, its decorators included."""
    parameters: tuple[str, ...]
    text: str
    """What is shown: the function of an app, the whole file of a recipe."""
