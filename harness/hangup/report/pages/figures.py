"""The figures: who cancels whom when the client hangs up, a figure an app and one with middleware.

A figure is there where exceptions were traced and nothing in the trace came out otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping

from hangup.model.trace import Stack
from hangup.model.variants import variant_id
from hangup.report.apps import PLAIN
from hangup.report.links import FIGURES
from hangup.report.pages.context import GENERATED, Context, Pages
from hangup.report.swim_lanes import SwimLanes, swim_lanes
from hangup.report.swim_lanes_svg import svg

HANG_UP = f"{FIGURES}/hang-up.svg"
"""The plain hang-up in one app; which one, `compared` says."""
HANG_UP_WITH_MIDDLEWARE = f"{FIGURES}/hang-up-with-function-middleware.svg"
"""The same in the same app on the same server, with function-style middleware and nothing else."""
COMPARED = "fastapi-streaming"
"""The app that is shown without and with middleware, if there are figures of both; else the first
that there are both of."""
MIDDLEWARE = "function-middleware"


def pages(context: Context) -> Pages:
    """A figure for every app of the first group, and two to compare."""
    drawn = {figure_page(s.app): figure for s, figure in figures(context).items()}
    pair = compared(context)
    if pair is not None:
        drawn[HANG_UP], drawn[HANG_UP_WITH_MIDDLEWARE] = pair[1:]
    return {page: svg(figure, head=GENERATED) for page, figure in drawn.items()}


def figure_page(app: str) -> str:
    """Where the figure of an app is, below the results."""
    return f"{FIGURES}/{app}.svg"


def figures(context: Context) -> Mapping[Stack, SwimLanes]:
    """The figure of each app, on the first of its servers that there is one of."""
    found: dict[Stack, SwimLanes] = {}
    for stacks in context.groups[0].apps.values():
        of_app = ((stack, swim_lanes(context.outcomes.of(stack), PLAIN)) for stack in stacks)
        first = next(((stack, figure) for stack, figure in of_app if figure is not None), None)
        if first is not None:
            found[first[0]] = first[1]
    return found


def compared(context: Context) -> tuple[Stack, SwimLanes, SwimLanes] | None:
    """A stack, its figure, and that of the same with function-style middleware, if there are."""
    group = context.groups[0]
    for stack, figure in sorted(figures(context).items(), key=lambda one: one[0].app != COMPARED):
        variant = variant_id(stack.app, MIDDLEWARE)
        for other in group.with_variants:
            if (other.app, other.server) == (variant, stack.server):
                with_it = swim_lanes(context.outcomes.of(other), PLAIN)
                if with_it is not None:
                    return stack, figure, with_it
    return None
