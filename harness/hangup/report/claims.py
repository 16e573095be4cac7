"""The verdicts on claims, as they are told below an app."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from hangup.model.claim import Claim, ClaimVerdict, Ruling
from hangup.model.trace import Stack

_TITLES = {
    "Confirmed": {Ruling.CONFIRMED},
    "Refuted": {Ruling.REFUTED},
    "Confirmed in part": set(Ruling),
}
"""What is said of a claim by what it came to on those of an app's servers that decide it."""
_INCONCLUSIVE = "Inconclusive"


class AppClaim(msgspec.Struct, frozen=True):
    """A claim as it is named below an app."""

    claim: Claim
    stack: Stack
    scenario: str | None
    remark: str


class ClaimsView:
    """The verdicts, to be looked up by claim and stacks."""

    def __init__(self, verdicts: Iterable[ClaimVerdict]) -> None:
        self._verdicts = {(verdict.claim, verdict.stack): verdict for verdict in verdicts}

    def of_app(
        self, claims: Sequence[Claim], stacks: Sequence[Stack]
    ) -> list[tuple[str, list[AppClaim]]]:
        """What is confirmed in an app, what is refuted, and what is in part."""
        found: dict[str, list[AppClaim]] = {title: [] for title in (*_TITLES, _INCONCLUSIVE)}
        for claim in claims:
            about = self._about(claim, stacks)
            verdicts = [self._verdicts[claim.id, stack] for stack in about]
            if not any(verdict.run for verdict in verdicts):
                continue
            rulings = {verdict.ruling for verdict in verdicts} - {Ruling.INCONCLUSIVE}
            title = next(t for t, only in _TITLES.items() if rulings <= only)
            title = title if rulings else _INCONCLUSIVE
            words = {in_words(verdict) for verdict in verdicts}
            in_part = title == "Confirmed in part" and len(words) == 1
            found[title].append(
                AppClaim(
                    claim,
                    about[0],
                    self._telling(claim, about[0]),
                    next(iter(words)) if in_part else "",
                )
            )
        return [(title, entries) for title, entries in found.items() if entries]

    def _about(self, claim: Claim, stacks: Sequence[Stack]) -> list[Stack]:
        """The stacks that a claim says anything of."""
        return [
            stack
            for stack in stacks
            if (verdict := self._verdicts.get((claim.id, stack))) is not None
            and verdict.ruling != Ruling.NOT_APPLICABLE
        ]

    def _telling(self, claim: Claim, stack: Stack) -> str | None:
        """The scenario that shows best what a claim came to; None if it was not run."""
        order = (Ruling.REFUTED, Ruling.MIXED, Ruling.CONFIRMED, Ruling.INCONCLUSIVE)
        run = self._verdicts[claim.id, stack].run
        telling = sorted(run, key=lambda case: order.index(case.ruling))
        return telling[0].scenario if telling else None


def why_inconclusive(verdict: ClaimVerdict) -> str:
    """Why no trial decided a claim."""
    undecided = verdict.undecided
    if undecided is None or not undecided.ran:
        return "not run"
    if not undecided.saws:
        return "no exception path answers it"
    seen = ", ".join(undecided.saws)
    return f"`{undecided.surface}`: {seen}" if undecided.surface else seen


def in_words(verdict: ClaimVerdict) -> str:
    """A verdict in a few words; where scenarios differ, the shorter way round."""
    confirmed = verdict.scenarios(Ruling.CONFIRMED)
    refuted = verdict.scenarios(Ruling.REFUTED)
    undecided = [case.scenario for case in verdict.run if case.ruling == Ruling.INCONCLUSIVE]
    match verdict.ruling:
        case Ruling.INCONCLUSIVE if not verdict.run:
            return why_inconclusive(verdict)
        case Ruling.CONFIRMED if undecided and len(confirmed) <= len(undecided):
            return f"confirmed in {', '.join(confirmed)}"
        case Ruling.CONFIRMED if undecided:
            return f"confirmed, not decided in {', '.join(undecided)}"
        case Ruling.MIXED:
            shares = [
                f"{case.scenario} {case.confirmed}/{case.of}"
                for case in verdict.cases
                if case.ruling == Ruling.MIXED
            ]
            if len(confirmed) <= len(refuted):
                return f"only in {', '.join(confirmed + shares)}"
            but = [f"not in {', '.join(refuted)}"] if refuted else []
            return ", ".join(["confirmed", *but, *shares])
        case ruling:
            return str(ruling)
