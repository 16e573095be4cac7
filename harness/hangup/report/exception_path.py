"""An exception path as people read it: what cancelled, the frames, and what handled it.

As plain text for a terminal, and as sentences and lists in Markdown.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hangup.model.exception_path import (
    FINAL,
    SITE_PACKAGES,
    WRAPPER_FILES,
    Disposition,
    ExceptionPath,
    Frame,
    Location,
    coroutine,
)
from hangup.model.trace import StackResult, Trial
from hangup.report.source_links import source_link

SourceLine = Callable[[Location], str | None]
"""Gives the line of code at a location, if it is at hand."""
Link = Callable[[str, str], str]
"""Makes a link of a text and an address."""

WRAPPER_NOTE = "hangup's ASGI wrapper"


# ---------------------------------------------------------------------------- where


def file_in_words(file: str, result: StackResult) -> str:
    """A file by the distribution and version that it is of."""
    distribution = result.distributions.get(file)
    if distribution is not None:
        below = file.removeprefix(SITE_PACKAGES)
        return f"{distribution.name} {distribution.version}, {below}"
    if file.startswith("python3."):
        return f"{result.environment.python}, {file.partition('/')[2]}"
    return file


def package(file: str, result: StackResult) -> str:
    """The distribution a file is of, `python` for the standard library, else the file."""
    distribution = result.distributions.get(file)
    if distribution is not None:
        return distribution.name
    return "python" if file.startswith("python3.") else file


def short(function: str) -> str:
    """A function's name without what it is local to, but for the last."""
    return ".".join(function.replace(".<locals>", "").split(".")[-2:])


def _address(location: Location, line: int, result: StackResult) -> str | None:
    distribution = result.distributions.get(location.file)
    return source_link(location.file, line, distribution, result.environment.python)


# ---------------------------------------------------------------------------- who cancelled


def closed_by_finalizer_hook(path: ExceptionPath) -> bool:
    """Whether the event loop closed a generator that was garbage (PEP 525, the finalizer hook).

    It does so in a task that has no coroutine but the generator's own `aclose()`.
    """
    task = path.raised_in.task
    return task is not None and coroutine(task) == "async_generator_athrow"


def thrown_in(path: ExceptionPath) -> bool:
    """Whether it was thrown into suspended code, not raised by running code."""
    return bool(path.cancelled_by) or closed_by_finalizer_hook(path)


def canceller(path: ExceptionPath, result: StackResult) -> Location:
    """The frame that decided to cancel: the innermost one that does not act for another."""
    return next(
        (location for location in path.cancelled_by if _decides(location, result)),
        path.cancelled_by[0],
    )


def _decides(location: Location, result: StackResult) -> bool:
    """Whether a location is not in what cancels on behalf of others."""
    return not location.file.startswith("python3.") and package(location.file, result) != "anyio"


def _verb(path: ExceptionPath) -> str:
    return "closed" if path.raised_in.saw == "GeneratorExit" else "cancelled"


# ---------------------------------------------------------------------------- plain text


def text(path: ExceptionPath, result: StackResult, source_line: SourceLine) -> str:
    """The whole path, a frame a line, with addresses and, where at hand, source lines."""
    return "\n".join(_lines(path, result, source_line))


def _lines(path: ExceptionPath, result: StackResult, source_line: SourceLine) -> Iterator[str]:
    first = path.raised_in
    if path.cancelled_by:
        yield f"{_verb(path)} by"
        for location in reversed(path.cancelled_by):
            yield from _location_lines(location, result, source_line)
    if closed_by_finalizer_hook(path):
        yield "closed by the event loop: nothing referred to the generator any more"
    yield f"{first.saw} {'thrown into' if thrown_in(path) else 'raised in'}"
    before = first
    for frame in path.frames:
        if frame.exception != before.exception:
            another = "another " if frame.saw == before.saw else ""
            yield f"then {another}{frame.saw} in"
        before = frame
        note = f"[{became}]" if (became := disposition(frame)) else ""
        yield from _location_lines(frame.location, result, source_line, note)
    yield _ending(path, result)


def _location_lines(
    location: Location, result: StackResult, source_line: SourceLine, note: str = ""
) -> Iterator[str]:
    where = f"{location.function} ({file_in_words(location.file, result)}:{location.line})"
    ours = f"({WRAPPER_NOTE})" if location.file in WRAPPER_FILES else ""
    yield "    " + "  ".join(part for part in (where, note, ours) if part)
    code = source_line(location)
    if code:
        yield f"        {code}"
    address = _address(location, location.line, result)
    if address:
        yield f"        {address}"


