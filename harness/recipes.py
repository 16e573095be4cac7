"""Ways of cleaning up and the situations they are tried in, as data.

Adding a recipe is a function in `apps/subject/recipes.py` and an entry here; the catalogue
makes a scenario of every recipe in every one of its situations.
"""

from __future__ import annotations

from typing import Any

import msgspec

IDLE = {"events": 3, "then": "wait"}


class Situation(msgspec.Struct, frozen=True, kw_only=True):
    """A way in which a stream may end before its time."""

    id: str
    title: str
    script: dict[str, Any]
    fields: dict[str, Any]
    """The other fields of its scenarios (`harness.catalogue.Scenario`)."""


class Recipe(msgspec.Struct, frozen=True, kw_only=True):
    """A way of having clean-up done."""

    id: str
    title: str
    functions: tuple[str, ...]
    """What it is made of, from the inside out: streams in `apps/subject/recipes.py`, or what
    apps call of `service` to have it done."""
    surface: str | None = None
    """What an app must declare to have the place where this is called; None for streams."""
    situations: tuple[Situation, ...] = ()
    """The situations it is tried in; the five there are, if none is named."""
    apart: str = ""
    """What it changes of the process; SIGTERM finds those that change the same on a server of
    their own, so that the others are seen as they are without it."""


SITUATIONS = (
    Situation(
        id="idle",
        title="the client closes while the stream awaits its source",
        script=IDLE,
        fields={"together": "recipes-in-idle"},
    ),
    Situation(
        id="ticking",
        title="the client closes while an event goes out every few milliseconds",
        script={"events": 300, "pause_ms": 20},
        fields={"until": "streaming", "together": "recipes-in-ticking"},
    ),
    Situation(
        id="error",
        title="the source raises an ordinary error after some events",
        script={"events": 3, "then": "raise"},
        fields={"until": "ended", "leave": "stays", "together": "recipes-in-error"},
    ),
    Situation(
        id="backpressure",
        title="the client has stopped reading, and closes",
        script={"events": 32, "size": 65536},
        fields={
            "until": "stalled",
            "together": "recipes-in-backpressure",
            "small_buffers": True,
            "window_s": 4.0,
        },
    ),
    Situation(
        id="shutdown",
        title="the server gets SIGTERM while the stream awaits its source",
        script=IDLE,
        fields={
            "leave": "sigterm",
            "own_server": True,
            "together": "recipes-in-shutdown",
            # One stream that is over may be what ends all others (hypercorn 0.18,
            # asyncio/run.py: `gather` of the connections), so there is always one more.
            "beside": "shutdown",
            "window_s": 6.0,
        },
    ),
)

FLOOD = Situation(
    id="firehose",
    title="the client closes while a stream without end awaits nothing of its own",
    script={"events": 10**12, "size": 64},
    fields={"until": "flooded", "alone": True, "spoils": True, "window_s": 1.0},
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
        apart="sigterm",
    ),
    Recipe(
        id="shutdown-aware-task",
        title="`waited-task`, and the stream ends at SIGTERM",
        functions=("until_sigterm", "waited_task"),
        apart="sigterm",
    ),
    Recipe(
        id="shutdown-aware-dependency",
        title="`dependency`, and the stream ends at SIGTERM",
        functions=("until_sigterm", "dependency_teardown"),
        surface="dependency",
        apart="sigterm",
    ),
    Recipe(
        id="checkpoint",
        title="`anyio-shield`, and `asyncio.sleep(0)` before each event",
        functions=("checkpoint",),
        situations=(FLOOD,),
    ),
)

BY_ID = {recipe.id: recipe for recipe in RECIPES}


def tried() -> list[tuple[Recipe, Situation]]:
    """Every recipe in every one of its situations, situation by situation."""
    return [
        (recipe, situation)
        for situation in (*SITUATIONS, FLOOD)
        for recipe in RECIPES
        if situation in (recipe.situations or SITUATIONS)
    ]


def scenario_id(recipe: Recipe, situation: Situation) -> str:
    """The id of the scenario that tries a recipe in a situation."""
    return f"{recipe.id}-in-{situation.id}"
