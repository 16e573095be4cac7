"""Two apps on one server, compared as a decision: which of them a team takes, and why.

What differs is what `hangup diff` says that differs; which one is better is how many of the seven
questions of the ranking each of them answers well.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hangup.analysis.cleanup import CleanupGuide, CleanupResult
from hangup.analysis.effects import FOUND, Comparable, effect
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.ranking import Answered, answered
from hangup.model.cleanup import TRIED_BY, whole_title
from hangup.model.effect import Effect, Kind, Result
from hangup.model.hazards import BY_ID as HAZARDS
from hangup.model.ranking import QUESTIONS
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.trace import Stack
from hangup.model.vocabulary import Word, surface_title
from hangup.report import effects as report
from hangup.report import markdown
from hangup.report.cleanup import Excerpts
from hangup.report.decision_record import (
    STATUS,
    Choice,
    NotMeasured,
    Subject,
    decision_record,
    subject,
)
from hangup.report.effect_text import spread

_EXPLAINED: Mapping[Kind, type[Word] | type[CleanupResult]] = {
    "observation": Word,
    "recipe": CleanupResult,
}
"""The words that observations and the results of recipes are made of."""
TABLE_ROWS = 40
"""So many differences are listed at most; `hangup diff` prints all."""


class QuestionAsked(msgspec.Struct, frozen=True, kw_only=True):
    """One of the questions that decide, and when it is answered well."""

    id: str
    title: str
    rule: str


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario that speaks for an answer, or against it, in `n` of `of` trials."""

    scenario: str
    n: int
    of: int


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """How an app answers one of the questions."""

    question: str
    answer: str
    """In a word: `well`, `partly`, `not well` or `unknown`."""
    said: str
    """What the trials show that speak for that answer, as a clause."""
    shown: tuple[Shown, ...]
    """The scenarios that speak against it; if none does, all."""
    unknown: tuple[str, ...]
    """The scenarios that it is asked in and of which nothing conclusive is known."""

    @property
    def well(self) -> bool:
        """Whether it is answered well."""
        return self.answer == "well"


class HazardShown(msgspec.Struct, frozen=True, kw_only=True):
    """A hazard that one of the two shows more often in a scenario, beyond what repeats explain."""

    title: str
    scenario: str
    n: int
    of: int
    others_n: int
    others_of: int


