"""The report as JSON, for other programs: the statements, not the pages. Pure.

What it holds is said by types, and its schema is made of them (`schemas`). A stack is named by
its id wherever it is not described.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import msgspec

import hangup
from hangup.analysis.cleanup import Advice, Recommendation
from hangup.analysis.coverage import Part
from hangup.analysis.hazards import FoundHazard, found_hazards
from hangup.analysis.headlines import Headline, HeadlineId, headlines
from hangup.analysis.ranking import Answered, RankedApp, ranking
from hangup.model.claim import Ruling
from hangup.model.claims import CLAIMS
from hangup.model.cleanup import Kind
from hangup.model.ranking import QUESTIONS, Answer, QuestionId
from hangup.model.trace import Stack, StackResult
from hangup.report.overview_text import HEADLINES
from hangup.report.pages.context import Context
from hangup.report.views import VersionGroup, is_baseline

VERSION = 1
"""The version of the schema: another one whenever what is there is renamed, removed, or has
another meaning; fields may be added to a version."""


class StackEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A stack, and what its trials ran under."""

    id: str
    versions: str
    python: str
    interpreter: str
    """Its full version, such as `CPython 3.13.0`."""
    app: str
    server: str
    title: str
    """What the app is."""
    baseline: bool
    """Whether neither the app nor the server is a variant."""
    date: str
    packages: dict[str, str]
    """Everything installed beside the app: name to version."""
    trials: int


class HeadlineEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A statement over the baselines of a group."""

    id: HeadlineId
    text: str
    """In Markdown."""
    found: tuple[str, ...]
    """The stacks that it holds on."""
    ran: tuple[str, ...]
    """The stacks of which anything conclusive is known."""


class AnswerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """How a question of the ranking is answered on a stack."""

    question: QuestionId
    stack: str
    answer: Answer
    good: int
    """In how many conclusive trials it is answered well, over all scenarios."""
    of: int
    reason: str


class RankEntry(msgspec.Struct, frozen=True, kw_only=True):
    """An app in the ranking."""

    rank: int
    """From 1; ties share a rank."""
    app: str
    well: int
    """How many questions are answered well."""
    answers: tuple[AnswerEntry, ...]
    elsewhere: tuple[AnswerEntry, ...]
    """The answers on other servers that differ."""


class RecipeVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a recipe in all situations of one kind."""

    kind: Kind
    failures: int
    """In how many conclusive trials the clean-up was not done."""
    of: int
    bound: float
    """The share of failures that these allow, from 0 to 1 (95 %, one-sided): of all disconnects
    together, of each error and shutdown."""


class RecipeEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe that is recommended."""

    recipe: str
    kinds: tuple[Kind, ...]
    """What it is recommended for."""
    verdicts: tuple[RecipeVerdict, ...]
    """One for each of these kinds, which are judged apart."""
    fails: tuple[str, ...]
    """The situations in which it failed."""
    unknown: tuple[str, ...]
    """The situations of which nothing conclusive is known."""


class AdviceEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What to write for an app, on the stacks on which that is the same."""

    app: str
    stacks: tuple[str, ...]
    recommended: tuple[RecipeEntry, ...]


class Group(msgspec.Struct, frozen=True, kw_only=True):
    """What is said of one version set under one Python."""

    versions: str
    python: str
    stacks: tuple[StackEntry, ...]
    """Variants included."""
    headlines: tuple[HeadlineEntry, ...]
    ranking: tuple[RankEntry, ...]
    """The best first; empty if there is no baseline."""
    cleanup: tuple[AdviceEntry, ...]
    """Empty where recipes were not run."""
    not_run: dict[Part, tuple[str, ...]]
    """What a thorough run would add, and the stacks that it is missing on."""


class Place(msgspec.Struct, frozen=True, kw_only=True, order=True):
    """Where a hazard was found."""

    stack: str
    scenario: str


class HazardEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A hazard that was found, and where."""

    id: str
    title: str
    meaning: str
    surface: str
    places: tuple[Place, ...]


class VerdictEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A claim's verdict on a stack, over all scenarios that it was asked in."""

    stack: str
    ruling: Ruling
    confirmed: int
    """In how many trials."""
    refuted: int
    of: int


class ClaimEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A claim, who makes it, and its verdicts."""

    id: str
    text: str
    cited: tuple[str, ...]
    verdicts: tuple[VerdictEntry, ...]


class QuestionEntry(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the ranking."""

    id: QuestionId
    title: str
    rule: str


class JsonReport(msgspec.Struct, frozen=True, kw_only=True):
    """The statements that a report makes of some results."""

    schema: str = msgspec.field(name="$schema")
    """Where its schema is, from where the report is."""
    version: int
    hangup: str
    """The version of hangup that wrote it."""
    questions: tuple[QuestionEntry, ...]
    groups: tuple[Group, ...]
    """What is current comes first."""
    hazards: tuple[HazardEntry, ...]
    claims: tuple[ClaimEntry, ...]


