"""Recipes for clean-up and the situations they are tried in, as data.

Adding a recipe is a file in `apps/recipes/` and an entry here; a scenario is made of every
recipe in every one of its situations (`hangup.model.scenarios`).
"""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from hangup.model.scenario import Disconnect, Precondition, Signal
from hangup.model.script import IDLE, STALLED, Script
from hangup.model.vocabulary import EVENT_SOURCE_OPTIONS

Kind = Literal["disconnect", "error", "shutdown"]
"""What a situation is about: recipes are judged for each by itself."""


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a stream may end before its time; most fields are as in `Scenario`."""

    id: str
    title: str
    kind: Kind
    script: Script
    precondition: Precondition = "waiting"
    disconnect: Disconnect = "closes"
    signal: Signal = ""
    companion: str = ""
    exclusive: bool = False
    may_hang_server: bool = False
    small_buffers: bool = False
    window_s: float | None = None
    samples: int = 5
    """How many further trials there are of a recipe that is recommended, each by itself."""
    only_recommended: bool = False
    """Whether only recipes that are recommended are tried in it."""

    @property
    def own_server(self) -> bool:
        """Whether it ends the server, so that each trial or group of trials has its own."""
        return bool(self.signal)

    @property
    def group(self) -> str:
        """The group in which all recipes that are tried in it are first tried."""
        return "" if self.exclusive else f"recipes-in-{self.id}"


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A way of having clean-up done."""

    id: str
    title: str
    functions: tuple[str, ...]
    """What it is made of, from the inside out: modules of `apps/recipes/`, or what apps call
    of `apps.common.service` to have it done."""
    surface: str | None = None
    """What an app must declare to have the place where this is called; None for streams."""
    situations: tuple[Situation, ...] = ()
    """The situations it is tried in; `SITUATIONS`, if none is named."""
    awaited_at_shutdown: bool = False
    """Whether the application's shutdown waits for the clean-up, so that it may outlast the call
    of the app."""
    isolation_group: str = ""
    """What it changes of the process: at shutdown, recipes that change the same have a server
    of their own, so that the others are seen as they are without it."""


def _shutdown(
    id_: str, title: str, signal: Signal = "sigterm", *, script: Script = IDLE, **fields: Any
) -> Situation:
    return Situation(
        id=id_,
        title=title,
        kind="shutdown",
        script=script,
        signal=signal,
        window_s=6.0,
        **{"disconnect": "stays", **fields},
    )


SITUATIONS = (
    Situation(
        id="idle",
        title="the client closes while the stream awaits its source",
        kind="disconnect",
        script=IDLE,
        samples=20,
    ),
    Situation(
        id="ticking",
        title="the client closes while an event goes out every 20 ms",
        kind="disconnect",
        script=Script(events=300, pause_ms=20),
        precondition="streaming",
        samples=20,
    ),
    Situation(
        id="backpressure",
        title="the client has stopped reading a stream that awaits its source, and closes",
        kind="disconnect",
        script=STALLED,
        precondition="stalled",
        small_buffers=True,
        window_s=4.0,
        samples=20,
    ),
    Situation(
        id="error",
        title="the source raises an ordinary error after some events",
        kind="error",
        script=Script(events=3, then="raise"),
        precondition="ended",
        disconnect="stays",
    ),
    _shutdown(
        "shutdown",
        "the server gets SIGTERM while the stream awaits its source",
        # One stream that is over may be what ends all others (hypercorn 0.18,
        # asyncio/run.py: `gather` of the connections), so there is always one more.
        companion="shutdown",
    ),
    _shutdown(
        "shutdown-stalled",
        "the server gets SIGTERM while the client has stopped reading",
        script=STALLED,
        precondition="stalled",
        small_buffers=True,
    ),
    _shutdown(
        "shutdown-during-cleanup",
        "the client closes, and the server gets SIGTERM 0.1 s into a clean-up that takes 2 s",
        script=msgspec.structs.replace(IDLE, cleanup_ms=2000),
        disconnect="closes",
    ),
    _shutdown(
        "shutdown-sigint",
        "the server gets SIGINT while the stream awaits its source",
        "sigint",
        only_recommended=True,
    ),
    _shutdown(
        "shutdown-twice",
        "the server gets SIGTERM twice while the stream awaits its source",
        "sigterm-twice",
        only_recommended=True,
    ),
    _shutdown(
        "shutdown-group",
        "all processes of the server get SIGTERM while the stream awaits its source",
        "sigterm-group",
        only_recommended=True,
    ),
)

FLOOD = Situation(
    id="firehose",
    title="the client closes while a stream without end awaits nothing of its own",
    kind="disconnect",
    script=Script(events=10**12, size=64),
    precondition="flooded",
    exclusive=True,
    may_hang_server=True,
    window_s=1.0,
)

