"""What a stack does to a team that runs it: what its trials show, and what is not known. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hangup.analysis.conditions import decide, reports_errors
from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.model.conditions import All, Condition, Not, SawAny
from hangup.model.consequences import ALARMS, CONSEQUENCES, QUIET, Clause, Consequence, Tone
from hangup.model.scenarios import BY_ID, fits
from hangup.model.trace import Stack
from hangup.model.vocabulary import HOOK, OPTIONAL, Surface, Word, surface_title

_BESIDE_HANDLERS = (Surface.ERROR_REPORT, Surface.SPAN)
"""What can raise an alarm beside handlers, hooks and the server's log."""
_NOT_IN_PLACE = frozenset({Word.NOT_APPLICABLE, Word.UNREACHED, Word.REJECTED})


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """In `n` of the `of` trials of a scenario that decide it, a clause is true."""

    scenario: str
    n: int
    of: int

    @property
    def always(self) -> bool:
        """Whether it is true in each."""
        return self.n == self.of


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """A clause that is true of a stack, and in which scenarios."""

    consequence: str
    tone: Tone
    text: str
    cases: tuple[Case, ...]
    everywhere: bool
    """Whether it is true in every trial of every scenario in which it was decided."""

    @property
    def trials(self) -> int:
        """In how many trials it is true."""
        return sum(case.n for case in self.cases)

    @property
    def of(self) -> int:
        """Of how many trials of these scenarios."""
        return sum(case.of for case in self.cases)


class Consequences(msgspec.Struct, frozen=True, kw_only=True):
    """All that the trials of a stack show, and in which scenarios each question is open."""

    findings: tuple[Finding, ...]
    undecided: tuple[tuple[str, tuple[str, ...]], ...]
    """By consequence, the scenarios that were not run or that no trial decides."""
    absent: tuple[str, ...]
    """The consequences that are about something that the app does not have."""


def consequences(outcomes: Outcomes, stack: Stack) -> Consequences:
    """What a stack does, question by question, in the order of the catalogue."""
    of_stack = outcomes.of(stack)
    findings: list[Finding] = []
    undecided: list[tuple[str, tuple[str, ...]]] = []
    absent = []
    for consequence in CONSEQUENCES:
        if _is_absent(of_stack, consequence):
            absent.append(consequence.id)
            continue
        found, open_ = _answered(of_stack, consequence, _clauses(outcomes, of_stack, consequence))
        findings += found
        if open_:
            undecided.append((consequence.id, open_))
    return Consequences(findings=tuple(findings), undecided=tuple(undecided), absent=tuple(absent))


def _is_absent(of_stack: StackOutcomes, consequence: Consequence) -> bool:
    """Whether all that is asked about is something that the app does not declare."""
    surfaces = {s for clause in consequence.clauses for s in clause.condition.surfaces}
    return bool(surfaces) and surfaces <= set(OPTIONAL) - set(of_stack.result.surfaces)


def _answered(
    of_stack: StackOutcomes, consequence: Consequence, clauses: Sequence[Clause]
) -> tuple[list[Finding], tuple[str, ...]]:
    """What is found of a consequence, and the scenarios in which nothing is."""
    fitting = [
        name
        for name in consequence.scenarios
        if fits(BY_ID[name], of_stack.result.surfaces, of_stack.result.unsupported)
    ]
    found = []
    known: set[str] = set()
    for clause in clauses:
        cases = [_case(of_stack, name, clause.condition) for name in fitting]
        decided = [case for case in cases if case.of]
        true = tuple(case for case in decided if case.n)
        known.update(case.scenario for case in decided)
        if true:
            found.append(
                Finding(
                    consequence=consequence.id,
                    tone=clause.tone,
                    text=clause.text,
                    cases=true,
                    everywhere=len(true) == len(decided) and all(case.always for case in true),
                )
            )
    return found, tuple(name for name in fitting if name not in known)


def _case(of_stack: StackOutcomes, scenario: str, condition: Condition) -> Case:
    n = of = 0
    for trial in of_stack.of(scenario):
        answer = decide(condition, trial)
        if answer is not None:
            of += trial.trial.count
            n += trial.trial.count * answer
    return Case(scenario=scenario, n=n, of=of)


def _clauses(
    outcomes: Outcomes, of_stack: StackOutcomes, consequence: Consequence
) -> Sequence[Clause]:
    """What may be answered; of alarms, for each surface of the stack that can raise one."""
    what = QUIET.get(consequence.id)
    if what is None:
        return consequence.clauses
    loud = {
        surface: SawAny(surface, ALARMS)
        for surface in _alarm_surfaces(outcomes, of_stack.stack, consequence.scenarios)
    }
    if not loud:
        return ()
    alarms = {surface: saw for surface, saw in loud.items() if not surface.startswith(HOOK)}
    names = ", ".join(map(surface_title, alarms))
    quiet = Clause(
        tone="good",
        text=f"{what} raises no alarm (asked of {names})",
        condition=All(tuple(Not(condition) for condition in alarms.values())),
    )
    return [
        *([quiet] if alarms else []),
        *(
            Clause(
                tone="bad" if surface in alarms else "neutral",
                text=f"{surface_title(surface)} sees an error though nobody made a mistake",
                condition=condition,
            )
            for surface, condition in loud.items()
        ),
    ]


def _alarm_surfaces(outcomes: Outcomes, stack: Stack, scenarios: Sequence[str]) -> list[str]:
    """The handlers, hooks, reporters and the log that are known to be in place."""
    surfaces = {s for name in scenarios for s in outcomes.surfaces(name, [stack])}
    in_place = [
        surface
        for surface in surfaces
        if (reports_errors(surface) or surface in _BESIDE_HANDLERS)
        and any(
            set(outcomes.conclusive(stack, name, surface)) - _NOT_IN_PLACE for name in scenarios
        )
    ]
    order = [str(surface) for surface in Surface]
    return sorted(in_place, key=lambda s: (order.index(s) if s in order else len(order), s))
