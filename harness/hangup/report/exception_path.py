"""An exception_path as people read it: who asked for it, where it went, and where it stayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from hangup.model.exception_path import (
    FINAL,
    SITE_PACKAGES,
    Disposition,
    ExceptionPath,
    Frame,
    Location,
    coroutine,
)
from hangup.model.trace import StackResult, Trial
from hangup.report.source_links import link

Quote = Callable[[Location], str | None]
"""The source line at a place, if it is at hand."""

STREAMS = "apps/subject/"
"""Below this is the code that every app shares: the stream, its source, the wrapper."""
WRAPPER = f"{STREAMS}boundary.py"


def own_paths(all_of_them: tuple[ExceptionPath, ...]) -> tuple[ExceptionPath, ...]:
    """Those that lead through the stream, its source or what the endpoint does."""
    return tuple(
        exception_path
        for exception_path in all_of_them
        if any(_ours(frame.location) for frame in exception_path.frames)
    )


def _ours(location: Location) -> bool:
    return location.file.startswith(STREAMS) and location.file != WRAPPER


def where(location: Location, stack_result: StackResult) -> str:
    """A place by its package and version."""
    return f"{location.function} ({source(location.file, stack_result)}:{location.line})"


def source(file: str, stack_result: StackResult) -> str:
    """A file by the package and version that it is of."""
    origin = stack_result.distributions.get(file)
    if origin is not None:
        return f"{origin.name} {origin.version}, {file.removeprefix(SITE_PACKAGES)}"
    if file.startswith("python3."):
        return f"{stack_result.environment.python}, {file.partition('/')[2]}"
    return file


def text(exception_path: ExceptionPath, stack_result: StackResult, quote: Quote) -> str:
    """The whole exception_path, a stop a line, with addresses and, where at hand, source lines."""
    return "\n".join(_lines(exception_path, stack_result, quote))


def _lines(exception_path: ExceptionPath, stack_result: StackResult, quote: Quote) -> Iterator[str]:
    first = exception_path.raised_in
    if exception_path.cancelled_by:
        yield f"{first.saw} was asked for by"
        for location in reversed(exception_path.cancelled_by):
            yield from _location(location, stack_result, quote)
    if closed_by_finalizer_hook(exception_path):
        yield f"{first.saw} was thrown by the event loop: nobody referred to the generator any more"
    yield f"{first.saw} {'was delivered' if asked_for(exception_path) else 'was raised'} in"
    before = first
    for frame in exception_path.frames:
        if frame.exception != before.exception:
            another = "another " if frame.saw == before.saw else ""
            yield f"went on as {another}{frame.saw} in"
        before = frame
        yield from _location(frame.location, stack_result, quote, said(frame))
    yield f"and {ending(exception_path, stack_result)}"


def _location(
    location: Location, stack_result: StackResult, quote: Quote, note: str = ""
) -> Iterator[str]:
    ours = "  (hangup's wrapper)" if location.file == WRAPPER else ""
    yield f"    {where(location, stack_result)}{f'  {note}' if note else ''}{ours}"
    code = quote(location)
    if code:
        yield f"        {code}"
    address = link(
        location.file,
        location.line,
        stack_result.distributions.get(location.file),
        stack_result.environment.python,
    )
    if address:
        yield f"        {address}"


def closed_by_finalizer_hook(exception_path: ExceptionPath) -> bool:
    """Whether the event loop closed a generator that was garbage (PEP 525, the finalizer hook).

    It does so in a task that has no coroutine but the generator's own `aclose()`.
    """
    task = exception_path.raised_in.task
    return task is not None and coroutine(task) == "async_generator_athrow"


def asked_for(exception_path: ExceptionPath) -> bool:
    """Whether it was thrown into what was suspended, not raised by running code."""
    return bool(exception_path.cancelled_by) or closed_by_finalizer_hook(exception_path)


def said(frame: Frame) -> str:
    """What became of it there, where that is more than leaving."""
    if frame.disposition is Disposition.PASSED:
        return (
            f"[left, after {frame.handler} in line {frame.handler_line}]" if frame.handler else ""
        )
    taken = frame.disposition in (Disposition.HANDLED, Disposition.RERAISED, Disposition.REPLACED)
    handler = (
        f"{' by' if taken else ', after'} {frame.handler} in line {frame.handler_line}"
        if frame.handler
        else ""
    )
    return f"[{frame.disposition}{handler}]"


def ending(exception_path: ExceptionPath, stack_result: StackResult) -> str:
    """A sentence on where it stayed."""
    end = exception_path.end
    assert end.disposition in FINAL
    match end.disposition:
        case Disposition.HANDLED:
            handler = f" by {end.handler} in line {end.handler_line}" if end.handler else ""
            return f"was absorbed{handler} in {where(end.location, stack_result)}."
        case Disposition.ENDED_TASK:
            if closed_by_finalizer_hook(exception_path):
                return "ended the task that was to close the generator."
            return f"ended the task {coroutine(end.task or '')}; nobody raised it again."
        case Disposition.ENDED_CLOSE:
            return "ended with the close() that had thrown it."
        case _:
            return "left Python code; who took it cannot be told."


def sentence(exception_path: ExceptionPath, stack_result: StackResult) -> str:
    """The exception_path in a sentence of Markdown, with its first, deciding and last places."""
    first = exception_path.raised_in
    said = f"`{first.saw}`"
    if closed_by_finalizer_hook(exception_path):
        said += ", thrown by the event loop because nobody referred to the generator any more,"
    elif exception_path.cancelled_by:
        said += f", asked for by {linked(canceller(exception_path, stack_result), stack_result)},"
    came = "comes up" if asked_for(exception_path) else "is raised"
    said += f" {came} in {linked(first.location, stack_result)}"
    became = [f"`{name}`" for name in exception_path.names[1:]]
    if became:
        said += f", becomes {', then '.join(became)}"
    end = exception_path.end
    match end.disposition:
        case Disposition.HANDLED:
            handler = f"`{end.handler}` in " if end.handler else ""
            return f"{said} and is absorbed by {handler}{linked(end.location, stack_result, end.handler_line)}."
        case Disposition.ENDED_TASK:
            task = coroutine(end.task or "")
            how = (
                "the task that was to close it"
                if closed_by_finalizer_hook(exception_path)
                else f"the task `{task}`"
            )
            return f"{said} and ends {how}; nobody raises it again."
        case Disposition.ENDED_CLOSE:
            return f"{said} and ends there: the call that closed the generator takes it back."
        case _:
            return f"{said} and leaves Python code in {linked(end.location, stack_result)}."


def canceller(exception_path: ExceptionPath, stack_result: StackResult) -> Location:
    """The frame that decided to ask for it: the innermost that does not only pass it on."""
    return next(
        (p for p in exception_path.cancelled_by if _decides(p, stack_result)),
        exception_path.cancelled_by[0],
    )


def _decides(location: Location, stack_result: StackResult) -> bool:
    """Whether a place is not of what cancels on others' behalf."""
    return (
        not location.file.startswith("python3.") and package(location.file, stack_result) != "anyio"
    )


