"""Recipes for clean-up and the situations they are tried in, as data.

Adding a recipe is a file in `apps/recipes/` and an entry here; a scenario is made of every
recipe in every one of its situations (`hangup.model.scenarios`).
"""

from __future__ import annotations

import msgspec

from hangup.model.scenario import Disconnect, Precondition, Signal
from hangup.model.script import IDLE, Script


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a stream may end before its time; fields are as in `Scenario`."""

    id: str
    title: str
    script: Script
    precondition: Precondition = "waiting"
    disconnect: Disconnect = "closes"
    signal: Signal = ""
    group: str = ""
    companion: str = ""
    exclusive: bool = False
    may_hang_server: bool = False
    own_server: bool = False
    small_buffers: bool = False
    window_s: float | None = None


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
    """The situations it is tried in; the five there are, if none is named."""
    isolation_group: str = ""
    """What it changes of the process: at SIGTERM, recipes that change the same have a server
    of their own, so that the others are seen as they are without it."""


SITUATIONS = (
    Situation(
        id="idle",
        title="the client closes while the stream awaits its source",
        script=IDLE,
        group="recipes-in-idle",
    ),
    Situation(
        id="ticking",
        title="the client closes while an event goes out every few milliseconds",
        script=Script(events=300, pause_ms=20),
        precondition="streaming",
        group="recipes-in-ticking",
    ),
    Situation(
        id="error",
        title="the source raises an ordinary error after some events",
        script=Script(events=3, then="raise"),
        precondition="ended",
        disconnect="stays",
        group="recipes-in-error",
    ),
    Situation(
        id="backpressure",
        title="the client has stopped reading, and closes",
        script=Script(events=32, size=65536),
        precondition="stalled",
        group="recipes-in-backpressure",
        small_buffers=True,
        window_s=4.0,
    ),
    Situation(
        id="shutdown",
        title="the server gets SIGTERM while the stream awaits its source",
        script=IDLE,
        # One stream that is over may be what ends all others (hypercorn 0.18,
        # asyncio/run.py: `gather` of the connections), so there is always one more.
        disconnect="stays",
        signal="sigterm",
        own_server=True,
        group="recipes-in-shutdown",
        companion="shutdown",
        window_s=6.0,
    ),
)

FLOOD = Situation(
    id="firehose",
    title="the client closes while a stream without end awaits nothing of its own",
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
        id="dependency",
        title="the teardown of a dependency",
        functions=("dependency_teardown",),
        surface="dependency",
    ),
    Recipe(
        id="background",
        title="the response's background task",
        functions=("background",),
        surface="background",
    ),
    Recipe(
        id="close-handler",
        title="the handler that is called when the client has closed",
        functions=("client_closed",),
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
        id="anyio-shield",
        title="`finally` awaits in a shielded AnyIO cancel scope with a deadline",
        functions=("anyio_shield",),
    ),
    Recipe(
        id="aclosing",
        title="the same in an inner generator, closed by `contextlib.aclosing`",
        functions=("aclosing_source",),
    ),
    Recipe(
        id="shutdown-aware",
        title="`anyio-shield`, and the stream ends at SIGTERM",
        functions=("until_sigterm", "anyio_shield"),
        isolation_group="sigterm",
    ),
    Recipe(
        id="shutdown-aware-task",
        title="`waited-task`, and the stream ends at SIGTERM",
        functions=("until_sigterm", "waited_task"),
        isolation_group="sigterm",
    ),
    Recipe(
        id="shutdown-aware-dependency",
        title="`dependency`, and the stream ends at SIGTERM",
        functions=("until_sigterm", "dependency_teardown"),
        surface="dependency",
        isolation_group="sigterm",
    ),
    Recipe(
        id="checkpoint",
        title="`anyio-shield`, and `asyncio.sleep(0)` before each event",
        functions=("checkpoint",),
        situations=(FLOOD,),
    ),
)

BY_ID = {recipe.id: recipe for recipe in RECIPES}


RECIPES_BY_SITUATION: tuple[tuple[Recipe, Situation], ...] = tuple(
    (recipe, situation)
    for situation in (*SITUATIONS, FLOOD)
    for recipe in RECIPES
    if situation in (recipe.situations or SITUATIONS)
)
"""Every recipe in every one of its situations, situation by situation."""


def scenario_id(recipe: Recipe, situation: Situation) -> str:
    """The id of the scenario that tries a recipe in a situation."""
    return f"{recipe.id}-in-{situation.id}"
