"""The rows of `claims.csv`."""

from __future__ import annotations

from collections.abc import Iterable

from hangup.model.claim import ClaimVerdict, Ruling

CLAIM_COLUMNS = (
    "versions", "python", "app", "server",
    "claim", "verdict", "confirmed", "mixed", "refuted", "undecided",
)  # fmt: skip
_RULINGS = (Ruling.CONFIRMED, Ruling.MIXED, Ruling.REFUTED, Ruling.INCONCLUSIVE)


def claim_rows(verdicts: Iterable[ClaimVerdict]) -> list[tuple[str, ...]]:
    """The verdicts, sorted: a row a claim on a stack, with its scenarios by ruling."""
    return sorted(
        (
            verdict.stack.versions,
            verdict.stack.python,
            verdict.stack.app,
            verdict.stack.server,
            verdict.claim,
            str(verdict.ruling),
            *(" ".join(verdict.scenarios(ruling)) for ruling in _RULINGS),
        )
        for verdict in verdicts
    )