def disposition(frame: Frame) -> str:
    """What became of an exception in a frame, where that is more than leaving it."""
    handler = f"{frame.handler} in line {frame.handler_line}" if frame.handler else ""
    if frame.disposition is Disposition.PASSED:
        return f"left, after {handler}" if handler else ""
    if not handler:
        return str(frame.disposition)
    match frame.disposition:
        case Disposition.HANDLED:
            return f"handled by {handler}"
        case Disposition.RERAISED | Disposition.REPLACED:
            return f"caught by {handler}, {frame.disposition}"
        case _:
            return f"{frame.disposition}, after {handler}"


def _ending(path: ExceptionPath, result: StackResult) -> str:
    end = path.end
    assert end.disposition in FINAL
    match end.disposition:
        case Disposition.HANDLED:
            handler = f"by {end.handler} in line {end.handler_line} " if end.handler else ""
            where = f"{end.location.function} ({file_in_words(end.location.file, result)}"
            return f"handled {handler}in {where}:{end.location.line})"
        case Disposition.ENDED_TASK if closed_by_finalizer_hook(path):
            return "ended the task that was to close the generator"
        case Disposition.ENDED_TASK:
            return f"ended the task {coroutine(end.task or '')}; nothing raised it again"
        case Disposition.ENDED_CLOSE:
            return "ended with the close() that had thrown it"
        case _:
            return "left Python code; what caught it is not known"


# ---------------------------------------------------------------------------- Markdown


def sentence(path: ExceptionPath, result: StackResult) -> str:
    """The path in a sentence: its first location, what it became, and what handled it."""
    first, end = path.raised_in, path.end
    said = f"`{first.saw}`"
    if closed_by_finalizer_hook(path):
        said += ", thrown by the event loop because nothing referred to the generator any more,"
    elif path.cancelled_by:
        said += f", from a `{_call(path)}` in {_linked(canceller(path, result), result)},"
    said += f" is raised in {_linked(first.location, result)}"
    became = [f"`{name}`" for name in path.names[1:]]
    if became:
        said += f", becomes {', then '.join(became)}"
    match end.disposition:
        case Disposition.HANDLED:
            handler = f"`{end.handler}` in " if end.handler else ""
            where = _linked(end.location, result, end.handler_line)
            return f"{said} and is handled by {handler}{where}."
        case Disposition.ENDED_TASK if closed_by_finalizer_hook(path):
            return f"{said} and ends the task that was to close it."
        case Disposition.ENDED_TASK:
            return f"{said} and ends the task `{coroutine(end.task or '')}`; nothing re-raises it."
        case Disposition.ENDED_CLOSE:
            return f"{said} and ends there: `close()` swallows it."
        case _:
            return f"{said} and leaves Python code in {_linked(end.location, result)}."


def _call(path: ExceptionPath) -> str:
    return "close()" if path.raised_in.saw == "GeneratorExit" else "cancel()"


def inline_link(text: str, address: str) -> str:
    """A link that has its address with it."""
    return f"[{text}]({address})"


def steps(path: ExceptionPath, result: StackResult, link: Link = inline_link) -> Iterator[str]:
    """The path as items of a list, from the frame that decided to cancel."""
    if path.cancelled_by:
        inner = path.cancelled_by[: path.cancelled_by.index(canceller(path, result)) + 1]
        calls = ", which calls ".join(
            _linked(location, result, link=link) for location in reversed(inner)
        )
        yield f"{_verb(path)} by {calls}"
    before: Frame | None = None
    for frame in path.frames:
        another = "another " if before is not None and frame.saw == before.saw else ""
        same = before is not None and frame.exception == before.exception
        name = "" if same else f"**{another}`{frame.saw}`** in "
        ours = f", {WRAPPER_NOTE}" if frame.location.file in WRAPPER_FILES else ""
        note = f": {became}" if (became := disposition(frame)) else ""
        yield f"{name}{_linked(frame.location, result, link=link)}{ours}{note}"
        before = frame


def nothing_thrown(trial: Trial) -> str:
    """A sentence for a trial in which nothing was thrown into the stream."""
    if trial.failure is not None:
        return f"Inconclusive: {trial.failure}: {trial.note}"
    return "Nothing was thrown into the stream, its source or the endpoint in this trial."


def _linked(
    location: Location, result: StackResult, line: int | None = None, link: Link = inline_link
) -> str:
    """A location: the function, and its line linked to where it can be read."""
    at = line or location.line
    where = f"{file_in_words(location.file, result)}:{at}"
    address = _address(location, at, result)
    return f"`{short(location.function)}` ({link(where, address) if address else where})"
