"""The seven questions that apps are ranked by, as data: what each is called, and its rule."""

from __future__ import annotations

from typing import Literal, get_args

import msgspec

from hangup.model.cleanup import BY_ID as RECIPES_BY_ID
from hangup.model.cleanup import SITUATIONS
from hangup.model.cleanup import scenario_id as recipe_scenario
from hangup.model.hazards import DISCONNECTS
from hangup.model.scenario import ABORTING, Scenario
from hangup.model.scenarios import BY_ID, ERRORS_IN_STREAM
from hangup.model.vocabulary import ExplainedWord

QuestionId = Literal["told", "source", "failure", "quiet", "await", "others", "shutdown"]
"""What the questions are called in code and data, in their order."""


class Answer(ExplainedWord):
    """How a question is answered on a stack, from the best to the worst."""

    WELL = "well", "in every conclusive trial"
    PARTLY = "partly", "in some trials, which counts as not well"
    NOT_WELL = "not well", "in no trial"
    UNKNOWN = "unknown", "not run or inconclusive, which counts as not well"


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """One of the questions, and what it is asked in."""

    id: QuestionId
    title: str
    """What stands above its column."""
    rule: str
    """When it is answered well, as what follows the title in a list."""
    good: str
    """What a trial shows that answers it well, as a clause."""
    fault: str
    """What one shows that does not."""
    scenarios: tuple[str, ...]


ENDPOINT = "before-response"
"""The scenario in which it is the endpoint that is to be told, and not the stream."""
PLAIN_AWAIT = RECIPES_BY_ID["try-finally"]
"""The recipe that awaits in `finally`, and nothing more."""


def _awaits(scenario: Scenario) -> bool:
    """Whether what is disconnected ever awaits: what does not, nothing can be raised in.

    Plain generators do not, nor do streams that yield without end or pause; one that polls asks
    for the disconnect by itself.
    """
    script = scenario.script
    waits = script.pause_ms or script.then == "wait" or script.endpoint == "wait"
    return bool(waits or script.holds_last) and not script.polls and scenario.needs != "sync"


HANGUPS = tuple(
    name for name in DISCONNECTS if BY_ID[name].disconnect in ABORTING and _awaits(BY_ID[name])
)
"""The ways of hanging up on something that awaits: what a stack can tell of and should."""
_SHUTDOWN = BY_ID["shutdown"]

QUESTIONS: tuple[Question, ...] = (
    Question(
        id="told",
        title="Told of a hang-up",
        rule="something is raised in the stream within the window, by code and not by the "
        "interpreter that reclaims it, in every way of hanging up on a stream that awaits; before "
        "the response, in the endpoint, where that is not the stream itself. Not asked of streams "
        "that never await, that poll, or that are plain generators, nor of a client that closes "
        "its sending side only",
        good="told",
        fault="not told",
        scenarios=HANGUPS,
    ),
    Question(
        id="source",
        title="Source closed",
        rule="where a hang-up ends the stream, what it reads from ends too: something is raised "
        "in it, or its last reference goes; no garbage collection is needed",
        good="the source is closed",
        fault="the source is not closed",
        scenarios=tuple(name for name in HANGUPS if name != ENDPOINT),
    ),
    Question(
        id="failure",
        title="Failure shows",
        rule="a stream that raises looks failed to its client: it is cut off, or has another "
        "status than 200",
        good="the client sees the failure",
        fault="the client does not see the failure",
        scenarios=ERRORS_IN_STREAM,
    ),
    Question(
        id="quiet",
        title="No alarms",
        rule="no hang-up at all has an exception handler, the server's error log or an error "
        "reporter called; hooks that a framework calls for each request are not counted, nor is "
        "a hang-up that leaves the event loop blocked",
        good="quiet",
        fault="handled or logged as an error",
        scenarios=DISCONNECTS,
    ),
    Question(
        id="await",
        title="`finally` may await",
        rule="a plain `await` in the `finally` of a stream that is told of a hang-up finishes",
        good="it finishes",
        fault="it is cut short",
        scenarios=(
            "cleanup-await",
            *(recipe_scenario(PLAIN_AWAIT, s) for s in SITUATIONS if s.kind == "disconnect"),
        ),
    ),
    Question(
        id="others",
        title="Others are served",
        rule="while a stream without end never awaits anything of its own, another request to the "
        "same process is answered",
        good="others are answered",
        fault="others are not answered",
        scenarios=("firehose",),
    ),
    Question(
        id="shutdown",
        title="Shutdown ends",
        rule=f"the process ends within {_SHUTDOWN.window_s:g} s of SIGTERM while a stream is open "
        "whose client reads",
        good="it ends",
        fault=f"it has not ended within {_SHUTDOWN.window_s:g} s",
        scenarios=(_SHUTDOWN.id,),
    ),
)

assert tuple(question.id for question in QUESTIONS) == get_args(QuestionId)
