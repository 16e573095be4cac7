"""How the apps of some stacks answer seven questions, and their rank. Pure: outcomes in, data out.

A question is asked of every trial of its scenarios, and is answered well if each conclusive trial
of each scenario says so. A scenario that only thorough runs have is asked where it was run; one
that every run has must have been, or the answer is unknown. What an app cannot do, and what does
not arise in a trial, is not asked. The questions and their rules are in `hangup.model.ranking`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from enum import Enum, auto

import msgspec

from hangup.analysis.cleanup import WORKS, CleanupResult, cleanup_result
from hangup.analysis.conditions import looks_complete
from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.analysis.summary import FINISHED
from hangup.model import servers
from hangup.model.apps import REFERENCE
from hangup.model.hazards import NOTIFIED
from hangup.model.outcomes import Outcome
from hangup.model.ranking import ENDPOINT, QUESTIONS, Answer, Question, QuestionId
from hangup.model.scenarios import BY_ID, fits
from hangup.model.trace import Stack
from hangup.model.variants import variant_name
from hangup.model.vocabulary import HANDLERS, Surface, Word, is_call, is_exception

_ALARMS = (*HANDLERS, Surface.SERVER_LOG, Surface.ERROR_REPORT)
"""What is to be quiet when nobody made a mistake."""


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """What the trials of one scenario say to a question."""

    scenario: str
    good: int
    """In how many conclusive trials it is answered well."""
    of: int
    """How many conclusive trials there are."""

    @property
    def unanimous(self) -> bool:
        """Whether every conclusive trial answers it well."""
        return self.good == self.of


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """How one question is answered on one stack, and by what."""

    question: Question
    stack: Stack
    evidence: tuple[Evidence, ...]
    """The scenarios that have conclusive trials, those that speak against it first."""
    missing: tuple[str, ...]
    """The scenarios that it is asked in and of which nothing conclusive is known."""

    @property
    def failing(self) -> tuple[Evidence, ...]:
        """The scenarios with a trial that does not answer it well."""
        return tuple(found for found in self.evidence if not found.unanimous)

    @property
    def answer(self) -> Answer:
        """The answer in a word."""
        if self.failing:
            some = any(found.good for found in self.evidence)
            return Answer.PARTLY if some else Answer.NOT_WELL
        return Answer.UNKNOWN if self.missing or not self.evidence else Answer.WELL

    @property
    def well(self) -> bool:
        """Whether it is answered well; what is not known is not."""
        return self.answer is Answer.WELL

    @property
    def reason(self) -> str:
        """Why, in short: what was seen, and in which scenario or how many."""
        if self.failing:
            first = self.failing[0]
            title = BY_ID[first.scenario].title
            share = "" if not first.good else f" ({first.of - first.good}/{first.of})"
            if len(self.failing) > 1:
                title = f"{len(self.failing)} of {len(self.evidence)} scenarios, such as {title}"
            return f"{self.question.fault}: {title}{share}"
        if self.missing or not self.evidence:
            missing = BY_ID[(self.missing or self.question.scenarios)[0]].title
            return f"nothing conclusive is known of: {missing}"
        trials = sum(found.of for found in self.evidence)
        scenarios = f", {len(self.evidence)} scenarios" if len(self.evidence) > 1 else ""
        return f"{self.question.good}: {trials} of {trials} trials{scenarios}"


class RankedApp(msgspec.Struct, frozen=True, kw_only=True):
    """An app, how it answers the questions on the server of the ranking, and its rank."""

    rank: int
    """From 1; apps that answer as many well share it."""
    stack: Stack
    answers: tuple[Answered, ...]
    """One a question, in their order."""
    servers: tuple[str, ...]
    """The servers that it was run on, as a baseline."""
    elsewhere: tuple[Answered, ...]
    """Those of its other servers that differ."""

    @property
    def app(self) -> str:
        """Which app it is."""
        return self.stack.app

    @property
    def well(self) -> int:
        """How many questions are answered well."""
        return sum(answer.well for answer in self.answers)

    @property
    def is_reference(self) -> bool:
        """Whether it is not a framework's app, but the plain ASGI callable of hangup's own."""
        return self.app == REFERENCE

    def on(self, question: QuestionId) -> Answered:
        """Its answer to a question."""
        return next(found for found in self.answers if found.question.id == question)


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """The apps of some stacks, the best first."""

    server: str
    """The server that they are ranked on; empty if there is no baseline."""
    apps: tuple[RankedApp, ...]
    not_ranked: tuple[str, ...]
    """The apps that were not run on that server."""

    @property
    def best(self) -> RankedApp | None:
        """The first in rank that is a framework's app; None if there is none."""
        return next((app for app in self.apps if not app.is_reference), None)

    def of(self, app: str) -> RankedApp | None:
        """Where an app stands; None if it is not ranked."""
        return next((ranked for ranked in self.apps if ranked.app == app), None)


