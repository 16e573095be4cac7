"""The scenarios, as data: adding one is adding an entry.

`script` is what the stream does (`apps/subject/service.py`, `Script`), `until` is the
state the stream must be in, `leave` is how the client then goes.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Literal

import msgspec

from harness.recipes import IDLE, Recipe, Situation, scenario_id, tried
from harness.trace import Kind

Leave = Literal["stays", "closes", "resets", "half-closes", "times-out", "sigterm"]
"""`closes` is a plain `close()`, `resets` sends a RST, `half-closes` shuts its writing side
and goes on reading, `times-out` is an httpx client with a read timeout; with `sigterm` the
client stays and the operator ends the server."""

Until = Literal["waiting", "streaming", "stalled", "flooded", "ended"]
"""`waiting`: the probe says that something suspends for good; `streaming`: some events have
arrived; `stalled`: nobody reads and the server has stopped taking more; `flooded`: 64
KiB have arrived; `ended`: the response is over."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One question."""

    id: str
    question: str
    kind: Kind
    script: dict[str, Any] = {}
    until: Until = "waiting"
    leave: Leave = "closes"
    method: Literal["GET", "POST"] = "GET"
    path: Literal["/events", "/sync-events", "/plain"] = "/events"
    relays: bool = False
    """Whether the stream relays what a server of the harness's own sends it
    (`harness/upstream.py`); it is that server then that follows the script."""
    needs: str | None = None
    """A capability that an app may lack."""
    alone: bool = False
    """Whether a trial may keep its server so busy that trials beside it would feel it."""
    times: int = 1
    """How many times as often as others it is run, where what it shows is a race."""
    spoils: bool = False
    """Whether a trial may leave a server unfit for the next one, so that it comes last."""
    own_server: bool = False
    """Whether a trial ends its server, so that each has one of its own."""
    window_s: float | None = None
    """How long a negative is waited for, if not as long as in other scenarios."""
    small_buffers: bool = False
    """Whether the client asks for small buffers and segments as on Ethernet, not those that a
    loopback interface has by itself: so that many streams at once are soon stalled."""
    together: str = ""
    """The scenarios of a group run at once, on one server, repeat by repeat; empty for none."""
    beside: str = ""
    """A scenario that is run once more beside the group, and of which nothing is kept."""
    surface: str | None = None
    """A surface that an app must have declared."""
    thorough: bool = False
    """Whether only thorough runs have it, and those that ask for it by name."""
    proof: bool = False
    """Whether it proves that surfaces are in place, and so belongs to every run."""


def _leaving(id_: str, question: str, **fields: Any) -> Scenario:
    return Scenario(id=id_, question=question, kind="disconnect", **fields)


def _control(id_: str, question: str, **fields: Any) -> Scenario:
    return Scenario(
        id=id_, question=question, kind="control", until="ended", leave="stays", **fields
    )


def _cleanup(way: str, question: str) -> Scenario:
    return Scenario(
        id=f"cleanup-{way}", question=question, kind="cleanup", script=IDLE | {"cleanup": way}
    )


def _recipe(recipe: Recipe, situation: Situation) -> Scenario:
    fields = dict(situation.fields)
    if recipe.apart and fields.get("own_server"):
        fields["together"] += f"-{recipe.apart}"
    return Scenario(
        id=scenario_id(recipe, situation),
        question=f"Clean-up by {recipe.title}: is it certain when {situation.title}?",
        kind="recipe",
        thorough=True,
        script=situation.script | {"recipe": "+".join(recipe.functions)},
        surface=recipe.surface,
        **fields,
    )


