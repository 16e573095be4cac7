"""Claims whose verdict on one app is another than on most apps. Pure: verdicts in, data out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from hangup.model.claim import Case, ClaimVerdict, Ruling
from hangup.model.trace import Stack

_TELLING = (Ruling.REFUTED, Ruling.MIXED, Ruling.CONFIRMED)


class AppVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim comes to on the stacks of one app that decide it, of which there is one."""

    ruling: Ruling
    confirmed: int
    """In how many scenarios, each counted once a stack, every deciding trial confirms it."""
    of: int
    """In how many of them there are trials that decide it."""
    stack: Stack
    scenario: str
    """The scenario, and the stack, that show best what it came to."""


class Minority(msgspec.Struct, frozen=True, kw_only=True):
    """A claim on which an app is not as most others are."""

    claim: str
    here: AppVerdict
    elsewhere: Ruling
    """What it comes to on most of the other apps."""
    apps: int
    """On how many of them."""
    of: int
    """How many others decide it."""


def app_verdicts(
    verdicts: Iterable[ClaimVerdict], apps: Mapping[str, Sequence[Stack]]
) -> dict[str, dict[str, AppVerdict]]:
    """By claim and app, what the stacks of the app come to; nothing where none decides."""
    on: dict[tuple[str, str], list[ClaimVerdict]] = defaultdict(list)
    app_of = {stack: app for app, stacks in apps.items() for stack in stacks}
    for verdict in verdicts:
        if verdict.stack in app_of:
            on[verdict.claim, app_of[verdict.stack]].append(verdict)
    found: dict[str, dict[str, AppVerdict]] = defaultdict(dict)
    for (claim, app), of_app in on.items():
        verdict_ = _app_verdict(of_app)
        if verdict_ is not None:
            found[claim][app] = verdict_
    return dict(found)


def _app_verdict(verdicts: Sequence[ClaimVerdict]) -> AppVerdict | None:
    deciding: list[tuple[Stack, Case]] = [
        (verdict.stack, case)
        for verdict in verdicts
        for case in verdict.run
        if case.ruling != Ruling.INCONCLUSIVE
    ]
    if not deciding:
        return None
    confirmed = sum(case.ruling is Ruling.CONFIRMED for _, case in deciding)
    rulings = {case.ruling for _, case in deciding}
    stack, case = min(deciding, key=lambda found: _TELLING.index(found[1].ruling))
    return AppVerdict(
        ruling=next(iter(rulings)) if len(rulings) == 1 else Ruling.MIXED,
        confirmed=confirmed,
        of=len(deciding),
        stack=stack,
        scenario=case.scenario,
    )


def minority(found: Mapping[str, Mapping[str, AppVerdict]], app: str) -> list[Minority]:
    """The claims that come to something else on an app than on more than half of the others."""
    differing = []
    for claim, by_app in found.items():
        here = by_app.get(app)
        others = Counter(v.ruling for name, v in by_app.items() if name != app)
        if here is None or not others:
            continue
        elsewhere, apps = others.most_common(1)[0]
        if 2 * apps > others.total() and elsewhere is not here.ruling:
            differing.append(
                Minority(claim=claim, here=here, elsewhere=elsewhere, apps=apps, of=others.total())
            )
    return differing