class Side(msgspec.Struct, frozen=True, kw_only=True):
    """One of the two apps."""

    subject: Subject
    replies: tuple[Reply, ...]
    hazards: tuple[HazardShown, ...]
    """Those that it shows more often than the other."""
    clean_up: Choice | None
    """The option for clean-up that is recommended for it."""
    not_measured: tuple[NotMeasured, ...]

    @property
    def app(self) -> str:
        """Which app it is."""
        return self.subject.app

    @property
    def well(self) -> int:
        """How many of the questions it answers well."""
        return sum(reply.well for reply in self.replies)

    def reply(self, question: str) -> Reply:
        """Its answer to one of them."""
        return next(reply for reply in self.replies if reply.question == question)


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What two apps do differently, in the same way in some scenarios."""

    what: str
    """The surface that sees it, or the option for clean-up that comes out differently."""
    a: str
    b: str
    when: tuple[str, ...]
    """In which scenarios, as clauses."""
    scenarios: tuple[str, ...]


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """A decision between two apps on one server."""

    title: str
    status: str
    date: str
    questions: tuple[QuestionAsked, ...]
    a: Side
    b: Side
    chosen: str
    """The app that answers more of the questions well; empty if they answer as many."""
    cells: int
    """How many cells were compared: what was seen in a scenario at one place."""
    differing: int
    by_chance: float
    """How many of them would differ at most, on average, if nothing but chance were at work."""
    undecided: int
    """How many came out differently in too few trials to say anything."""
    races: int
    """How many differ in a way that repeats may explain."""
    differences: tuple[Difference, ...]
    """What surfaces see differently."""
    clean_ups: tuple[Difference, ...]
    """The options for clean-up that come out differently."""
    words: tuple[tuple[str, str], ...]
    """The words that these are said in, with what they mean."""
    more: int
    """So many differences are not listed."""

    @property
    def sides(self) -> tuple[Side, Side]:
        """Both, in the order in which they were named."""
        return self.a, self.b

    def other(self, side: Side) -> Side:
        """The one that a side is compared with."""
        return self.b if side is self.a else self.a

    @property
    def winner(self) -> Side | None:
        """The one that was chosen."""
        return next((side for side in self.sides if side.app == self.chosen), None)


def decision_comparison(
    outcomes: Outcomes,
    a: Stack,
    b: Stack,
    comparable: Mapping[Stack, Comparable],
    excerpts: Excerpts,
) -> Comparison:
    """The comparison of two stacks that differ in their app only."""
    found = effect(comparable[a], comparable[b])
    compared = report.diff(a.app, b.app, [found])
    guide = CleanupGuide(outcomes)
    one, other = (
        _side(outcomes, stack, found, of_b=stack == b, guide=guide, excerpts=excerpts)
        for stack in (a, b)
    )
    chosen = "" if one.well == other.well else max(one, other, key=lambda side: side.well).app
    loser = other.app if chosen == one.app else one.app
    rows = [row for row in compared.differences if row.cell.kind in report.COUNTED]
    seen = _differences([row for row in rows if row.cell.kind == "observation"])
    clean_ups = _differences([row for row in rows if row.cell.kind == "recipe"])
    what = f"event streams on `{a.server}`"
    return Comparison(
        title=f"Serve {what} with `{chosen}` rather than `{loser}`"
        if chosen
        else f"Undecided: {what} with `{a.app}` or `{b.app}`",
        status=STATUS,
        date=max(one.subject.date, other.subject.date),
        questions=tuple(
            QuestionAsked(id=question.id, title=question.title, rule=question.rule)
            for question in QUESTIONS
        ),
        a=one,
        b=other,
        chosen=chosen,
        cells=compared.cells,
        differing=compared.differing,
        by_chance=compared.by_chance,
        undecided=report.cell_count(compared.undecided),
        races=report.cell_count(compared.races),
        differences=tuple(seen[:TABLE_ROWS]),
        clean_ups=tuple(clean_ups[:TABLE_ROWS]),
        words=tuple(_words(rows)),
        more=len(seen[TABLE_ROWS:]) + len(clean_ups[TABLE_ROWS:]),
    )


def _side(
    outcomes: Outcomes,
    stack: Stack,
    found: Effect,
    *,
    of_b: bool,
    guide: CleanupGuide,
    excerpts: Excerpts,
) -> Side:
    record = decision_record(outcomes, stack, excerpts, guide)
    return Side(
        subject=subject(outcomes.of(stack).result),
        replies=tuple(map(_reply, answered(outcomes, stack))),
        hazards=tuple(_hazards(found, of_b=of_b)),
        clean_up=record.chosen,
        not_measured=tuple(m for m in record.not_measured if m.scenarios),
    )


def _reply(found: Answered) -> Reply:
    failing = found.failing
    return Reply(
        question=found.question.id,
        answer=str(found.answer),
        said=found.question.fault if failing else found.question.good,
        shown=tuple(
            Shown(scenario=e.scenario, n=e.of - e.good if failing else e.good, of=e.of)
            for e in failing or found.evidence
        ),
        unknown=found.missing,
    )


def _hazards(found: Effect, *, of_b: bool) -> Sequence[HazardShown]:
    """The hazards that one side shows in a larger share of the trials."""
    shown = []
    for compared in found.of(Result.DIFFERENT):
        if compared.cell.kind != "hazard":
            continue
        own, others = (compared.b, compared.a) if of_b else (compared.a, compared.b)
        n, others_n = (dict(counts.seen).get((FOUND,), 0) for counts in (own, others))
        if n * others.of > others_n * own.of:
            shown.append(
                HazardShown(
                    title=HAZARDS[compared.cell.name].title,
                    scenario=compared.cell.scenario,
                    n=n,
                    of=own.of,
                    others_n=others_n,
                    others_of=others.of,
                )
            )
    return shown


def _differences(rows: Sequence[report.Row]) -> list[Difference]:
    """What is seen differently, scenarios in which it is the same together."""
    alike: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    for row in rows:
        recipe = row.cell.kind == "recipe"
        word = str if recipe else markdown.saw
        scenario, name = row.cell.scenario, row.cell.name
        what = (
            whole_title(TRIED_BY[scenario][0]) + name.removeprefix(scenario)
            if recipe
            else surface_title(name)
        )
        alike[what, spread(row.a, word), spread(row.b, word)].append(scenario)
    return [
        Difference(
            what=what,
            a=a,
            b=b,
            when=tuple(map(_when, scenarios)),
            scenarios=tuple(scenarios),
        )
        for (what, a, b), scenarios in alike.items()
    ]


def _words(rows: Sequence[report.Row]) -> Iterator[tuple[str, str]]:
    """The words that were seen, explained; exceptions and what clients got explain themselves."""
    for kind, words in _EXPLAINED.items():
        counts = [side for row in rows if row.cell.kind == kind for side in (row.a, row.b)]
        seen = {saw for side in counts for saws, _ in side.seen for saw in saws}
        yield from ((word.value, word.meaning) for word in words if word in seen)


def _when(scenario: str) -> str:
    tried = TRIED_BY.get(scenario)
    return SCENARIOS[scenario].title if tried is None else tried[1].title