SCENARIOS: tuple[Scenario, ...] = (
    _leaving(
        "idle",
        "The stream is suspended, awaiting its source, when the client closes: who hears of it?",
        script=IDLE,
        proof=True,
    ),
    _leaving(
        "ticking",
        "An event goes out every few milliseconds when the client closes: who hears of it?",
        script={"events": 200, "pause_ms": 5},
        until="streaming",
        alone=True,
        times=4,
    ),
    _leaving(
        "relay",
        "The stream relays, through httpx, what an upstream server goes on sending, and the "
        "client closes: when does the upstream hear of it, and what has it sent for nobody?",
        script={"pause_ms": 10},
        relays=True,
        thorough=True,
        until="streaming",
        alone=True,
    ),
    _leaving(
        "before-first-event",
        "The response has begun, no event has been yielded yet, and the client closes.",
        script={"events": 0, "then": "wait"},
    ),
    _leaving(
        "before-response",
        "The endpoint is still awaiting something before it answers, and the client closes.",
        script={"endpoint": "wait"},
    ),
    _leaving(
        "backpressure",
        "The client has stopped reading a stream of 400 events of 64 KiB, and closes.",
        script={"events": 400, "size": 65536},
        until="stalled",
        alone=True,
        window_s=4.0,
    ),
    _leaving(
        "relay-stalled",
        "As `relay`, with events of 64 KiB, but the client has stopped reading before it "
        "closes, so that the stream takes nothing more from its upstream.",
        script={"pause_ms": 10, "size": 65536},
        relays=True,
        thorough=True,
        until="stalled",
        alone=True,
    ),
    _leaving(
        "firehose",
        "A stream without end never awaits anything of its own when the client closes: does "
        "another request to the same server still get an answer?",
        script={"events": 10**12, "size": 64},
        until="flooded",
        alone=True,
        spoils=True,
        window_s=1.0,
    ),
    _leaving(
        "sync",
        "The stream is a plain generator with blocking waits, and the client closes.",
        script={"events": 15, "pause_ms": 100},
        until="streaming",
        path="/sync-events",
        needs="sync",
    ),
    _leaving(
        "nested",
        "The stream awaits something while its source is suspended at a `yield`, and the "
        "client closes: is the source closed too?",
        script={"events": 3, "holds_last": True},
    ),
    _leaving(
        "polling",
        "As `ticking`, while the stream asks the request before each event whether its client "
        "has gone, and ends if so.",
        script={"events": 400, "pause_ms": 5, "polls": True},
        until="streaming",
        alone=True,
        needs="is-disconnected",
        times=2,
        thorough=True,
    ),
    _leaving(
        "polling-firehose",
        "As `firehose`, but all that the stream awaits is to ask, before each event, whether "
        "its client has gone: it ends if so.",
        script={"events": 10**12, "size": 64, "polls": True},
        until="flooded",
        alone=True,
        spoils=True,
        needs="is-disconnected",
        window_s=1.0,
        thorough=True,
    ),
    _leaving(
        "post",
        "As `idle`, for a POST with a JSON body.",
        script=IDLE,
        method="POST",
    ),
    _leaving(
        "idle-rst",
        "As `idle`, but the connection is reset (RST).",
        script=IDLE,
        leave="resets",
    ),
    _leaving(
        "idle-half-close",
        "As `idle`, but the client only closes its sending side and goes on reading.",
        script=IDLE,
        leave="half-closes",
    ),
    _leaving(
        "idle-timeout",
        "As `idle`, but an httpx client gives up after its read timeout.",
        script=IDLE,
        leave="times-out",
    ),
    _control(
        "complete",
        "Nobody hangs up: what do the surfaces see of a stream that ends by itself?",
        script={"events": 5, "pause_ms": 1},
        proof=True,
    ),
    _control(
        "plain-error",
        "A plain JSON endpoint raises `ValueError`: who sees an ordinary error?",
        script={"endpoint": "raise"},
        path="/plain",
        proof=True,
    ),
    _control(
        "plain-app-error",
        "A plain JSON endpoint raises the application error that has its own handler.",
        script={"endpoint": "raise-app-error"},
        path="/plain",
        proof=True,
    ),
    _control(
        "plain-cancelled",
        "A plain JSON endpoint raises `CancelledError` itself: does a handler for it exist?",
        script={"endpoint": "raise-cancelled"},
        path="/plain",
        proof=True,
    ),
    _control(
        "error-in-endpoint",
        "The streaming endpoint raises `ValueError` before it has a stream.",
        script={"endpoint": "raise"},
    ),
    _control(
        "error-before-first-event",
        "The stream raises `ValueError` before its first event.",
        script={"events": 0, "then": "raise"},
    ),
    _control(
        "error-mid-stream",
        "The stream raises `ValueError` after some events.",
        script={"events": 3, "then": "raise"},
        proof=True,
    ),
    _control(
        "app-error-mid-stream",
        "The stream raises, after some events, the application error that has its own handler.",
        script={"events": 3, "then": "raise-app-error"},
    ),
    _control(
        "timeout-in-stream",
        "An `asyncio.timeout` expires inside the stream.",
        script=IDLE | {"timeout_ms": 300},
    ),
    _cleanup("await", "Told to stop, the stream just awaits its clean-up."),
    _cleanup("asyncio-shield", "It awaits its clean-up behind `asyncio.shield`."),
    _cleanup("anyio-shield", "It awaits its clean-up in a shielded AnyIO cancel scope."),
    _cleanup("task", "It leaves its clean-up to a new task on the loop."),
    _cleanup("threadsafe", "It submits its clean-up to the loop with `run_coroutine_threadsafe`."),
    _cleanup("swallow", "It catches the cancellation and carries on yielding."),
    Scenario(
        id="shutdown",
        question="The operator sends SIGTERM while a stream is open: does the stream hear of "
        "it, and does the process exit by itself?",
        kind="operator",
        script=IDLE,
        leave="sigterm",
        own_server=True,
        window_s=6.0,
    ),
    *(_recipe(recipe, situation) for recipe, situation in tried()),
)

# Converted, so that an entry with a word that there is not is refused at once.
BY_ID = {
    scenario.id: msgspec.convert(msgspec.to_builtins(scenario), Scenario) for scenario in SCENARIOS
}


def fits(scenario: Scenario, surfaces: Collection[str], lacks: Collection[str]) -> bool:
    """Whether an app that declares these surfaces and lacks has what a scenario takes."""
    placed = scenario.surface is None or scenario.surface in surfaces
    return placed and scenario.needs not in lacks
