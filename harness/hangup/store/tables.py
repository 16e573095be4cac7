"""The tables for other programs: outcomes and claims, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path

from hangup.errors import UserError
from hangup.model.outcomes import ObservationCount
from hangup.model.trace import Stack

OUTCOMES = "outcomes.csv"
CLAIMS = "claims.csv"
METADATA = "metadata.json"
OUTCOME_COLUMNS = (
    "versions", "python", "app", "server", "scenario", "surface", "saw", "n", "of",
)  # fmt: skip
"""The contract with other tools: these stay, only values follow new words."""


def csv_text(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, in the order given."""
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(columns)
    table.writerows(rows)
    return text.getvalue()


def outcomes_csv(observations: Iterable[ObservationCount]) -> str:
    """The table of outcomes, one row an observation, sorted."""
    return csv_text(
        OUTCOME_COLUMNS,
        (
            (s.versions, s.python, s.app, s.server, o.scenario, o.surface, o.saw, o.n, o.of)
            for o in sorted(observations)
            for s in (o.stack,)
        ),
    )


def read_outcomes_csv(path: Path) -> list[ObservationCount]:
    """Read a table of outcomes; raises UserError for a file that is none."""
    try:
        with path.open(newline="", encoding="utf-8") as lines:
            table = csv.DictReader(lines)
            if tuple(table.fieldnames or ()) != OUTCOME_COLUMNS:
                raise UserError(
                    f"{path} is no table of outcomes; it must have the columns "
                    f"{','.join(OUTCOME_COLUMNS)}."
                )
            return [
                ObservationCount(
                    stack=Stack(
                        **{name: row[name] for name in ("versions", "python", "app", "server")}
                    ),
                    scenario=row["scenario"],
                    surface=row["surface"],
                    saw=row["saw"],
                    n=int(row["n"]),
                    of=int(row["of"]),
                )
                for row in table
            ]
    except (OSError, TypeError, ValueError) as error:
        raise UserError(f"{path} cannot be read: {error}.") from None