RECIPES = (
    Recipe(
        id="try-finally",
        title="a plain `await` in `finally`",
        functions=("try_finally",),
    ),
    Recipe(
        id="except-cancelled",
        title="a plain `await` in `except asyncio.CancelledError`",
        functions=("except_cancelled",),
    ),
    Recipe(
        id="anyio-shield",
        title="`finally` awaits in a shielded AnyIO cancel scope with a deadline",
        functions=("anyio_shield",),
    ),
    Recipe(
        id="aclosing",
        title="`anyio-shield` in an inner generator, closed by `contextlib.aclosing`",
        functions=("aclosing_source",),
    ),
    Recipe(
        id="dependency",
        title="a dependency with `yield`, shielded after that with a deadline",
        functions=("closing", "dependency"),
        surface="dependency",
    ),
    Recipe(
        id="background",
        title="the response's background task",
        functions=("closing", "background"),
        surface="background",
    ),
    Recipe(
        id="close-handler",
        title="the handler that is called when the client has closed",
        functions=("closing", "client_closed"),
        surface="hook:client_close_handler",
    ),
    Recipe(
        id="detached-task",
        title="`finally` starts a task and does not wait for it",
        functions=("detached_task",),
    ),
    Recipe(
        id="waited-task",
        title="`finally` starts a task and waits for it as long as it is let",
        functions=("waited_task",),
    ),
    Recipe(
        id="lifespan-task",
        title="`finally` starts a task, which the shutdown of the application waits for",
        functions=("lifespan_task",),
        awaited_at_shutdown=True,
        isolation_group="lifespan",
    ),
    Recipe(
        id="shutdown-aware",
        title="`anyio-shield`, and the stream ends at SIGTERM or SIGINT",
        functions=("until_shutdown", "anyio_shield"),
        isolation_group="signals",
    ),
    Recipe(
        id="shutdown-aware-task",
        title="`waited-task`, and the stream ends at SIGTERM or SIGINT",
        functions=("until_shutdown", "waited_task"),
        isolation_group="signals",
    ),
    Recipe(
        id="shutdown-aware-dependency",
        title="`dependency`, and the stream ends at SIGTERM or SIGINT",
        functions=("until_shutdown", "dependency"),
        surface="dependency",
        isolation_group="signals",
    ),
    Recipe(
        id="sse-starlette-shutdown",
        title="`anyio-shield`, and the stream ends at sse-starlette's `shutdown_event`",
        functions=("event_source_shutdown", "anyio_shield"),
        surface=EVENT_SOURCE_OPTIONS,
        isolation_group="signals",
    ),
    Recipe(
        id="shutdown-aware-lifespan",
        title="`lifespan-task`, and the stream ends at SIGTERM or SIGINT",
        functions=("until_shutdown", "lifespan_task"),
        awaited_at_shutdown=True,
        isolation_group="lifespan-and-signals",
    ),
    Recipe(
        id="send-timeout",
        title="`shutdown-aware-lifespan`, closed as well if its client takes nothing for 5 s",
        functions=("until_shutdown", "lifespan_task", "send_timeout"),
        awaited_at_shutdown=True,
        isolation_group="lifespan-and-signals",
    ),
    Recipe(
        id="checkpoint",
        title="`anyio-shield`, and `asyncio.sleep(0)` before each event",
        functions=("checkpoint", "anyio_shield"),
        situations=(FLOOD,),
    ),
)

BY_ID = {recipe.id: recipe for recipe in RECIPES}


def whole_title(recipe: Recipe) -> str:
    """What a recipe does, with the titles of others that it names in the place of their ids."""

    def spelled_out(match: re.Match[str]) -> str:
        other = BY_ID.get(match[1])
        return match[0] if other is None else whole_title(other)

    return re.sub(r"`([\w-]+)`", spelled_out, recipe.title)


RECIPES_BY_SITUATION: tuple[tuple[Recipe, Situation], ...] = tuple(
    (recipe, situation)
    for situation in (*SITUATIONS, FLOOD)
    for recipe in sorted(RECIPES, key=lambda recipe: recipe.isolation_group)
    if situation in (recipe.situations or SITUATIONS)
)
"""Every recipe in every one of its situations, situation by situation; those that share a server
are side by side."""


def scenario_id(recipe: Recipe, situation: Situation) -> str:
    """The id of the scenario that tries a recipe in a situation."""
    return f"{recipe.id}-in-{situation.id}"


TRIED_BY = {scenario_id(recipe, s): (recipe, s) for recipe, s in RECIPES_BY_SITUATION}
"""By scenario: which recipe it tries, and in which situation."""
