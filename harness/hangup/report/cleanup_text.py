"""What a footnote says of a recipe that is recommended. In Markdown."""

from __future__ import annotations

from collections.abc import Iterable

from hangup.analysis.cleanup import CleanupResult
from hangup.model.cleanup import Situation
from hangup.report import markdown
from hangup.report.cleanup_tables import Line

_APPS_NAMED = 3
"""So many other apps are named, of more their number is told."""


def remark(line: Line) -> str:
    """Where it fails, what is not known, and what else there is to say; empty if nothing is."""
    return ". ".join(markdown.first_upper(part) for part in _parts(line))


def _parts(line: Line) -> Iterable[str]:
    written, kinds = line.written, line.kinds
    by_result: dict[str, list[Situation]] = {}
    for found in written.fails:
        if found.situation.kind in kinds:
            by_result.setdefault(found.tried.worst, []).append(found.situation)
    for result, situations in by_result.items():
        yield f"*{result}* {_when(situations)}"
    unknown = [found.situation for found in written.unknown if found.situation.kind in kinds]
    if unknown:
        yield f"Not known {_when(unknown)}"
    late = [f.situation for f in written.after_completion if f.situation.kind in kinds]
    if late:
        yield f"Only *{CleanupResult.AT_END}* {_when(late)}"
    stays = [(f, n, of) for f, n, of in written.stays if f.situation.kind in kinds]
    if stays:
        shares = ", ".join(f"when {found.situation.title} ({n}/{of})" for found, n, of in stays)
        yield f"The process had not exited when the window closed {shares}"
    if not written.recommendation.by_itself:
        yield "Not all of its trials were run by themselves"
    if line.row.shutdowns_only:
        yield "Nothing but shutdowns was tried on these servers"
    yield from _better(line)


def _better(line: Line) -> Iterable[str]:
    """Where fewer situations fail: said with what is recommended for all of them."""
    advice = line.row.advice
    if line.written is not line.row.written[-1] or line.kinds != line.written.recommendation.kinds:
        return
    where = []
    if advice.better_servers:
        where.append(f"with this app on {' or '.join(advice.better_servers)}")
    if advice.better_apps:
        apps = advice.better_apps
        few = len(apps) <= _APPS_NAMED
        named = ", ".join(apps) if few else f"{len(apps)} of the other apps"
        server = "this server" if len(advice.servers) == 1 else "each of these servers"
        where.append(f"on {server} with {named}")
    if where:
        what = "shutdowns" if line.row.shutdowns_only else "situations"
        yield f"Fewer {what} fail {'; '.join(where)}"


def _when(situations: Iterable[Situation]) -> str:
    return ", ".join(f"when {situation.title}" for situation in situations)
