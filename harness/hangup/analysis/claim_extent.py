"""How far a claim is true: on which stacks, in which scenarios. Verdicts in, statements out. Pure.

A claim is asked in several scenarios on each of many stacks. What is said of all of that is one
word and the places where it is otherwise: scenarios that came out alike on the same stacks are
one place, and of where the claim holds and where it does not, the shorter is told.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import Literal

import msgspec

from hangup.analysis.stack_sets import Description, describe
from hangup.model.claim import Case, ClaimVerdict, Ruling, Undecided
from hangup.model.trace import Stack


class Truth(StrEnum):
    """What trials on several stacks say of a claim."""

    TRUE = "true"
    """Every conclusive trial, in every scenario on every stack, confirms it."""
    SOMETIMES = "true only sometimes"
    FALSE = "false"
    """Every conclusive trial refutes it."""
    NOT_DECIDED = "not decided"
    """There are trials, and none of them is conclusive."""
    NOT_RUN = "not run"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Scenarios in which a claim came to one ruling on the same stacks."""

    ruling: Ruling
    scenarios: tuple[str, ...]
    every_scenario: bool
    """Whether these stacks have no other scenario that decides the claim."""
    stacks: tuple[Stack, ...]
    among: tuple[Stack, ...]
    """The stacks on which any of the scenarios was run."""
    confirmed: int
    of: int
    """How many conclusive trials there are, on these stacks."""
    shown_by: tuple[Stack, str]
    """One of the stacks, and a scenario in which it came out so there."""

    @property
    def where(self) -> Description:
        """Which stacks these are, the shortest way."""
        return describe(self.stacks, self.among)


class ClaimExtent(msgspec.Struct, frozen=True, kw_only=True):
    """How far a claim is true on some stacks."""

    claim: str
    truth: Truth
    stacks: tuple[Stack, ...]
    """Those that it applies to and that any of its scenarios was run on."""
    confirmed: tuple[Stack, ...]
    """Those on which every conclusive trial confirms it."""
    deciding: tuple[Stack, ...]
    """Those that have a conclusive trial."""
    trials_confirmed: int
    trials_deciding: int
    places: tuple[Place, ...]
    """Where it holds or where it does not, if it is true only sometimes."""
    told: Literal["holds", "fails"]
    """What the places are; those in which repeats disagree are among them in either case."""
    undecided: tuple[str, ...]
    """The scenarios that were run and that decide it on no stack."""
    why_undecided: Undecided | None
    """Why the first of the stacks does not decide it, if none does."""
    shown_by: tuple[Stack, str] | None
    """A stack and a scenario in which it came out so, refuted rather than confirmed; if none
    decides it, where it was run."""


def extent(verdicts: Sequence[ClaimVerdict]) -> ClaimExtent:
    """How far a claim is true, from its verdicts on some stacks, of which there is at least one."""
    ran = [verdict for verdict in verdicts if verdict.run]
    confirmed = _total([c for verdict in ran for c in verdict.run], "confirmed")
    refuted = _total([c for verdict in ran for c in verdict.run], "refuted")
    truth = _truth(confirmed, refuted) if ran else Truth.NOT_RUN
    told, places = _places(ran) if truth is Truth.SOMETIMES else ("holds", ())
    return ClaimExtent(
        claim=verdicts[0].claim,
        truth=truth,
        stacks=tuple(verdict.stack for verdict in ran),
        confirmed=tuple(v.stack for v in ran if v.ruling is Ruling.CONFIRMED),
        deciding=tuple(v.stack for v in ran if v.ruling is not Ruling.INCONCLUSIVE),
        trials_confirmed=confirmed,
        trials_deciding=confirmed + refuted,
        places=places,
        told=told,
        undecided=_undecided(ran),
        why_undecided=next((v.undecided for v in (*ran, *verdicts) if v.undecided), None),
        shown_by=_shown_by(ran),
    )


def _total(cases: Sequence[Case], answer: Literal["confirmed", "refuted"]) -> int:
    return sum(getattr(case, answer) for case in cases)


def _truth(confirmed: int, refuted: int) -> Truth:
    if not confirmed:
        return Truth.FALSE if refuted else Truth.NOT_DECIDED
    return Truth.SOMETIMES if refuted else Truth.TRUE


_Cases = Mapping[str, Mapping[Stack, Case]]
"""By scenario and stack, those of which there are trials."""


