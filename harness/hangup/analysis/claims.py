"""What trials say of the claims: claims and parts in, verdicts out. Pure."""

from __future__ import annotations

import csv
import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum

import msgspec

from hangup.analysis.classification import classify
from hangup.analysis.conditions import PathCondition, decisive
from hangup.analysis.exception_path import exception_paths
from hangup.analysis.ways import Ways
from hangup.model import scenarios as catalogue
from hangup.model import servers
from hangup.model.claims import CLAIMS, Claim
from hangup.model.outcomes import ClassifiedTrial
from hangup.model.trace import Stack, StackResult
from hangup.model.vocabulary import HOOK, OPTIONAL
from hangup.report.exception_path import own_paths

COLUMNS = (
    "versions", "python", "app", "server",
    "claim", "verdict", "confirmed", "mixed", "refuted", "undecided",
)  # fmt: skip


class Ruling(StrEnum):
    """What a claim comes to."""

    CONFIRMED = "confirmed"
    REFUTED = "refuted"
    MIXED = "mixed"
    INCONCLUSIVE = "could not tell"
    NOT_APPLICABLE = "not applicable"


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """A claim in one scenario on one stack: so many of its trials uphold it, so many refute it."""

    scenario: str
    confirmed: int
    refuted: int
    of: int
    """All trials, 0 if it was not run; those that neither uphold nor refute it do not decide."""

    @property
    def ruling(self) -> Ruling:
        """Unanimous among the trials that decide, or mixed."""
        return _ruling(self.confirmed, self.refuted)


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


def _ruling(confirmed: int, refuted: int) -> Ruling:
    match confirmed > 0, refuted > 0:
        case True, True:
            return Ruling.MIXED
        case True, False:
            return Ruling.CONFIRMED
        case False, True:
            return Ruling.REFUTED
        case _:
            return Ruling.INCONCLUSIVE


def verdicts(
    stack_results: Iterable[StackResult], claims: Sequence[Claim] = CLAIMS
) -> list[Verdict]:
    """Every claim's verdict on every stack; by stack, then in the order of the claims."""
    found = []
    for stack_result in sorted(stack_results, key=lambda stack_result: stack_result.stack):
        by_scenario: dict[str, list[ClassifiedTrial]] = defaultdict(list)
        for each in classify(stack_result):
            by_scenario[each.trial.scenario].append(each)
        ways = {
            each.scenario: own_paths(exception_paths(each.steps)) for each in stack_result.traced
        }
        found += [_verdict(claim, stack_result, by_scenario, ways) for claim in claims]
    return found


def _verdict(
    claim: Claim, stack_result: StackResult, trials: dict[str, list[ClassifiedTrial]], ways: Ways
) -> Verdict:
    stack = stack_result.stack
    if not _applies(claim, stack_result):
        return Verdict(claim=claim.id, stack=stack, ruling=Ruling.NOT_APPLICABLE)
    cases = []
    undecided: list[ClassifiedTrial] = []
    for scenario in claim.scenarios:
        if not catalogue.fits(
            catalogue.BY_ID[scenario], stack_result.surfaces, stack_result.unsupported
        ):
            continue
        answers = Counter[bool | None]()
        if isinstance(claim.condition, PathCondition):
            if scenario in ways:
                answers[claim.condition.decides(ways, scenario)] += 1
            trials = {}
        for each in trials.get(scenario, ()):
            answer = claim.condition(each)
            answers[answer] += 1
            if answer is None:
                undecided.append(each)
        cases.append(
            Case(
                scenario=scenario,
                confirmed=answers[True],
                refuted=answers[False],
                of=answers.total(),
            )
        )
    ruling = _ruling(sum(case.confirmed for case in cases), sum(case.refuted for case in cases))
    return Verdict(
        claim=claim.id,
        stack=stack,
        ruling=ruling,
        cases=tuple(cases),
        why=_why(claim, undecided, traced=bool(ways)) if ruling == Ruling.INCONCLUSIVE else "",
    )


def _applies(claim: Claim, stack_result: StackResult) -> bool:
    """Whether a stack has what a claim is about: the surfaces, a capability, the server."""
    server = servers.BY_ID.get(stack_result.stack.server)
    if claim.module is not None and (server is None or server.module != claim.module):
        return False
    optional = [s for s in claim.condition.surfaces if s in OPTIONAL or s.startswith(HOOK)]
    if not set(optional) <= set(stack_result.surfaces):
        return False
    return any(
        catalogue.fits(catalogue.BY_ID[name], stack_result.surfaces, stack_result.unsupported)
        for name in claim.scenarios
    )


def _why(claim: Claim, undecided: Sequence[ClassifiedTrial], *, traced: bool) -> str:
    """Why no trial decided: it was not run, or what was seen instead, most frequent first."""
    if isinstance(claim.condition, PathCondition):
        return "no way was followed that tells" if traced else "not run"
    if not undecided:
        return "not run"
    first = decisive(claim.condition) or claim.condition.surfaces[0]
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
            for ruling in (Ruling.CONFIRMED, Ruling.MIXED, Ruling.REFUTED, Ruling.INCONCLUSIVE)
        )
        rows.append(
            (s.versions, s.python, s.app, s.server, verdict.claim, str(verdict.ruling), *by_ruling)
        )
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(sorted(rows))
    return text.getvalue()
