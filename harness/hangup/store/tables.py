"""The tables for other programs: outcomes and claims, as CSV."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence

from hangup.model.outcomes import ObservationCount

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
