"""A figure of swim lanes as SVG: time runs downwards, not to scale. Pure: lanes in, text out.

It stands on a background of its own, so that it can be read on a light page and on a dark one,
and kinds of arrows differ in dash and width, so that they do when printed in grey.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from xml.sax.saxutils import escape, quoteattr

from hangup.report.swim_lanes import Arrow, Note, SwimLanes

WIDTH = 760
"""In pixels; the height follows from what there is."""
_LANE_TOP, _HEAD, _GAP = 8, 44, 14
_TEXT, _SMALL = 14, 12
"""Font sizes in pixels."""
_ADVANCE = 0.56
"""How wide a character is on average, in font sizes."""
_LEGEND = (
    ("message", "a call, or its return"),
    ("cancel", "a task is cancelled"),
    ("exception", "an exception passes"),
)
_STYLE = """
svg { font-family: system-ui, -apple-system, "Segoe UI", Helvetica, Arial, sans-serif; }
.page, .halo { fill: #ffffff; stroke: #ffffff; }
.head, .note { fill: #f0f3f6; stroke: #59636e; }
.final { fill: #ffffff; stroke: #1f2328; stroke-width: 3; }
.silent { fill: none; stroke: #59636e; stroke-dasharray: 4 4; }
.life { stroke: #b7bdc5; stroke-dasharray: 2 4; }
text { fill: #1f2328; font-size: 14px; }
.small { fill: #59636e; font-size: 12px; }
.bold { font-weight: 600; }
.on-line { stroke: #ffffff; stroke-width: 5; paint-order: stroke; stroke-linejoin: round; }
.message { stroke: #59636e; stroke-width: 1.5; }
.cancel { stroke: #9a3d00; stroke-width: 3; stroke-dasharray: 9 5; }
.exception { stroke: #b3001e; stroke-width: 3; }
.tip-message { fill: none; stroke: #59636e; stroke-width: 1.5; }
.tip-cancel { fill: #9a3d00; }
.tip-exception { fill: #b3001e; }
@media (prefers-color-scheme: dark) {
.page { fill: #0d1117; stroke: #0d1117; }
.head, .note { fill: #212830; stroke: #9198a1; }
.final { fill: #0d1117; stroke: #f0f6fc; }
.silent { stroke: #9198a1; }
.life { stroke: #3d444d; }
text { fill: #f0f6fc; }
.small { fill: #9198a1; }
.on-line { stroke: #0d1117; }
.message, .tip-message { stroke: #9198a1; }
.cancel { stroke: #ffa657; }
.exception { stroke: #ff7b72; }
.tip-cancel { fill: #ffa657; }
.tip-exception { fill: #ff7b72; }
}
"""


def svg(figure: SwimLanes, head: str = "") -> str:
    """The figure; `head` is a comment to begin with."""
    drawing = _Drawing(figure)
    body = "\n".join(drawing.shapes())
    height = drawing.y
    lifelines = "\n".join(
        f'<line class="life" x1="{x}" y1="{_LANE_TOP + _HEAD}" x2="{x}" y2="{drawing.lanes_end}"/>'
        for x in drawing.x.values()
    )
    return (
        f'{head}<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}" role="img" aria-label={quoteattr(figure.title)}>\n'
        f"<title>{escape(figure.title)}</title>\n<desc>{escape(in_words(figure))}</desc>\n"
        f"<style>{_STYLE}</style>\n"
        f'<rect class="page" width="{WIDTH}" height="{height}"/>\n{lifelines}\n{body}\n</svg>\n'
    )


def in_words(figure: SwimLanes) -> str:
    """The figure for those who do not see it: what happens, in order."""
    titles = {lane.id: lane.title for lane in figure.lanes}
    steps = [
        f"{titles[step.from_]} to {titles[step.to]}: {step.text}"
        if isinstance(step, Arrow)
        else f"{titles[step.lane]}: {step.text}"
        for step in figure.steps
    ]
    return ". ".join([*steps, *_silent(figure)]) + "."


def _silent(figure: SwimLanes) -> list[str]:
    return ["Nothing is seen by " + ", ".join(_plain(figure.silent))] if figure.silent else []


def _plain(texts: Sequence[str]) -> list[str]:
    """Texts without the marks of code."""
    return [text.replace("`", "") for text in texts]


class _Drawing:
    """The shapes of a figure, from the top down; `y` is how far it has come."""

    def __init__(self, figure: SwimLanes) -> None:
        self.figure = figure
        self.y = _LANE_TOP
        self.lanes_end = 0
        between = WIDTH / len(figure.lanes)
        self.x = {lane.id: round(between * (n + 0.5)) for n, lane in enumerate(figure.lanes)}
        self._lane_width = round(between) - 8

    def shapes(self) -> Iterator[str]:
        yield from self._heads()
        for step in self.figure.steps:
            yield from self._arrow(step) if isinstance(step, Arrow) else self._note(step)
        self.lanes_end = self.y
        yield from self._silent()
        yield from self._legend()

    def _heads(self) -> Iterator[str]:
        for lane in self.figure.lanes:
            x = self.x[lane.id]
            left, width = x - self._lane_width // 2, self._lane_width
            yield (
                f'<rect class="head" x="{left}" y="{_LANE_TOP}" width="{width}" '
                f'height="{_HEAD}" rx="4"/>'
            )
            middle = _LANE_TOP + (18 if lane.subtitle else 27)
            yield _text(x, middle, lane.title, "bold")
            if lane.subtitle:
                yield _text(x, _LANE_TOP + 35, lane.subtitle, "small")
        self.y += _HEAD + _GAP

    def _arrow(self, step: Arrow) -> Iterator[str]:
        from_, to = self.x[step.from_], self.x[step.to]
        lines = [(step.text, _TEXT, "on-line"), (step.where, _SMALL, "small on-line")]
        for text, size, style in lines:
            if text:
                self.y += size
                yield _text(_within((from_ + to) // 2, _width(text, size)), self.y, text, style)
                self.y += 4
        self.y += 6
        yield _line(step.kind, from_, to, self.y)
        self.y += _GAP

    def _note(self, step: Note) -> Iterator[str]:
        text, where = _plain([step.text, step.where])
        width = max(_width(text, _TEXT), _width(where, _SMALL)) + 16
        x = _within(self.x[step.lane], width)
        height = 42 if where else 26
        style = "final" if step.final else "note"
        yield (
            f'<rect class="{style}" x="{x - width // 2}" y="{self.y}" width="{width}" '
            f'height="{height}" rx="4"/>'
        )
        yield _text(x, self.y + 18, text)
        if where:
            yield _text(x, self.y + 34, where, "small")
        self.y += height + _GAP

    def _silent(self) -> Iterator[str]:
        lines = [line for said in _silent(self.figure) for line in textwrap.wrap(said, 92)]
        if lines:
            height = 18 * len(lines) + 12
            yield (
                f'<rect class="silent" x="4" y="{self.y}" width="{WIDTH - 8}" '
                f'height="{height}" rx="4"/>'
            )
            for number, line in enumerate(lines):
                yield _text(WIDTH // 2, self.y + 20 + 18 * number, line)
            self.y += height + _GAP

    def _legend(self) -> Iterator[str]:
        used = {step.kind for step in self.figure.steps if isinstance(step, Arrow)}
        at = 12
        self.y += 8
        for kind, meaning in _LEGEND:
            if kind in used:
                yield _line(kind, at, at + 46, self.y - 4)
                yield _text(at + 54, self.y, meaning, "small", anchor="start")
                at += 54 + _width(meaning, _SMALL) + 28
        self.y += 12


def _line(kind: str, from_: int, to: int, y: int) -> str:
    """An arrow from one place to another, with its tip."""
    ahead = 1 if to > from_ else -1
    back = to - 10 * ahead
    end = to if kind == "message" else back
    return (
        f'<line class="{kind}" x1="{from_}" y1="{y}" x2="{end}" y2="{y}"/>'
        f'<polyline class="tip-{kind}" points="{back},{y - 5} {to},{y} {back},{y + 5}"/>'
    )


def _text(x: int, y: int, text: str, style: str = "", anchor: str = "middle") -> str:
    of_style = f' class="{style}"' if style else ""
    return f'<text x="{x}" y="{y}" text-anchor="{anchor}"{of_style}>{escape(text)}</text>'


def _width(text: str, size: int) -> int:
    return round(len(text) * size * _ADVANCE)


def _within(x: int, width: int) -> int:
    """Where the middle of something is to be so that it does not leave the page."""
    half = width // 2 + 4
    return min(max(x, half), WIDTH - half)