def _places(
    verdicts: Sequence[ClaimVerdict],
) -> tuple[Literal["holds", "fails"], tuple[Place, ...]]:
    """Where a claim holds or where it fails, whichever is told in fewer words or is the less."""
    cases = _by_scenario(verdicts)
    varies = _apart(cases, Ruling.MIXED, ())
    holds = _widest_first(*_alike(cases, Ruling.CONFIRMED), *varies)
    fails = _widest_first(*_alike(cases, Ruling.REFUTED), *varies)
    every = [case for verdict in verdicts for case in verdict.run]
    lengths = _length(holds), _length(fails)
    fewer = _total(every, "confirmed") < _total(every, "refuted")
    if lengths[0] < lengths[1] or (lengths[0] == lengths[1] and fewer):
        return "holds", holds
    return "fails", fails


def _widest_first(*places: Place) -> tuple[Place, ...]:
    return tuple(sorted(places, key=lambda place: -len(place.stacks)))


def _by_scenario(verdicts: Sequence[ClaimVerdict]) -> _Cases:
    found: dict[str, dict[Stack, Case]] = defaultdict(dict)
    for verdict in verdicts:
        for case in verdict.run:
            found[case.scenario][verdict.stack] = case
    return found


def _alike(cases: _Cases, ruling: Ruling) -> tuple[Place, ...]:
    """The scenarios that came to a ruling, those on the same stacks together.

    Stacks that come to it in all that decides are one place by themselves, if that is shorter.
    """
    if always := _always(cases, ruling):
        ways = (_apart(cases, ruling, always), _apart(cases, ruling, ()))
        return min(ways, key=_length)
    return _apart(cases, ruling, ())


def _apart(cases: _Cases, ruling: Ruling, always: tuple[Stack, ...]) -> tuple[Place, ...]:
    """The same with a place for these stacks, and others.

    They are named once more with others where it is shorter to say so: if it is then all, say.
    """
    found: dict[tuple[Stack, ...], list[str]] = defaultdict(list)
    for scenario, of in cases.items():
        stacks = tuple(stack for stack, case in of.items() if case.ruling is ruling)
        others = tuple(stack for stack in stacks if stack not in always)
        if others:
            shorter = min(others, stacks, key=lambda some: describe(some, tuple(of)).length)
            found[shorter].append(scenario)
    places = [_place(cases, ruling, stacks, names) for stacks, names in found.items()]
    if always:
        names = [name for name, of in cases.items() if any(_decides(of, s) for s in always)]
        places.insert(0, _place(cases, ruling, always, names))
    return tuple(places)


def _always(cases: _Cases, ruling: Ruling) -> tuple[Stack, ...]:
    """The stacks on which whatever decides the claim comes to this ruling."""
    rulings: dict[Stack, set[Ruling]] = defaultdict(set)
    for of in cases.values():
        for stack, case in of.items():
            rulings[stack].add(case.ruling)
    return tuple(s for s, found in rulings.items() if found - {Ruling.INCONCLUSIVE} == {ruling})


def _decides(cases: Mapping[Stack, Case], stack: Stack) -> bool:
    return stack in cases and cases[stack].ruling is not Ruling.INCONCLUSIVE


def _place(
    cases: _Cases, ruling: Ruling, stacks: tuple[Stack, ...], scenarios: Sequence[str]
) -> Place:
    own = [cases[name][stack] for name in scenarios for stack in stacks if stack in cases[name]]
    deciding = {name for name, of in cases.items() if any(_decides(of, s) for s in stacks)}
    confirmed = _total(own, "confirmed")
    return Place(
        ruling=ruling,
        scenarios=tuple(scenarios),
        every_scenario=deciding == set(scenarios),
        stacks=stacks,
        among=tuple(dict.fromkeys(stack for name in scenarios for stack in cases[name])),
        confirmed=confirmed,
        of=confirmed + _total(own, "refuted"),
        shown_by=next(
            (stack, name) for stack in stacks for name in scenarios if _decides(cases[name], stack)
        ),
    )


def _length(places: Sequence[Place]) -> int:
    """How much there is to say, counted in names: a scenario takes as much as two."""
    return sum(
        2 + place.where.length + (0 if place.every_scenario else 2 * len(place.scenarios))
        for place in places
    )


def _undecided(verdicts: Sequence[ClaimVerdict]) -> tuple[str, ...]:
    return tuple(
        scenario
        for scenario, of in _by_scenario(verdicts).items()
        if all(case.ruling is Ruling.INCONCLUSIVE for case in of.values())
    )


def _shown_by(verdicts: Sequence[ClaimVerdict]) -> tuple[Stack, str] | None:
    order = (Ruling.REFUTED, Ruling.MIXED, Ruling.CONFIRMED, Ruling.INCONCLUSIVE)
    cases = [(verdict.stack, case) for verdict in verdicts for case in verdict.run]
    if not cases:
        return None
    stack, case = min(cases, key=lambda found: order.index(found[1].ruling))
    return stack, case.scenario
