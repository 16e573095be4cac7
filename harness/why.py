"""An itinerary as people read it: who asked for it, where it went, and where it stayed."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from harness.itinerary import FINAL, Fate, Itinerary, Place, Stop, coroutine
from harness.links import link
from harness.packages import SITE
from harness.trace import Part, Trial

Quote = Callable[[Place], str | None]
"""The source line at a place, if it is at hand."""

STREAMS = "apps/subject/"
"""Below this is the code that every app shares: the stream, its source, the wrapper."""
WRAPPER = f"{STREAMS}boundary.py"


def own_paths(all_of_them: tuple[Itinerary, ...]) -> tuple[Itinerary, ...]:
    """Those that lead through the stream, its source or what the endpoint does."""
    return tuple(
        itinerary for itinerary in all_of_them if any(_ours(stop.place) for stop in itinerary.stops)
    )


def _ours(place: Place) -> bool:
    return place.file.startswith(STREAMS) and place.file != WRAPPER


def where(place: Place, part: Part) -> str:
    """A place by its package and version."""
    return f"{place.function} ({source(place.file, part)}:{place.line})"


def source(file: str, part: Part) -> str:
    """A file by the package and version that it is of."""
    origin = part.origins.get(file)
    if origin is not None:
        return f"{origin.name} {origin.version}, {file.removeprefix(SITE)}"
    if file.startswith("python3."):
        return f"{part.environment.python}, {file.partition('/')[2]}"
    return file


def text(itinerary: Itinerary, part: Part, quote: Quote) -> str:
    """The whole itinerary, a stop a line, with addresses and, where at hand, source lines."""
    return "\n".join(_lines(itinerary, part, quote))


def _lines(itinerary: Itinerary, part: Part, quote: Quote) -> Iterator[str]:
    first = itinerary.delivered
    if itinerary.asked:
        yield f"{first.saw} was asked for by"
        for place in reversed(itinerary.asked):
            yield from _place(place, part, quote)
    if by_hook(itinerary):
        yield f"{first.saw} was thrown by the event loop: nobody referred to the generator any more"
    yield f"{first.saw} {'was delivered' if asked_for(itinerary) else 'was raised'} in"
    before = first
    for stop in itinerary.stops:
        if stop.exception != before.exception:
            another = "another " if stop.saw == before.saw else ""
            yield f"went on as {another}{stop.saw} in"
        before = stop
        yield from _place(stop.place, part, quote, said(stop))
    yield f"and {ending(itinerary, part)}"


def _place(place: Place, part: Part, quote: Quote, note: str = "") -> Iterator[str]:
    ours = "  (hangup's wrapper)" if place.file == WRAPPER else ""
    yield f"    {where(place, part)}{f'  {note}' if note else ''}{ours}"
    code = quote(place)
    if code:
        yield f"        {code}"
    address = link(place.file, place.line, part.origins.get(place.file), part.environment.python)
    if address:
        yield f"        {address}"


def by_hook(itinerary: Itinerary) -> bool:
    """Whether the event loop closed a generator that was garbage (PEP 525, the finalizer hook).

    It does so in a task that has no coroutine but the generator's own `aclose()`.
    """
    task = itinerary.delivered.task
    return task is not None and coroutine(task) == "async_generator_athrow"


def asked_for(itinerary: Itinerary) -> bool:
    """Whether it was thrown into what was suspended, not raised by running code."""
    return bool(itinerary.asked) or by_hook(itinerary)


def said(stop: Stop) -> str:
    """What became of it there, where that is more than leaving."""
    if stop.fate is Fate.PASSED:
        return f"[left, after {stop.by} in line {stop.by_line}]" if stop.by else ""
    taken = stop.fate in (Fate.ABSORBED, Fate.HANDED_ON, Fate.REPLACED)
    by = f"{' by' if taken else ', after'} {stop.by} in line {stop.by_line}" if stop.by else ""
    return f"[{stop.fate}{by}]"


def ending(itinerary: Itinerary, part: Part) -> str:
    """A sentence on where it stayed."""
    end = itinerary.end
    assert end.fate in FINAL
    match end.fate:
        case Fate.ABSORBED:
            by = f" by {end.by} in line {end.by_line}" if end.by else ""
            return f"was absorbed{by} in {where(end.place, part)}."
        case Fate.ENDED_TASK:
            if by_hook(itinerary):
                return "ended the task that was to close the generator."
            return f"ended the task {coroutine(end.task or '')}; nobody raised it again."
        case Fate.ENDED_CLOSE:
            return "ended with the close() that had thrown it."
        case _:
            return "left Python code; who took it cannot be told."


def sentence(itinerary: Itinerary, part: Part) -> str:
    """The itinerary in a sentence of Markdown, with its first, deciding and last places."""
    first = itinerary.delivered
    said = f"`{first.saw}`"
    if by_hook(itinerary):
        said += ", thrown by the event loop because nobody referred to the generator any more,"
    elif itinerary.asked:
        said += f", asked for by {linked(asker(itinerary, part), part)},"
    came = "comes up" if asked_for(itinerary) else "is raised"
    said += f" {came} in {linked(first.place, part)}"
    became = [f"`{name}`" for name in itinerary.names[1:]]
    if became:
        said += f", becomes {', then '.join(became)}"
    end = itinerary.end
    match end.fate:
        case Fate.ABSORBED:
            by = f"`{end.by}` in " if end.by else ""
            return f"{said} and is absorbed by {by}{linked(end.place, part, end.by_line)}."
        case Fate.ENDED_TASK:
            task = coroutine(end.task or "")
            how = "the task that was to close it" if by_hook(itinerary) else f"the task `{task}`"
            return f"{said} and ends {how}; nobody raises it again."
        case Fate.ENDED_CLOSE:
            return f"{said} and ends there: the call that closed the generator takes it back."
        case _:
            return f"{said} and leaves Python code in {linked(end.place, part)}."


def asker(itinerary: Itinerary, part: Part) -> Place:
    """The frame that decided to ask for it: the innermost that does not only pass it on."""
    return next((p for p in itinerary.asked if _decides(p, part)), itinerary.asked[0])


def _decides(place: Place, part: Part) -> bool:
    """Whether a place is not of what cancels on others' behalf."""
    return not place.file.startswith("python3.") and package(place.file, part) != "anyio"


