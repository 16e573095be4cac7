"""The formats that a report can be written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from hangup.report import explorer, pages
from hangup.report.pages.context import Context, Pages

FormatId: TypeAlias = Literal["md", "html"]


class Format(msgspec.Struct, frozen=True):
    """A format, and how files of it are recognised as a report's."""

    title: str
    pages: Callable[[Context], Pages]
    """All files of it, by their path below the results."""
    suffix: str
    """What the names of those files end with that are below directories."""
    mark: str
    """What those begin with."""


FORMATS: Mapping[FormatId, Format] = {
    "md": Format("Markdown, to read", pages.pages, ".md", pages.GENERATED),
    "html": Format("a page to explore and compare", explorer.pages, ".js", explorer.GENERATED),
}
DEFAULT: tuple[FormatId, ...] = ("md", "html")
"""What is written unless other formats are asked for."""
