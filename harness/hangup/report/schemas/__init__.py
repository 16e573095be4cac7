"""The JSON schemas of what other programs read: made of the types that it is written from.

The rows of `outcomes.csv` have one too: as objects, with numbers where there are numbers. The
files beside this are what the schemas were when their version was published.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hangup.report import json_report
from hangup.report.explorer import data as explorer_data
from hangup.report.explorer.data import ExplorerData
from hangup.report.explorer.details import Details
from hangup.report.json_report import JsonReport

DIRECTORY = "schemas"
"""Where they are, below the results."""
_DRAFT = "https://json-schema.org/draft/2020-12/schema"
OUTCOMES_VERSION = 1


class OutcomeRow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of `outcomes.csv`: in `n` of `of` trials this surface saw this."""

    versions: str
    python: str
    """Feature version, such as `3.13`."""
    app: str
    server: str
    scenario: str
    surface: str
    saw: str
    """The type of an exception, or a word; the report's method page has what words mean."""
    n: int
    of: int


class Schema(msgspec.Struct, frozen=True, kw_only=True):
    """A schema's name, the type it is of, and its version."""

    name: str
    type: type
    version: int

    @property
    def file(self) -> str:
        """Where it is, below the results, and what it calls itself."""
        return f"{DIRECTORY}/{self.name}-{self.version}.schema.json"

    @property
    def document(self) -> dict[str, Any]:
        """The schema itself."""
        return {
            "$schema": _DRAFT,
            "$id": self.file.rpartition("/")[2],
            "version": self.version,
            **msgspec.json.schema(self.type),
        }

    @property
    def text(self) -> str:
        """The schema as a file holds it."""
        return msgspec.json.format(msgspec.json.encode(self.document), indent=1).decode() + "\n"


REPORT = Schema(name="report", type=JsonReport, version=json_report.VERSION)
OUTCOMES = Schema(name="outcomes", type=OutcomeRow, version=OUTCOMES_VERSION)
EXPLORER = Schema(name="explorer", type=ExplorerData, version=explorer_data.VERSION)
EXPLORER_DETAILS = Schema(name="explorer-details", type=Details, version=explorer_data.VERSION)
SCHEMAS = (REPORT, OUTCOMES, EXPLORER, EXPLORER_DETAILS)


def pages() -> Mapping[str, str]:
    """All schemas, by their path below the results."""
    return {schema.file: schema.text for schema in SCHEMAS}
