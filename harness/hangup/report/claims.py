"""The verdicts on claims, as the templates need them: cells of a table, and what is said below."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from hangup.analysis.outcomes import Outcomes
from hangup.model.claim import Case, Claim, ClaimVerdict, Ruling
from hangup.model.conditions import decisive_surface
from hangup.model.outcomes import Cell, ObservationCount, distribution
from hangup.model.trace import Stack

_TITLES = {
    "Confirmed": {Ruling.CONFIRMED},
    "Refuted": {Ruling.REFUTED},
    "Confirmed in part": set(Ruling),
}
"""What is said of a claim by what it came to on those of an app's servers that decide it."""
_INCONCLUSIVE = "Inconclusive"


class VerdictCell(msgspec.Struct, frozen=True):
    """The verdict on some stacks of an app, in words, and the scenario that shows it."""

    stacks: tuple[Stack, ...]
    words: str
    scenario: str | None


class AppClaim(msgspec.Struct, frozen=True):
    """A claim as it is named below an app."""

    claim: Claim
    stack: Stack
    scenario: str | None
    remark: str


class Detail(msgspec.Struct, frozen=True):
    """Scenarios in which a claim came out in one way, on some of an app's servers."""

    scenarios: tuple[str, ...]
    stacks: tuple[Stack, ...]
    everywhere: bool
    ran: bool
    share: str
    """In how many trials, where it is not all."""
    surface: str | None
    observations: tuple[ObservationCount, ...]
    """What the deciding surface saw."""


class AppDetails(msgspec.Struct, frozen=True):
    """What the cells of an app leave out."""

    app: str
    refuted: tuple[Detail, ...]
    undecided: tuple[Detail, ...]
    partly: tuple[Detail, ...]
    why: tuple[str, ...]


class ClaimsView:
    """The verdicts, to be looked up by claim and stacks."""

    def __init__(self, verdicts: Iterable[ClaimVerdict], outcomes: Outcomes) -> None:
        self._verdicts = {(verdict.claim, verdict.stack): verdict for verdict in verdicts}
        self._outcomes = outcomes

    def asked(self, claims: Iterable[Claim], stacks: Sequence[Stack]) -> list[Claim]:
        """The claims that say anything of any of these stacks."""
        return [claim for claim in claims if self._about(claim, stacks)]

    def cells(self, claim: Claim, stacks: Sequence[Stack]) -> list[VerdictCell]:
        """The verdict on the stacks of one app: once if they agree, else by server."""
        about = self._about(claim, stacks)
        by_words: dict[str, list[Stack]] = defaultdict(list)
        for stack in about or stacks:
            by_words[in_words(self._verdicts[claim.id, stack])].append(stack)
        everywhere = len(by_words) == 1 and len(about) in (0, len(stacks))
        return [
            VerdictCell(
                tuple(stacks) if everywhere else tuple(agreeing),
                words,
                self._telling(claim, agreeing[0]),
            )
            for words, agreeing in by_words.items()
        ]

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

    def details(self, claim: Claim, stacks: Sequence[Stack]) -> list[AppDetails]:
        """What the cells leave out, by app; nothing for an app of which they say it all."""
        found = []
        for app in dict.fromkeys(stack.app for stack in stacks):
            own = [stack for stack in stacks if stack.app == app]
            undecided = self._details(
                claim, own, lambda case: case.of > 0 and not case.confirmed + case.refuted
            )
            shown = decisive_surface(claim.condition) if undecided else None
            whys = {
                why_inconclusive(self._verdicts[claim.id, stack])
                for stack in own
                if (why := self._verdicts[claim.id, stack].undecided) is not None
                and (not undecided or (why.surface is not None and why.surface != shown))
            }
            details = AppDetails(
                app,
                self._details(claim, own, lambda case: case.refuted > 0),
                undecided,
                self._details(
                    claim,
                    own,
                    lambda case: 0 < case.confirmed + case.refuted < case.of,
                    lambda case: f"{case.of - case.confirmed - case.refuted} of {case.of}",
                ),
                tuple(sorted(whys)),
            )
            if details.refuted or undecided or details.partly or details.why:
                found.append(details)
        return found

    def _about(self, claim: Claim, stacks: Sequence[Stack]) -> list[Stack]:
        """The stacks that a claim says anything of."""
        return [
            stack
            for stack in stacks
            if (verdict := self._verdicts.get((claim.id, stack))) is not None
            and verdict.ruling != Ruling.NOT_APPLICABLE
        ]

    def _details(
        self,
        claim: Claim,
        stacks: Sequence[Stack],
        chosen: Callable[[Case], bool],
        share: Callable[[Case], str] | None = None,
    ) -> tuple[Detail, ...]:
        """The chosen cases of one app; without a share of its own, with what was seen."""
        surface = decisive_surface(claim.condition) if share is None else None
        found: dict[tuple[object, ...], list[tuple[Stack, Detail]]] = defaultdict(list)
        asked = [s for s in stacks if self._verdicts[claim.id, s].cases]
        for stack in asked:
            for case in self._verdicts[claim.id, stack].cases:
                if not chosen(case):
                    continue
                seen = self._outcomes[Cell(stack, case.scenario, surface)] if surface else ()
                text = _share(case) if share is None else share(case)
                detail = Detail((case.scenario,), (), True, bool(case.of), text, surface, seen)
                found[case.scenario, text, distribution(seen)].append((stack, detail))
        alike: dict[tuple[object, ...], list[Detail]] = defaultdict(list)
        for same in found.values():
            detail = msgspec.structs.replace(
                same[0][1],
                stacks=tuple(stack for stack, _ in same),
                everywhere=len(same) == len(asked),
            )
            said = detail.ran, detail.share, distribution(detail.observations)
            alike[detail.stacks, *said].append(detail)
        return tuple(
            msgspec.structs.replace(
                details[0], scenarios=tuple(name for d in details for name in d.scenarios)
            )
            for details in alike.values()
        )

    def _telling(self, claim: Claim, stack: Stack) -> str | None:
        """The scenario that shows best what a claim came to; None if it was not run."""
        order = (Ruling.REFUTED, Ruling.MIXED, Ruling.CONFIRMED, Ruling.INCONCLUSIVE)
        run = self._verdicts[claim.id, stack].run
        telling = sorted(run, key=lambda case: order.index(case.ruling))
        return telling[0].scenario if telling else None


def _share(case: Case) -> str:
    return f"{case.refuted} of {case.of} trials" if 0 < case.refuted < case.of else ""


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
