"""What trials say of the claims: claims and parts in, verdicts out. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from harness import catalogue, servers
from harness.claims import CLAIMS, Claim
from harness.conditions import ByItinerary, decisive
from harness.itinerary import itineraries
from harness.outcome import OPTIONAL, ClassifiedTrial, classify
from harness.trace import Part, Stack
from harness.vocabulary import HOOK
from harness.ways import Ways
from harness.why import own_paths

COLUMNS = (
    "versions", "python", "app", "server",
    "claim", "verdict", "upheld", "mixed", "refuted", "undecided",
)  # fmt: skip


class Ruling(StrEnum):
    """What a claim comes to."""

    UPHELD = "upheld"
    REFUTED = "refuted"
    MIXED = "mixed"
    COULD_NOT_TELL = "could not tell"
    NOT_APPLICABLE = "not applicable"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A claim in one scenario on one stack: so many of its trials uphold it, so many refute it."""

    scenario: str
    upheld: int
    refuted: int
    of: int
    """All trials, 0 if it was not run; those that neither uphold nor refute it do not decide."""

    @property
    def ruling(self) -> Ruling:
        """Unanimous among the trials that decide, or mixed."""
        return _ruling(self.upheld, self.refuted)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on one stack, over all scenarios it was asked in."""

    claim: str
    stack: Stack
    ruling: Ruling
    cases: tuple[Case, ...] = ()
    why: str = ""
    """Why it could not be told."""

    @property
    def run(self) -> tuple[Case, ...]:
        """The cases of which there are trials."""
        return tuple(case for case in self.cases if case.of)

    def scenarios(self, *rulings: Ruling) -> list[str]:
        """Those it was asked in and came to one of these."""
        return [case.scenario for case in self.run if case.ruling in rulings]


def _ruling(upheld: int, refuted: int) -> Ruling:
    match upheld > 0, refuted > 0:
        case True, True:
            return Ruling.MIXED
        case True, False:
            return Ruling.UPHELD
        case False, True:
            return Ruling.REFUTED
        case _:
            return Ruling.COULD_NOT_TELL


def verdicts(parts: Iterable[Part], claims: Sequence[Claim] = CLAIMS) -> list[Verdict]:
    """Every claim's verdict on every stack; by stack, then in the order of the claims."""
    found = []
    for part in sorted(parts, key=lambda part: part.stack):
        by_scenario: dict[str, list[ClassifiedTrial]] = defaultdict(list)
        for each in classify(part):
            by_scenario[each.trial.scenario].append(each)
        ways = {each.scenario: own_paths(itineraries(each.path)) for each in part.followed}
        found += [_verdict(claim, part, by_scenario, ways) for claim in claims]
    return found


def _verdict(
    claim: Claim, part: Part, trials: dict[str, list[ClassifiedTrial]], ways: Ways
) -> Verdict:
    stack = part.stack
    if not _applies(claim, part):
        return Verdict(claim=claim.id, stack=stack, ruling=Ruling.NOT_APPLICABLE)
    cases = []
    undecided: list[ClassifiedTrial] = []
    for scenario in claim.scenarios:
        if not catalogue.fits(catalogue.BY_ID[scenario], part.surfaces, part.lacks):
            continue
        answers = Counter[bool | None]()
        if isinstance(claim.holds, ByItinerary):
            if scenario in ways:
                answers[claim.holds.decides(ways, scenario)] += 1
            trials = {}
        for each in trials.get(scenario, ()):
            answer = claim.holds(each)
            answers[answer] += 1
            if answer is None:
                undecided.append(each)
        cases.append(
            Case(
                scenario=scenario,
                upheld=answers[True],
                refuted=answers[False],
                of=answers.total(),
            )
        )
    ruling = _ruling(sum(case.upheld for case in cases), sum(case.refuted for case in cases))
    return Verdict(
        claim=claim.id,
        stack=stack,
        ruling=ruling,
        cases=tuple(cases),
        why=_why(claim, undecided, followed=bool(ways)) if ruling == Ruling.COULD_NOT_TELL else "",
    )


def _applies(claim: Claim, part: Part) -> bool:
    """Whether a stack has what a claim is about: the surfaces, a capability, the server."""
    server = servers.BY_ID.get(part.stack.server)
    if claim.module is not None and (server is None or server.module != claim.module):
        return False
    optional = [s for s in claim.holds.surfaces if s in OPTIONAL or s.startswith(HOOK)]
    if not set(optional) <= set(part.surfaces):
        return False
    return any(
        catalogue.fits(catalogue.BY_ID[name], part.surfaces, part.lacks) for name in claim.scenarios
    )


def _why(claim: Claim, undecided: Sequence[ClassifiedTrial], *, followed: bool) -> str:
    """Why no trial decided: it was not run, or what was seen instead, most frequent first."""
    if isinstance(claim.holds, ByItinerary):
        return "no way was followed that tells" if followed else "not run"
    if not undecided:
        return "not run"
    first = decisive(claim.holds) or claim.holds.surfaces[0]
    seen = Counter(
        each.trial.failure or f"`{first}`: {', '.join(each.saws.get(first, ()))}"
        for each in undecided
    )
    return min(seen, key=lambda why: (-seen[why], why))


def claims_csv(found: Iterable[Verdict]) -> str:
    """The verdicts as a table, sorted: a row a claim on a stack, with scenarios by ruling."""
    rows = []
    for verdict in found:
        s = verdict.stack
        by_ruling = (
            " ".join(verdict.scenarios(ruling))
            for ruling in (Ruling.UPHELD, Ruling.MIXED, Ruling.REFUTED, Ruling.COULD_NOT_TELL)
        )
        rows.append(
            (s.versions, s.python, s.app, s.server, verdict.claim, str(verdict.ruling), *by_ruling)
        )
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(sorted(rows))
    return text.getvalue()
