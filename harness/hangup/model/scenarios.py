"""The scenarios, as data: adding one is adding an entry.

`script` is what the stream does (`hangup.model.script`), `precondition` is the state the
stream must be in, `disconnect` is how the client then leaves.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import msgspec
from msgspec.structs import replace

from hangup.model.cleanup import RECIPES_BY_SITUATION, Recipe, Situation, scenario_id
from hangup.model.scenario import Scenario
from hangup.model.script import IDLE, STALLED, Script


def _disconnect(id_: str, title: str, question: str, **fields: Any) -> Scenario:
    return Scenario(id=id_, title=title, question=question, kind="disconnect", **fields)


def _control(id_: str, title: str, question: str, **fields: Any) -> Scenario:
    return Scenario(
        id=id_,
        title=title,
        question=question,
        kind="control",
        precondition="ended",
        disconnect="stays",
        **fields,
    )


def _cleanup(how: str, title: str, question: str) -> Scenario:
    return Scenario(
        id=f"cleanup-{how}",
        title=title,
        question=question,
        kind="cleanup",
        script=replace(IDLE, cleanup=how),
    )


def _shutdown(how: str, title: str, question: str, **fields: Any) -> Scenario:
    defaults: dict[str, Any] = {"script": IDLE, "disconnect": "stays", "signal": "sigterm"}
    return Scenario(
        id=f"shutdown-{how}" if how else "shutdown",
        title=title,
        question=question,
        kind="operator",
        own_server=True,
        window_s=6.0,
        **(defaults | fields),
    )


def _recipe(recipe: Recipe, situation: Situation) -> Scenario:
    group = situation.group
    if situation.own_server and recipe.isolation_group:
        group = f"{group}-{recipe.isolation_group}"
    return Scenario(
        id=scenario_id(recipe, situation),
        title=f"clean-up by {recipe.title}, when {situation.title}",
        question=f"Clean-up by {recipe.title}: is it done when {situation.title}?",
        kind="recipe",
        thorough=True,
        script=replace(situation.script, recipe="+".join(recipe.functions)),
        surface=recipe.surface,
        precondition=situation.precondition,
        disconnect=situation.disconnect,
        signal=situation.signal,
        exclusive=situation.exclusive,
        may_hang_server=situation.may_hang_server,
        own_server=situation.own_server,
        window_s=situation.window_s,
        small_buffers=situation.small_buffers,
        group=group,
        companion=situation.companion,
        samples=situation.samples,
        only_recommended=situation.only_recommended,
    )


SCENARIOS: tuple[Scenario, ...] = (
    _disconnect(
        "idle",
        "the client closes while the stream awaits its source",
        "The stream is suspended, awaiting its source, when the client closes: what sees it?",
        script=IDLE,
        proof=True,
    ),
    _disconnect(
        "ticking",
        "the client closes while events go out",
        "An event goes out every few milliseconds when the client closes: what sees it?",
        script=Script(events=200, pause_ms=5),
        precondition="streaming",
        exclusive=True,
        repeat_factor=4,
    ),
    _disconnect(
        "relay",
        "the client closes a stream that relays an upstream",
        "The stream relays, through httpx, what an upstream server goes on sending, and the "
        "client closes: when is the upstream connection closed, and how many events are sent "
        "after the client left?",
        script=Script(pause_ms=10),
        relays=True,
        thorough=True,
        precondition="streaming",
        exclusive=True,
    ),
    _disconnect(
        "before-first-event",
        "the client closes before the first event",
        "The response has begun, no event has been yielded yet, and the client closes.",
        script=Script(events=0, then="wait"),
    ),
    _disconnect(
        "before-response",
        "the client closes before the endpoint has answered",
        "The endpoint is still awaiting something before it answers, and the client closes.",
        script=Script(endpoint="wait"),
    ),
    _disconnect(
        "backpressure",
        "the client has stopped reading, and closes",
        "The client has stopped reading a stream that waits between its events, and closes: what "
        "sees it?",
        script=STALLED,
        precondition="stalled",
        small_buffers=True,
        window_s=4.0,
    ),
    _disconnect(
        "backpressure-busy",
        "the client has stopped reading a stream that never awaits, and closes",
        "As `backpressure`, but the stream has 400 events of 64 KiB and never awaits anything of "
        "its own.",
        script=Script(events=400, size=65536),
        precondition="stalled",
        exclusive=True,
        window_s=4.0,
    ),
    _disconnect(
        "relay-stalled",
        "the client has stopped reading a stream that relays an upstream, and closes",
        "As `relay`, with events of 64 KiB, but the client has stopped reading before it "
        "closes, so that the stream takes nothing more from its upstream.",
        script=Script(pause_ms=10, size=65536),
        relays=True,
        thorough=True,
        precondition="stalled",
        exclusive=True,
    ),
    _disconnect(
        "firehose",
        "the client closes a stream without end that never awaits",
        "A stream without end never awaits anything of its own when the client closes: does "
        "another request to the same server still get an answer?",
        script=Script(events=10**12, size=64),
        precondition="flooded",
        exclusive=True,
        may_hang_server=True,
        window_s=1.0,
    ),
    _disconnect(
        "sync",
        "the client closes a plain generator",
        "The stream is a plain generator with blocking waits, and the client closes.",
        script=Script(events=15, pause_ms=100),
        precondition="streaming",
        path="/sync-events",
        needs="sync",
    ),
    _disconnect(
        "nested",
        "the client closes while the stream awaits between two items of its source",
        "The stream awaits something while its source is suspended at a `yield`, and the "
        "client closes: is the source closed too?",
        script=Script(events=3, holds_last=True),
    ),
    _disconnect(
        "polling",
        "the client closes a stream that polls `is_disconnected()`",
        "As `ticking`, while the stream asks the request before each event whether its client "
        "has gone, and ends if so.",
        script=Script(events=400, pause_ms=5, polls=True),
        precondition="streaming",
        exclusive=True,
        needs="is-disconnected",
        repeat_factor=2,
        thorough=True,
    ),
    _disconnect(
        "polling-firehose",
        "the client closes a stream that awaits nothing but `is_disconnected()`",
        "As `firehose`, but all that the stream awaits is to ask, before each event, whether "
        "its client has gone: it ends if so.",
        script=Script(events=10**12, size=64, polls=True),
        precondition="flooded",
        exclusive=True,
        may_hang_server=True,
        needs="is-disconnected",
        window_s=1.0,
        thorough=True,
    ),
    _disconnect(
        "post",
        "the client closes an idle stream that a POST opened",
        "As `idle`, for a POST with a JSON body.",
        script=IDLE,
        method="POST",
    ),
    _disconnect(
        "idle-rst",
        "the client resets the connection of an idle stream",
        "As `idle`, but the connection is reset (RST).",
        script=IDLE,
        disconnect="resets",
    ),
    _disconnect(
        "idle-half-close",
        "the client closes its sending side only",
        "As `idle`, but the client only closes its sending side and goes on reading.",
        script=IDLE,
        disconnect="half-closes",
    ),
    _disconnect(
        "idle-timeout",
        "the client's read timeout expires",
        "As `idle`, but an httpx client gives up after its read timeout.",
        script=IDLE,
        disconnect="times-out",
    ),
    _control(
        "complete",
        "the stream ends by itself",
        "Nobody hangs up: what do the surfaces see of a stream that ends by itself?",
        script=Script(events=5, pause_ms=1),
        proof=True,
    ),
    _control(
        "plain-error",
        "a plain endpoint raises an ordinary error",
        "A plain JSON endpoint raises `ValueError`: who sees an ordinary error?",
        script=Script(endpoint="raise"),
        path="/plain",
        proof=True,
    ),
    _control(
        "plain-app-error",
        "a plain endpoint raises an error with a handler of its own",
        "A plain JSON endpoint raises the application error that has its own handler.",
        script=Script(endpoint="raise-app-error"),
        path="/plain",
        proof=True,
    ),
    _control(
        "plain-cancelled",
        "a plain endpoint raises `CancelledError`",
        "A plain JSON endpoint raises `CancelledError` itself: does a handler for it exist?",
        script=Script(endpoint="raise-cancelled"),
        path="/plain",
        proof=True,
    ),
    _control(
        "error-in-endpoint",
        "the streaming endpoint raises before it has a stream",
        "The streaming endpoint raises `ValueError` before it has a stream.",
        script=Script(endpoint="raise"),
    ),
    _control(
        "error-before-first-event",
        "the stream raises before its first event",
        "The stream raises `ValueError` before its first event.",
        script=Script(events=0, then="raise"),
    ),
    _control(
        "error-mid-stream",
        "the stream raises after some events",
        "The stream raises `ValueError` after some events.",
        script=Script(events=3, then="raise"),
        proof=True,
    ),
    _control(
        "app-error-mid-stream",
        "the stream raises, after some events, an error with a handler of its own",
        "The stream raises, after some events, the application error that has its own handler.",
        script=Script(events=3, then="raise-app-error"),
    ),
    _control(
        "timeout-in-stream",
        "an `asyncio.timeout` expires in the stream",
        "An `asyncio.timeout` expires inside the stream.",
        script=replace(IDLE, timeout_ms=300),
    ),
    _cleanup(
        "await",
        "the stream, cancelled, awaits its clean-up",
        "Notified, the stream just awaits its clean-up.",
    ),
    _cleanup(
        "asyncio-shield",
        "the stream awaits its clean-up behind `asyncio.shield`",
        "It awaits its clean-up behind `asyncio.shield`.",
    ),
    _cleanup(
        "anyio-shield",
        "the stream awaits its clean-up in a shielded AnyIO scope",
        "It awaits its clean-up in a shielded AnyIO cancel scope.",
    ),
    _cleanup(
        "task",
        "the stream leaves its clean-up to a new task",
        "It leaves its clean-up to a new task on the loop.",
    ),
    _cleanup(
        "threadsafe",
        "the stream submits its clean-up with `run_coroutine_threadsafe`",
        "It submits its clean-up to the loop with `run_coroutine_threadsafe`.",
    ),
    _cleanup(
        "swallow",
        "the stream swallows the cancellation and goes on",
        "It catches the cancellation and goes on yielding.",
    ),
    _shutdown(
        "",
        "SIGTERM while a stream is open",
        "The operator sends SIGTERM while a stream is open: is the stream notified, and does the "
        "process exit by itself?",
    ),
    _shutdown(
        "stalled",
        "SIGTERM while a client has stopped reading",
        "The operator sends SIGTERM while a client has stopped reading a stream that waits "
        "between its events: is the stream notified, and does the process exit?",
        script=STALLED,
        precondition="stalled",
        small_buffers=True,
        thorough=True,
    ),
    _shutdown(
        "during-cleanup",
        "SIGTERM during a clean-up after a hang-up",
        "The client closes, and the operator sends SIGTERM 100 ms into a clean-up of 2 s in a "
        "shielded AnyIO cancel scope: does it finish, and does the process exit?",
        script=replace(IDLE, cleanup="anyio-shield", cleanup_ms=2000),
        disconnect="closes",
        thorough=True,
    ),
    _shutdown(
        "sigint",
        "SIGINT while a stream is open",
        "As `shutdown`, with SIGINT.",
        signal="sigint",
        thorough=True,
    ),
    _shutdown(
        "twice",
        "SIGTERM twice while a stream is open",
        "As `shutdown`, and SIGTERM once more half a second later if the process is still there.",
        signal="sigterm-twice",
        thorough=True,
    ),
    _shutdown(
        "group",
        "SIGTERM to all processes while a stream is open",
        "As `shutdown`, with SIGTERM to all processes of the server, as systemd sends it.",
        signal="sigterm-group",
        thorough=True,
    ),
    *(_recipe(recipe, situation) for recipe, situation in RECIPES_BY_SITUATION),
)

# Converted, so that an entry with an unknown word is rejected when this is imported.
BY_ID = {
    scenario.id: msgspec.convert(msgspec.to_builtins(scenario), Scenario) for scenario in SCENARIOS
}

CAPABILITIES = frozenset(s.needs for s in SCENARIOS if s.needs is not None)
"""What scenarios may need that an app cannot do."""
ERRORS_IN_STREAM = (
    "error-before-first-event",
    "error-mid-stream",
    "app-error-mid-stream",
    "timeout-in-stream",
)
"""The scenarios in which an async generator raises while nobody leaves."""


def fits(scenario: Scenario, surfaces: Collection[str], unsupported: Collection[str]) -> bool:
    """Whether an app that declares these surfaces and capabilities has what a scenario needs."""
    placed = scenario.surface is None or scenario.surface in surfaces
    return placed and scenario.needs not in unsupported