def ranking(outcomes: Outcomes, stacks: Iterable[Stack]) -> Ranking:
    """Rank the baselines among these stacks, which are of one version set and Python.

    That is on the reference server; where nothing was run on it, on the first of theirs.
    """
    baselines = [s for s in stacks if not (variant_name(s.app) or variant_name(s.server))]
    on = {stack.server for stack in baselines}
    server = next((known for known in (servers.REFERENCE, *servers.BY_ID) if known in on), "")
    answers = {stack: answered(outcomes, stack) for stack in baselines}
    here = [stack for stack in baselines if stack.server == server]
    well = {stack: sum(answer.well for answer in answers[stack]) for stack in here}
    ranked = [
        RankedApp(
            rank=1 + sum(others > well[stack] for others in well.values()),
            stack=stack,
            answers=answers[stack],
            servers=tuple(s.server for s in baselines if s.app == stack.app),
            elsewhere=_elsewhere(answers, stack),
        )
        for stack in sorted(here, key=lambda s: (-well[s], s.app == REFERENCE, s.app))
    ]
    return Ranking(
        server=server,
        apps=tuple(ranked),
        not_ranked=tuple(sorted({s.app for s in baselines} - {s.app for s in here})),
    )


def _elsewhere(answers: Mapping[Stack, tuple[Answered, ...]], stack: Stack) -> tuple[Answered, ...]:
    return tuple(
        there
        for other, found in answers.items()
        if other.app == stack.app
        for here, there in zip(answers[stack], found, strict=True)
        if differ(here, there)
    )


def answered(outcomes: Outcomes, stack: Stack) -> tuple[Answered, ...]:
    """How a stack answers each question."""
    of_stack = outcomes.of(stack)
    return tuple(_answered(of_stack, question) for question in QUESTIONS)


def _answered(of_stack: StackOutcomes, question: Question) -> Answered:
    evidence: list[Evidence] = []
    missing: list[str] = []
    for scenario in question.scenarios:
        said = dict.fromkeys(_TrialAnswer, 0)
        for trial in of_stack.of(scenario):
            said[_ask(question.id, trial)] += trial.trial.count
        of = said[_TrialAnswer.YES] + said[_TrialAnswer.NO]
        if of:
            evidence.append(Evidence(scenario=scenario, good=said[_TrialAnswer.YES], of=of))
        elif said[_TrialAnswer.UNKNOWN] or (
            not said[_TrialAnswer.NOT_ASKED] and _every_run(of_stack, scenario)
        ):
            missing.append(scenario)
    return Answered(
        question=question,
        stack=of_stack.stack,
        evidence=tuple(sorted(evidence, key=lambda found: found.good / found.of)),
        missing=tuple(missing),
    )


def _every_run(of_stack: StackOutcomes, scenario: str) -> bool:
    """Whether every run has a scenario for this app."""
    found, result = BY_ID[scenario], of_stack.result
    return not found.thorough and fits(found, result.surfaces, result.unsupported)


class _TrialAnswer(Enum):
    """What a trial says to a question."""

    YES = auto()
    NO = auto()
    UNKNOWN = auto()
    NOT_ASKED = auto()


def _ask(question: QuestionId, trial: Outcome) -> _TrialAnswer:
    failure = trial.trial.failure
    if failure is not None:
        # An endpoint that is the stream itself is never waited for before the response.
        in_stream = failure == Word.NOT_REACHED and trial.trial.scenario == ENDPOINT
        return _TrialAnswer.NOT_ASKED if in_stream else _TrialAnswer.UNKNOWN
    return _RULES[question](trial)


def _told(trial: Outcome) -> _TrialAnswer:
    if trial.trial.scenario == ENDPOINT:
        return _raised(trial.saws[Surface.ENDPOINT], also=frozenset())
    return _raised(trial.saws[Surface.STREAM_END], also=_ENDED)


