"""The formats that a report can be written in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal, TypeAlias

import msgspec

from hangup.report import explorer, json_report, pages, schemas
from hangup.report.links import OVERVIEW
from hangup.report.pages.context import Context, Pages

FormatId: TypeAlias = Literal["md", "html", "json"]

JSON_REPORT = "report.json"


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A format, and how those of its files are recognised that a report has no more."""

    pages: Callable[[Context], Pages]
    """All files of it, by their path below the results."""
    first: str
    """The file that a reader opens first."""
    suffixes: tuple[str, ...]
    """What the names of its files end with."""
    mark: str = ""
    """What those begin with that may be removed; empty if there are none."""


def _json(context: Context) -> Pages:
    report = json_report.json_report(context, schemas.REPORT.file)
    return {JSON_REPORT: json_report.text(report), **schemas.pages()}


FORMATS: Mapping[FormatId, Format] = {
    "md": Format(pages=pages.pages, first=OVERVIEW, suffixes=(".md", ".svg"), mark=pages.GENERATED),
    "html": Format(
        pages=explorer.pages, first=explorer.PAGE, suffixes=(".js",), mark=explorer.GENERATED
    ),
    "json": Format(pages=_json, first=JSON_REPORT, suffixes=(".json",)),
}
DEFAULT: tuple[FormatId, ...] = ("md", "html")
"""What is written unless other formats are asked for."""
