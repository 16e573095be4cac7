"""The path of a disconnect as a Mermaid flowchart. Pure: an exception path in, text out.

What belongs together is one box: the frames in a row that are of one package. Beside the path
stand the handlers and hooks that saw nothing of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

import msgspec

from hangup.model.exception_path import (
    WRAPPER_FILES,
    Disposition,
    ExceptionPath,
    Frame,
    Location,
    coroutine,
)
from hangup.model.trace import StackResult
from hangup.report.exception_path import (
    canceller,
    closed_by_finalizer_hook,
    package,
    short,
)

FRAMES = 3
"""A box names so many frames at most, the first and the last ones."""

GARBAGE = "nothing refers to the stream any more;<br/>the event loop closes it"

COMPACT = (
    '%%{init: {"flowchart": {"rankSpacing": 22, "nodeSpacing": 20, "padding": 6, '
    '"subGraphTitleMargin": {"top": 2, "bottom": 10}}}}%%'
)


class _Box(msgspec.Struct, frozen=True):
    """A box, the task that it is in, and what leads to it."""

    text: str
    task: str | None
    led_by: str


def flowchart(
    path: ExceptionPath,
    result: StackResult,
    *,
    disconnect_received: bool,
    silent: Sequence[str],
) -> str:
    """The chart.

    `disconnect_received` is whether `receive()` returned `http.disconnect`, `silent` are the
    surfaces of handlers and hooks that saw nothing.
    """
    boxes = list(_boxes(path, result, "http.disconnect" if disconnect_received else ""))
    lines = [
        COMPACT,
        "flowchart TD",
        'client(["the client closes"])',
        f"server[{_server(result)}]",
    ]
    for task, run in groupby(enumerate(boxes), lambda numbered: numbered[1].task):
        inside = [f"box{number}[{box.text}]" for number, box in run]
        if task is not None:
            first = inside[0].partition("[")[0]
            inside = [f'subgraph {first}-task["task {_text(coroutine(task))}"]', *inside, "end"]
        lines += inside
    lines.append(f'last(["{_text(_end(path))}"])')
    lines.append("client --> server")
    names = ["server", *(f"box{number}" for number in range(len(boxes))), "last"]
    leads = [*(box.led_by for box in boxes), path.end.saw]
    for here, there, before, lead in zip(names, names[1:], ["", *leads], leads, strict=False):
        # An exception is named where it is another than before.
        said = f'|"{_text(lead)}"|' if lead and lead != before else ""
        lines.append(f"{here} -->{said} {there}")
    if silent:
        nothing = "<br/>".join(["<i>saw nothing of it:</i>", *map(_text, silent)])
        lines.append(f'last ~~~ beside["{nothing}"]')
        lines.append("style beside stroke-dasharray: 4 4")
    lines.append("style last stroke-width: 3px")
    return "\n".join(lines)


def _boxes(path: ExceptionPath, result: StackResult, message: str) -> Iterator[_Box]:
    """The boxes on the path: what cancelled, and the frames it passed."""
    led_by = message
    if closed_by_finalizer_hook(path):
        yield _Box(f'"{GARBAGE}"', None, led_by)
        led_by = "close()"
    elif path.cancelled_by:
        yield _Box(
            _box([canceller(path, result)], result),
            path.cancelled_in,
            led_by,
        )
        led_by = "close()" if path.raised_in.saw == "GeneratorExit" else "cancel()"
    for frames in _together(path, result):
        task = None if closed_by_finalizer_hook(path) else frames[0].task
        yield _Box(
            _box([frame.location for frame in frames], result), task, led_by or frames[0].saw
        )
        led_by = ""


def _server(result: StackResult) -> str:
    name = result.stack.server.partition("-")[0]
    version = result.environment.packages.get(name, "")
    return f'"{name} {version}"'


def _together(path: ExceptionPath, result: StackResult) -> Iterator[list[Frame]]:
    """The frames that are shown, those in a row of one package, exception and task at once."""
    shown = [frame for frame in path.frames if frame.location.file not in WRAPPER_FILES]

    def box(frame: Frame) -> tuple[str, str, str | None]:
        return package(frame.location.file, result), frame.saw, frame.task

    for _, run in groupby(shown, key=box):
        yield list(run)


def _box(locations: Sequence[Location], result: StackResult) -> str:
    distribution = result.distributions.get(locations[0].file)
    title = (
        f"{distribution.name} {distribution.version}"
        if distribution
        else package(locations[0].file, result)
    )
    shown = (
        [*locations[: FRAMES - 1], None, locations[-1]] if len(locations) > FRAMES else [*locations]
    )
    lines = [_frame(location) if location else "…" for location in shown]
    return f'"{"<br/>".join([f"<b>{_text(title)}</b>", *lines])}"'


def _frame(location: Location) -> str:
    """A frame by the last parts of its names."""
    return _text(f"{short(location.function)}, {location.file.rpartition('/')[2]}:{location.line}")


def _end(path: ExceptionPath) -> str:
    end = path.end
    match end.disposition:
        case Disposition.HANDLED:
            return f"handled by {end.handler}" if end.handler else "handled"
        case Disposition.ENDED_TASK:
            return (
                "ended the task"
                if closed_by_finalizer_hook(path)
                else f"ended the task {coroutine(end.task or '')}"
            )
        case Disposition.ENDED_CLOSE:
            return "ended the close()"
        case _:
            return "left Python code"


def _text(text: str) -> str:
    """Text that Mermaid takes as it is: its own marks and Markdown's as entities."""
    for mark in '#"<>[]{}|`*_':
        text = text.replace(mark, f"#{ord(mark)};")
    return text