def json_report(context: Context, schema: str) -> JsonReport:
    """The statements of a report; `schema` is where its schema is."""
    return JsonReport(
        schema=schema,
        version=VERSION,
        hangup=hangup.__version__,
        questions=tuple(QuestionEntry(id=q.id, title=q.title, rule=q.rule) for q in QUESTIONS),
        groups=tuple(_group(context, group) for group in context.groups),
        hazards=tuple(map(_hazard, found_hazards(context.outcomes))),
        claims=_claims(context),
    )


def _group(context: Context, group: VersionGroup) -> Group:
    outcomes, guide = context.outcomes, context.guide
    ran = guide.ran(group.stacks)
    return Group(
        versions=group.versions,
        python=group.python,
        stacks=tuple(_stack(outcomes.of(stack).result) for stack in group.with_variants),
        headlines=tuple(map(_headline, headlines(outcomes, group.stacks))),
        ranking=tuple(map(_rank, ranking(outcomes, group.stacks).apps)),
        cleanup=tuple(
            _advice(advice)
            for app in dict.fromkeys(stack.app for stack in ran)
            for advice in guide.advice(app, ran)
        ),
        not_run={missing.what: _ids(missing.stacks) for missing in group.not_run},
    )


def _ids(stacks: Sequence[Stack]) -> tuple[str, ...]:
    return tuple(stack.id for stack in stacks)


def _stack(result: StackResult) -> StackEntry:
    stack, environment = result.stack, result.environment
    return StackEntry(
        id=stack.id,
        versions=stack.versions,
        python=stack.python,
        interpreter=environment.python,
        app=stack.app,
        server=stack.server,
        title=result.title,
        baseline=is_baseline(stack),
        date=result.date,
        packages=environment.packages,
        trials=sum(trial.count for trial in result.trials),
    )


def _headline(found: Headline) -> HeadlineEntry:
    return HeadlineEntry(
        id=found.id, text=HEADLINES[found.id], found=_ids(found.found), ran=_ids(found.ran)
    )


def _rank(ranked: RankedApp) -> RankEntry:
    return RankEntry(
        rank=ranked.rank,
        app=ranked.app,
        well=ranked.well,
        answers=tuple(map(_answer, ranked.answers)),
        elsewhere=tuple(map(_answer, ranked.elsewhere)),
    )


def _answer(answered: Answered) -> AnswerEntry:
    return AnswerEntry(
        question=answered.question.id,
        stack=answered.stack.id,
        answer=answered.answer,
        good=sum(found.good for found in answered.evidence),
        of=sum(found.of for found in answered.evidence),
        reason=answered.reason,
    )


def _advice(advice: Advice) -> AdviceEntry:
    return AdviceEntry(
        app=advice.app,
        stacks=_ids(advice.stacks),
        recommended=tuple(map(_recipe, advice.recommended)),
    )


def _recipe(found: Recommendation) -> RecipeEntry:
    return RecipeEntry(
        recipe=found.recipe.id,
        kinds=found.kinds,
        verdicts=tuple(
            RecipeVerdict(
                kind=verdict.kind,
                failures=verdict.tried.failures,
                of=verdict.tried.of,
                bound=verdict.bound,
            )
            for verdict in found.verdicts
        ),
        fails=tuple(situation.id for situation in found.fails),
        unknown=tuple(situation.id for situation in found.unknown),
    )


def _hazard(found: FoundHazard) -> HazardEntry:
    hazard = found.hazard
    return HazardEntry(
        id=hazard.id,
        title=hazard.title,
        meaning=hazard.meaning,
        surface=hazard.surface,
        places=tuple(Place(stack=cell.stack.id, scenario=cell.scenario) for cell in found.cells),
    )


def _claims(context: Context) -> tuple[ClaimEntry, ...]:
    on: Mapping[str, list[VerdictEntry]] = {claim.id: [] for claim in CLAIMS}
    for verdict in context.verdicts:
        on[verdict.claim].append(
            VerdictEntry(
                stack=verdict.stack.id,
                ruling=verdict.ruling,
                confirmed=sum(case.confirmed for case in verdict.cases),
                refuted=sum(case.refuted for case in verdict.cases),
                of=sum(case.of for case in verdict.cases),
            )
        )
    return tuple(
        ClaimEntry(
            id=claim.id,
            text=claim.text,
            cited=tuple(citation.title for citation in claim.cited),
            verdicts=tuple(on[claim.id]),
        )
        for claim in CLAIMS
    )


def text(report: JsonReport) -> str:
    """The report as a file holds it."""
    return msgspec.json.format(msgspec.json.encode(report), indent=1).decode() + "\n"