def package(file: str, part: Part) -> str:
    """The distribution a file is of, `python` for the standard library, else the file."""
    origin = part.origins.get(file)
    if origin is not None:
        return origin.name
    return "python" if file.startswith("python3.") else file


def linked(place: Place, part: Part, line: int | None = None) -> str:
    """A place in Markdown: the function, and its line linked to where it can be read."""
    at = line or place.line
    address = link(place.file, at, part.origins.get(place.file), part.environment.python)
    text = f"{source(place.file, part)}:{at}"
    return f"`{short(place.function)}` ({f'[{text}]({address})' if address else text})"


def short(function: str) -> str:
    """A function's name without what it is local to, but for the last."""
    return ".".join(function.replace(".<locals>", "").split(".")[-2:])


def steps(itinerary: Itinerary, part: Part) -> Iterator[str]:
    """The itinerary as items of a Markdown list, from the frame that decided on it."""
    if itinerary.asked:
        inner = itinerary.asked[: itinerary.asked.index(asker(itinerary, part)) + 1]
        calls = ", which calls ".join(linked(place, part) for place in reversed(inner))
        yield f"asked for by {calls}"
    before: Stop | None = None
    for stop in itinerary.stops:
        another = "another " if before and stop.saw == before.saw else ""
        same = before is not None and stop.exception == before.exception
        named = "" if same else f"**{another}`{stop.saw}`** in "
        ours = ", hangup's wrapper" if stop.place.file == WRAPPER else ""
        note = said(stop)
        yield f"{named}{linked(stop.place, part)}{ours}{f': {note[1:-1]}' if note else ''}"
        before = stop


def nothing(trial: Trial) -> str:
    """A sentence for a trial in which nothing was thrown into the stream."""
    if trial.failure is not None:
        return f"No answer: {trial.failure}: {trial.note}"
    return "Nothing was thrown into the stream, its source or the endpoint in this trial."