_ENDED = NOTIFIED | {Word.RAISED, Word.SWALLOWED}
"""How a stream ended that something was raised in."""
_OVER = frozenset({Word.ALREADY_FINISHED, Word.NEVER_STARTED, Word.DID_NOT_RUN})
"""What has ended before, or never begun, says nothing."""


def _raised(saws: Sequence[str], also: frozenset[Word]) -> _TrialAnswer:
    """Whether an exception was raised there, or something else was seen that is as good."""
    if not _OVER.isdisjoint(saws):
        return _TrialAnswer.NOT_ASKED
    return _yes(all(is_exception(saw) or saw in also for saw in saws))


def _source_closed(trial: Outcome) -> _TrialAnswer:
    if not _ENDED.issuperset(trial.saws[Surface.STREAM_END]):
        return _TrialAnswer.NOT_ASKED
    return _raised(trial.saws[Surface.SOURCE], also=frozenset({Word.REFERENCE_DROPPED}))


def _failure_shows(trial: Outcome) -> _TrialAnswer:
    got = trial.saws[Surface.CLIENT]
    return _yes(not any(looks_complete(saw) or saw.endswith(Word.NEVER_ENDED) for saw in got))


def _quiet(trial: Outcome) -> _TrialAnswer:
    saws = {saw for surface in _ALARMS for saw in trial.saws.get(surface, ())}
    if any(map(is_call, saws)):
        return _TrialAnswer.NO
    if Word.NO_ANSWER in trial.saws.get(Surface.LIVENESS, ()):
        return _TrialAnswer.NOT_ASKED  # a blocked event loop calls nobody
    # A handler that was not registered, or that another stands before, is not called either.
    return (
        _TrialAnswer.UNKNOWN
        if Word.INCONCLUSIVE in saws or Word.NOTHING not in saws
        else _TrialAnswer.YES
    )


def _await_finishes(trial: Outcome) -> _TrialAnswer:
    if BY_ID[trial.trial.scenario].kind != "recipe":
        (saw,) = trial.saws[Surface.CLEANUP]
        asked = is_exception(saw) or saw in FINISHED or saw == Word.STILL_RUNNING
        return _yes(saw in FINISHED) if asked else _TrialAnswer.NOT_ASKED
    result = cleanup_result(trial)
    if result in WORKS or result is CleanupResult.OPEN:
        return _TrialAnswer.YES
    return _TrialAnswer.NO if result is CleanupResult.CUT else _TrialAnswer.NOT_ASKED


def _others_served(trial: Outcome) -> _TrialAnswer:
    return _all_are(trial.saws[Surface.LIVENESS], frozenset({Word.ANSWERED}))


def _shutdown_ends(trial: Outcome) -> _TrialAnswer:
    return _all_are(trial.saws[Surface.EXIT], frozenset({Word.EXITED, Word.EXITED_WITH_ERROR}))


def _all_are(saws: Sequence[str], words: frozenset[Word]) -> _TrialAnswer:
    return _yes(words.issuperset(saws)) if saws else _TrialAnswer.UNKNOWN


def _yes(holds: bool) -> _TrialAnswer:
    return _TrialAnswer.YES if holds else _TrialAnswer.NO


_RULES: Mapping[QuestionId, Callable[[Outcome], _TrialAnswer]] = {
    "told": _told,
    "source": _source_closed,
    "failure": _failure_shows,
    "quiet": _quiet,
    "await": _await_finishes,
    "others": _others_served,
    "shutdown": _shutdown_ends,
}
"""How each question is asked of a trial; a test checks that there is a rule for each."""


def differ(one: Answered, other: Answered) -> bool:
    """Whether two stacks answer a question differently, and not by a race.

    Where something is known of both, that is where all trials of a scenario answer it well on one
    and none does on the other.
    """
    if Answer.UNKNOWN in (one.answer, other.answer):
        return one.answer is not other.answer
    return bool(worse(one, other) or worse(other, one))


def worse(before: Answered, after: Answered) -> tuple[str, ...]:
    """The scenarios in which every trial answers a question well on one stack, none on another."""
    well = {found.scenario for found in before.evidence if found.unanimous}
    return tuple(f.scenario for f in after.evidence if f.scenario in well and not f.good)
