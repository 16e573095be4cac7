"""What the pages of apps say, in words: cells, differences, verdicts. Data in, Markdown out."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from hangup.analysis.minority import AppVerdict
from hangup.model import servers
from hangup.model.claim import Ruling
from hangup.model.effect import Pair
from hangup.model.outcomes import ObservationCount
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack, StackResult
from hangup.model.vocabulary import Surface, Word, surface_title
from hangup.report import markdown
from hangup.report.apps import ChangedBy, Difference, Seen, ServerEntry
from hangup.report.cleanup import RecipeIn, Written
from hangup.report.views import Agreeing

NOT_THERE = "\N{EN DASH}"
"""What a cell says of a surface that there is not."""
_RULINGS: Mapping[Ruling, str] = {
    Ruling.CONFIRMED: "true",
    Ruling.REFUTED: "false",
    Ruling.MIXED: "true in part",
}
_ALARMS = (Surface.ERROR_REPORT, Surface.SPAN)
"""What a variant adds that reports errors elsewhere."""
_AFTERWARDS: Mapping[str, str] = {
    Word.FINISHED: "ends after the client has left",
    Word.ALREADY_FINISHED: "has ended before the client leaves",
    Word.FINISHED_AFTER_APP: "ends after the application has returned",
    Word.DID_NOT_RUN: "does not run",
    Word.STILL_RUNNING: "is still running when the window closes",
    Word.GARBAGE_COLLECTED: "is left to the garbage collector",
}
"""What is said of a dependency or a background task in a sentence."""


def agreed(found: Sequence[Agreeing], separator: str = "<br>") -> str:
    """What was seen in a cell, each of the servers that differ named."""
    if not found:
        return NOT_THERE
    return _by_server([(one.stacks, markdown.spread(one.observations)) for one in found], separator)


def entries(found: Sequence[ServerEntry], nothing: str) -> str:
    """What several surfaces saw, each of the servers that differ named."""
    return _by_server([(one.stacks, _entries(one) or nothing) for one in found], "<br>")


def _entries(found: ServerEntry) -> str:
    return "<br>".join(
        f"{', '.join(map(_short, entry.surfaces))}: {_in_narrow_cell(entry.observations)}"
        for entry in found.entries
    )


def _in_narrow_cell(observations: Sequence[ObservationCount]) -> str:
    """What was seen; a group is told from its members, so that the line can be broken there."""
    return re.sub(r"`(\w+)\[([^`]+)\]`", r"`\1` of `\2`", markdown.spread(observations))


def _by_server(texts: Sequence[tuple[Sequence[Stack], str]], separator: str) -> str:
    if len(texts) == 1:
        return texts[0][1]
    return separator.join(
        f"{', '.join(stack.server for stack in stacks)}: {text}" for stacks, text in texts
    )


def title(surface: str) -> str:
    """What a surface is called where there is no sentence around it."""
    return surface_title(surface).removeprefix("the ")


def what_differs(difference: Difference, named: int) -> str:
    """A surface and the scenarios in which it differs, the first of them named."""
    names = difference.scenarios
    titles = "; ".join(BY_ID[name].title for name in names[:named])
    more = f"; and {len(names) - named} more" if len(names) > named else ""
    return f"**{markdown.first_upper(title(difference.surface))}**: {titles}{more}"


_SHORT: Mapping[str, str] = {
    Surface.DEPENDENCY: "dependency",
    Surface.BACKGROUND: "background",
    Surface.UPSTREAM: "upstream",
    Surface.SERVER_LOG: "error log",
    Surface.EXIT: "process",
}
"""What is enough below the heading of a column."""


def _short(surface: str) -> str:
    return _SHORT.get(surface) or title(surface)


def afterwards(observations: Sequence[ObservationCount]) -> str:
    """What became of a dependency or a background task, to follow on its name."""
    (first, *others) = observations
    if others or first.n < first.of or first.saw not in _AFTERWARDS:
        return f"comes out as: {markdown.spread(observations)}"
    return _AFTERWARDS[first.saw]


def seen_by(seen: Seen, stacks: Sequence[Stack]) -> str:
    """A surface that saw something, of how many hang-ups and where, as part of a sentence."""
    found, ran = len(seen.among.found), len(seen.among.ran)
    share = "all scenarios" if found >= ran else f"{found} of {ran} scenarios"
    on = "" if len(seen.stacks) == len(stacks) else f" on {_servers(seen.stacks)}"
    return f"{surface_title(seen.surface)} (in {share}{on})"


def _servers(stacks: Iterable[Stack]) -> str:
    return ", ".join(dict.fromkeys(stack.server for stack in stacks))


def under(pairs: Sequence[Pair], stacks: Sequence[Stack]) -> str:
    """Under which version sets and Pythons, and on which servers if not on all."""
    places: dict[tuple[str, str], list[str]] = defaultdict(list)
    on: dict[tuple[str, str], list[str]] = defaultdict(list)
    for pair in pairs:
        on[pair.b.versions, pair.b.python].append(pair.b.server)
    for (versions, python), names in on.items():
        where = "" if len(names) == len(stacks) else f" on {', '.join(names)}"
        places[versions, where].append(python)
    return "<br>".join(
        f"`{versions}`, Python {' and '.join(pythons)}{where}"
        for (versions, where), pythons in places.items()
    )


def verdict(found: AppVerdict) -> str:
    """What a claim comes to on an app."""
    if found.ruling is not Ruling.MIXED:
        return _RULINGS[found.ruling]
    return f"true in {found.confirmed} of {found.of} cases"


def ruling(found: Ruling) -> str:
    """A verdict in a word or three."""
    return _RULINGS[found]


def and_then(written: Written) -> list[tuple[str, RecipeIn, int]]:
    """What there is to know of a recipe beside its figures: what to say, of what, and of how many.

    Where it is said of several situations, the first one stands for all.
    """
    said: dict[str, list[RecipeIn]] = defaultdict(list)
    said["fails"] += written.fails
    said["not known"] += written.unknown
    said["done only when the stream has completed"] += written.after_completion
    for found, n, of in written.stays:
        said[f"process still running {n}/{of}"].append(found)
    return [(what, found[0], len(found)) for what, found in said.items() if found]


def changed_by(changed: ChangedBy, baseline: StackResult, variant: StackResult) -> str:
    """What is changed, such as `with GZipMiddleware`."""
    stack = variant.stack
    if stack.app != baseline.stack.app:
        return variant.title.removeprefix(baseline.title).lstrip(", ")
    if changed.kind.variant:
        return servers.server_title(stack.server)
    return f"{stack.server} in place of {baseline.stack.server}"


def page_on(changed: ChangedBy, variant: StackResult) -> str:
    """The page that has all that one thing changes."""
    if changed.kind.factor == "app":
        alarms = any(surface in variant.surfaces for surface in _ALARMS)
        return "alarms.md" if alarms else "middleware.md"
    known = servers.BY_ID.get(variant.stack.server)
    return "shutdown.md" if known is not None and known.shutdown_only else "servers.md"
