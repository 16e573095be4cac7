"""What trials say of the claims: claims and outcomes in, verdicts out. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from hangup.analysis.classification import ORDINARY_ERROR
from hangup.analysis.conditions import decide, why_undecided
from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.model import scenarios, servers
from hangup.model.claim import Case, Claim, ClaimVerdict, Ruling, Undecided, ruling
from hangup.model.claims import CLAIMS
from hangup.model.conditions import Condition, PathCondition, PathQuestion
from hangup.model.exception_path import APPS, SITE_PACKAGES, ExceptionPath, Frame
from hangup.model.outcomes import Outcome
from hangup.model.trace import StackResult
from hangup.model.vocabulary import HOOK, OPTIONAL

PathsByScenario = Mapping[str, tuple[ExceptionPath, ...]]
"""The paths through the stream, its source or the endpoint."""


def verdicts(outcomes: Outcomes, claims: Sequence[Claim] = CLAIMS) -> list[ClaimVerdict]:
    """Every claim's verdict on every stack; by stack, then in the order of the claims."""
    return [
        verdict(claim, of_stack)
        for of_stack in sorted(outcomes.stacks, key=lambda o: o.stack)
        for claim in claims
    ]


def verdict(claim: Claim, outcomes: StackOutcomes) -> ClaimVerdict:
    """A claim's verdict on one stack."""
    result = outcomes.result
    if not _applies(claim, result):
        return ClaimVerdict(claim=claim.id, stack=result.stack, ruling=Ruling.NOT_APPLICABLE)
    asked = [
        name
        for name in claim.scenarios
        if scenarios.fits(scenarios.BY_ID[name], result.surfaces, result.unsupported)
    ]
    if isinstance(claim.condition, PathCondition):
        cases, undecided = _by_paths(claim.condition, asked, outcomes)
    else:
        cases, undecided = _by_trials(claim.condition, asked, outcomes)
    came_to = ruling(sum(case.confirmed for case in cases), sum(case.refuted for case in cases))
    return ClaimVerdict(
        claim=claim.id,
        stack=result.stack,
        ruling=came_to,
        cases=tuple(cases),
        undecided=undecided if came_to is Ruling.INCONCLUSIVE else None,
    )


def _by_trials(
    condition: Condition, asked: Sequence[str], outcomes: StackOutcomes
) -> tuple[list[Case], Undecided]:
    cases = []
    undecided: list[Outcome] = []
    for scenario in asked:
        answers: Counter[bool | None] = Counter()
        for trial in outcomes.of(scenario):
            answer = decide(condition, trial)
            answers[answer] += trial.trial.count
            if answer is None:
                undecided.append(trial)
        cases.append(_case(scenario, answers))
    return cases, _undecided(condition, undecided)


def _by_paths(
    condition: PathCondition, asked: Sequence[str], outcomes: StackOutcomes
) -> tuple[list[Case], Undecided]:
    paths = outcomes.exception_paths
    answer = _PATH_QUESTIONS[condition.question]
    cases = [
        _case(scenario, Counter([answer(paths, scenario)] if scenario in paths else []))
        for scenario in asked
    ]
    return cases, Undecided(ran=bool(paths))


def _case(scenario: str, answers: Counter[bool | None]) -> Case:
    return Case(
        scenario=scenario,
        confirmed=answers[True],
        refuted=answers[False],
        of=answers.total(),
    )


def _undecided(condition: Condition, trials: Sequence[Outcome]) -> Undecided:
    """Why no trial decided: it was not run, or what was seen instead, most frequent first."""
    if not trials:
        return Undecided(ran=False)
    seen: Counter[tuple[str | None, tuple[str, ...]]] = Counter()
    for trial in trials:
        failure = trial.trial.failure
        if failure is not None:
            seen[None, (failure,)] += trial.trial.count
        else:
            seen[why_undecided(condition, trial)] += trial.trial.count
    found, saws = min(seen, key=lambda key: (-seen[key], key[0] or "", ", ".join(key[1])))
    return Undecided(ran=True, surface=found, saws=saws)


def _applies(claim: Claim, result: StackResult) -> bool:
    """Whether a stack has what a claim is about: the surfaces, a capability, the server."""
    server = servers.BY_ID.get(result.stack.server)
    if claim.module is not None and (server is None or server.module != claim.module):
        return False
    optional = {s for s in claim.condition.surfaces if s in OPTIONAL or s.startswith(HOOK)}
    if not optional <= set(result.surfaces):
        return False
    return any(
        scenarios.fits(scenarios.BY_ID[name], result.surfaces, result.unsupported)
        for name in claim.scenarios
    )


# ---------------------------------------------------------------------------- exception paths


def cancelled_by_another_task(paths: PathsByScenario, scenario: str) -> bool | None:
    """Whether the stream's cancellation was requested by another task than its own.

    What the event loop itself calls runs in no task: who had it called is not known.
    """
    for path in paths.get(scenario, ()):
        task = path.raised_in.task
        cancelled = path.raised_in.saw == "CancelledError" and path.cancelled_by
        if cancelled and task and path.cancelled_in:
            return path.cancelled_in != task
    return None


def passes_no_handler(paths: PathsByScenario, scenario: str) -> bool | None:
    """Whether an error passes none of the frames that an endpoint's error is handled by.

    Those are the frames of the framework in which an `except` caught the ordinary error that
    a plain endpoint raised.
    """
    ordinary = paths.get(ORDINARY_ERROR, ())
    handling = {_function(f) for path in ordinary for f in path.frames if _handles(f)}
    found = paths.get(scenario, ())
    if not handling or not found:
        return None
    return not any(_function(frame) in handling for frame in found[0].frames)


_PATH_QUESTIONS: Mapping[PathQuestion, Callable[[PathsByScenario, str], bool | None]] = {
    "cancelled-by-another-task": cancelled_by_another_task,
    "passes-no-handler": passes_no_handler,
}
_NOT_THE_FRAMEWORK = {"anyio", *(server.module for server in servers.SERVERS)}


def _function(frame: Frame) -> tuple[str, str]:
    return frame.location.file, frame.location.function


def _handles(frame: Frame) -> bool:
    if frame.handler is None or not frame.handler.startswith("except"):
        return False
    file = frame.location.file
    if file.startswith(SITE_PACKAGES):
        return file.removeprefix(SITE_PACKAGES).partition("/")[0] not in _NOT_THE_FRAMEWORK
    return file.startswith(APPS) and file.count("/") == 1