def package(file: str, stack_result: StackResult) -> str:
    """The distribution a file is of, `python` for the standard library, else the file."""
    origin = stack_result.distributions.get(file)
    if origin is not None:
        return origin.name
    return "python" if file.startswith("python3.") else file


def linked(location: Location, stack_result: StackResult, line: int | None = None) -> str:
    """A place in Markdown: the function, and its line linked to where it can be read."""
    at = line or location.line
    address = link(
        location.file,
        at,
        stack_result.distributions.get(location.file),
        stack_result.environment.python,
    )
    text = f"{source(location.file, stack_result)}:{at}"
    return f"`{short(location.function)}` ({f'[{text}]({address})' if address else text})"


def short(function: str) -> str:
    """A function's name without what it is local to, but for the last."""
    return ".".join(function.replace(".<locals>", "").split(".")[-2:])


def steps(exception_path: ExceptionPath, stack_result: StackResult) -> Iterator[str]:
    """The exception_path as items of a Markdown list, from the frame that decided on it."""
    if exception_path.cancelled_by:
        inner = exception_path.cancelled_by[
            : exception_path.cancelled_by.index(canceller(exception_path, stack_result)) + 1
        ]
        calls = ", which calls ".join(
            linked(location, stack_result) for location in reversed(inner)
        )
        yield f"asked for by {calls}"
    before: Frame | None = None
    for frame in exception_path.frames:
        another = "another " if before and frame.saw == before.saw else ""
        same = before is not None and frame.exception == before.exception
        named = "" if same else f"**{another}`{frame.saw}`** in "
        ours = ", hangup's wrapper" if frame.location.file == WRAPPER else ""
        note = said(frame)
        yield f"{named}{linked(frame.location, stack_result)}{ours}{f': {note[1:-1]}' if note else ''}"
        before = frame


def nothing(trial: Trial) -> str:
    """A sentence for a trial in which nothing was thrown into the stream."""
    if trial.failure is not None:
        return f"No answer: {trial.failure}: {trial.note}"
    return "Nothing was thrown into the stream, its source or the endpoint in this trial."
