"""What a claim is: one sentence, who says it, a condition; and what trials say of it."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from hangup.model.conditions import Condition, PathCondition
from hangup.model.trace import Stack


class Citation(msgspec.Struct, frozen=True):
    """Where something is said."""

    title: str
    url: str | None = None
    project: str = ""
    """The framework, server, library or specification whose documentation or tracker it is, by
    name; empty for anything else, such as the tracker of an application."""


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence that trials can confirm or refute."""

    id: str
    text: str
    cited: tuple[Citation, ...]
    disputed_by: tuple[Citation, ...] = ()
    number: int | None = None
    """Its number among the claims of the article; several sentences may share one."""
    scenarios: tuple[str, ...]
    condition: Condition | PathCondition
    module: str | None = None
    """The server module whose promise it is; None for a claim that is asked of all."""


class Ruling(StrEnum):
    """The verdict on a claim."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    MIXED = "mixed"
    INCONCLUSIVE = "inconclusive"
    NOT_APPLICABLE = "not applicable"


def ruling(confirmed: int, refuted: int) -> Ruling:
    """Unanimous among the trials that decide, or mixed."""
    match confirmed > 0, refuted > 0:
        case True, True:
            return Ruling.MIXED
        case True, False:
            return Ruling.CONFIRMED
        case False, True:
            return Ruling.REFUTED
        case _:
            return Ruling.INCONCLUSIVE


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A claim in one scenario on one stack: so many trials confirm it, so many refute it."""

    scenario: str
    confirmed: int
    refuted: int
    of: int
    """All trials, 0 if it was not run; those that neither confirm nor refute do not decide."""

    @property
    def ruling(self) -> Ruling:
        """Unanimous among the trials that decide, or mixed."""
        return ruling(self.confirmed, self.refuted)


class Undecided(msgspec.Struct, frozen=True, kw_only=True):
    """Why no trial decided a claim."""

    ran: bool
    """Whether it was asked of any trial at all."""
    surface: str | None = None
    """The surface that would have decided it."""
    saws: tuple[str, ...] = ()
    """What that surface saw most often instead, or the trial's failure."""


class ClaimVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on one stack, over all scenarios it was asked in."""

    claim: str
    stack: Stack
    ruling: Ruling
    cases: tuple[Case, ...] = ()
    undecided: Undecided | None = None
    """Why it is inconclusive."""

    @property
    def run(self) -> tuple[Case, ...]:
        """The cases of which there are trials."""
        return tuple(case for case in self.cases if case.of)

    def scenarios(self, *rulings: Ruling) -> list[str]:
        """Those it was asked in and came to one of these."""
        return [case.scenario for case in self.run if case.ruling in rulings]
