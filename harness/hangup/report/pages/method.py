"""The page on how it was measured, under what versions, and what the words mean."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import groupby

import msgspec

from hangup.analysis.coverage import tracing_effect
from hangup.analysis.summary import same_events
from hangup.model.trace import Environment, StackResult
from hangup.report.pages.context import Context, Pages
from hangup.report.views import VersionGroup

PAGE = "method.md"
PARTS: Mapping[str, str] = {
    "relays": "streams that relay",
    "polling": "streams that poll for the disconnect",
    "shutdowns": "other shutdowns than by SIGTERM while a stream is open",
    "recipes": "recipes for clean-up",
    "exception-paths": "exception paths",
}
"""What a run that is not thorough leaves out."""


class Packages(msgspec.Struct, frozen=True):
    """The releases that were installed for the stacks of a version set under a Python."""

    group: VersionGroup
    releases: tuple[tuple[str, tuple[str, ...]], ...]
    """By distribution, sorted; several only where stacks differ."""
    environments: tuple[Environment, ...]
    """Where they ran: each that is different in more than its packages."""
    runs: tuple[tuple[str, str, str, int], ...]
    """Date, id and hangup of each run that they are of, and the repeats of a trial in it."""


def pages(context: Context) -> Pages:
    """The page."""
    stacks = [stack for group in context.groups for stack in group.stacks]
    data = {
        "parts": PARTS,
        "tracing": tracing_effect(context.outcomes, stacks),
        "same_events": same_events(context.outcomes),
        "packages": [_packages(context, group) for group in context.groups],
    }
    return {PAGE: context.render(PAGE, "method.md.j2", **data)}


def _packages(context: Context, group: VersionGroup) -> Packages:
    results = [context.outcomes.of(stack).result for stack in group.with_variants]
    releases: dict[str, set[str]] = {}
    for result in results:
        for name, version in result.environment.packages.items():
            releases.setdefault(name, set()).add(version)
    places: list[Environment] = []
    for result in results:
        place = msgspec.structs.replace(result.environment, packages={})
        if place not in places:
            places.append(place)
    return Packages(
        group,
        tuple((name, tuple(sorted(found))) for name, found in sorted(releases.items())),
        tuple(places),
        tuple(key for key, _ in groupby(sorted(map(_run, results)))),
    )


def _run(result: StackResult) -> tuple[str, str, str, int]:
    return result.date, result.run, result.hangup, result.repeats
