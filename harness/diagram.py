"""The path of a disconnect as a Mermaid flowchart. Pure: an itinerary in, text out.

What belongs together is one box: the frames in a row that are of one package. Beside the path
stand the handlers and hooks that saw nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from harness.itinerary import Fate, Itinerary, Place, Stop, coroutine
from harness.trace import Part
from harness.vocabulary import Word
from harness.why import WRAPPER, asker, by_hook, package, short

FRAMES = 3
"""A box names so many frames at most, the first and the last ones."""

GARBAGE = "nobody refers to the stream any more;<br/>the event loop closes it"

COMPACT = (
    '%%{init: {"flowchart": {"rankSpacing": 22, "nodeSpacing": 20, "padding": 6, '
    '"subGraphTitleMargin": {"top": 2, "bottom": 10}}}}%%'
)


class _Box(msgspec.Struct, frozen=True):
    """A box, the task that it is in, and what leads to it."""

    text: str
    task: str | None
    led_by: str


def flowchart(itinerary: Itinerary, part: Part, *, told: bool, unreached: Sequence[str]) -> str:
    """The chart.

    `told` is whether the app was given `http.disconnect`, `unreached` are the surfaces of
    handlers and hooks that saw nothing.
    """
    boxes = list(_boxes(itinerary, part, "http.disconnect" if told else ""))
    lines = [COMPACT, "flowchart TD", 'client(["the client closes"])', f"server[{_server(part)}]"]
    for task, run in groupby(enumerate(boxes), lambda each: each[1].task):
        inside = [f"box{number}[{box.text}]" for number, box in run]
        if task is not None:
            first = inside[0].partition("[")[0]
            inside = [f'subgraph {first}-task["task {_text(coroutine(task))}"]', *inside, "end"]
        lines += inside
    lines.append(f'stays(["{_text(_end(itinerary))}"])')
    lines.append("client --> server")
    names = ["server", *(f"box{number}" for number in range(len(boxes))), "stays"]
    leads = [*(box.led_by for box in boxes), itinerary.end.saw]
    for here, there, before, lead in zip(names, names[1:], ["", *leads], leads, strict=False):
        # An exception is named where it is another than before.
        said = f'|"{_text(lead)}"|' if lead and lead != before else ""
        lines.append(f"{here} -->{said} {there}")
    if unreached:
        nothing = "<br/>".join(["<i>saw nothing of it:</i>", *map(_text, unreached)])
        lines.append(f'stays ~~~ beside["{nothing}"]')
        lines.append("style beside stroke-dasharray: 4 4")
    lines.append("style stays stroke-width: 3px")
    return "\n".join(lines)


def _boxes(itinerary: Itinerary, part: Part, message: str) -> Iterator[_Box]:
    """The boxes on the path: who asked for it, and the frames that it came through."""
    led_by = message
    if by_hook(itinerary):
        yield _Box(f'"{GARBAGE}"', None, led_by)
        led_by = "close()"
    elif itinerary.asked:
        yield _Box(_box([asker(itinerary, part)], part), itinerary.asked_in, led_by)
        led_by = "close()" if itinerary.delivered.saw == "GeneratorExit" else "cancel()"
    for stops in _together(itinerary, part):
        task = None if by_hook(itinerary) else stops[0].task
        yield _Box(_box([stop.place for stop in stops], part), task, led_by or stops[0].saw)
        led_by = ""


def _server(part: Part) -> str:
    name = part.stack.server.partition("-")[0]
    version = part.environment.packages.get(name, "")
    return f'"{name} {version}"'


def _together(itinerary: Itinerary, part: Part) -> Iterator[list[Stop]]:
    """The stops that are shown, those in a row of one package, exception and task at once."""
    shown = [stop for stop in itinerary.stops if stop.place.file != WRAPPER]

    def box(stop: Stop) -> tuple[str, str, str | None]:
        return package(stop.place.file, part), stop.saw, stop.task

    for _, run in groupby(shown, key=box):
        yield list(run)


def _box(places: Sequence[Place], part: Part) -> str:
    origin = part.origins.get(places[0].file)
    title = f"{origin.name} {origin.version}" if origin else package(places[0].file, part)
    shown = [*places[: FRAMES - 1], None, places[-1]] if len(places) > FRAMES else [*places]
    lines = [_frame(place) if place else "…" for place in shown]
    return f'"{"<br/>".join([f"<b>{_text(title)}</b>", *lines])}"'


def _frame(place: Place) -> str:
    """A frame by the last parts of its names."""
    return _text(f"{short(place.function)}, {place.file.rpartition('/')[2]}:{place.line}")


def _end(itinerary: Itinerary) -> str:
    end = itinerary.end
    match end.fate:
        case Fate.ABSORBED:
            return f"absorbed by {end.by}" if end.by else "absorbed"
        case Fate.ENDED_TASK:
            return (
                "ended the task"
                if by_hook(itinerary)
                else f"ended the task {coroutine(end.task or '')}"
            )
        case Fate.ENDED_CLOSE:
            return "ended the close()"
        case _:
            return Word.UNPROVEN


def _text(text: str) -> str:
    """Text that Mermaid takes as it is: its own marks and Markdown's as entities."""
    for mark in '#"<>[]{}|`*_':
        text = text.replace(mark, f"#{ord(mark)};")
    return text
