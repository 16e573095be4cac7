"""The heat map: how each app answers each question of the ranking, as an SVG picture.

Answers are told apart by shape, by colour and by how light they are; the colours follow the
reader's scheme. Where servers differ, a cell has a part for each answer, with the servers' names.
"""

from __future__ import annotations

from collections.abc import Sequence

import jinja2
import msgspec

from hangup.analysis.ranking import RankedApp, Ranking
from hangup.model.ranking import QUESTIONS, Answer

WIDTH, LEFT, TOP, COLUMN, ROW = 948, 176, 56, 98, 40
"""The sizes, in CSS pixels: of the picture, of the column of names, of the titles above, and of a
cell with the space around it."""
_LINE = 12
"""How many characters of a title fit into a line."""


class Part(msgspec.Struct, frozen=True):
    """A part of a cell: an answer, and the servers that give it; none if they all do."""

    answer: Answer
    servers: str
    x: float
    width: float

    @property
    def middle(self) -> float:
        """Where its shape is."""
        return self.x + self.width / 2


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """An app's cells."""

    ranked: RankedApp
    y: int
    parts: tuple[Part, ...]

    @property
    def said(self) -> str:
        """The row as a sentence, for those who do not see it."""
        found = ", ".join(f"{a.question.title}: {a.answer}" for a in self.ranked.answers)
        other = "".join(
            f"; on {a.stack.server} {a.question.title}: {a.answer}" for a in self.ranked.elsewhere
        )
        return f"{self.ranked.app} ({found}{other})".replace("`", "")


def heat_map(ranking: Ranking, servers: Sequence[str], where: str) -> str:
    """The picture of a ranking; `servers` are those of its baselines, `where` is said below it."""
    rows = [
        Row(ranked=app, y=TOP + ROW * i, parts=_parts(app, servers))
        for i, app in enumerate(ranking.apps)
    ]
    height = TOP + ROW * len(rows) + 52
    return _template().render(
        rows=rows,
        titles=[(LEFT + COLUMN * (i + 0.5), _lines(q.title)) for i, q in enumerate(QUESTIONS)],
        answers=list(Answer),
        ranking=ranking,
        where=where,
        width=WIDTH,
        height=height,
        row_height=ROW,
        top=TOP,
        questions=len(QUESTIONS),
    )


def _parts(app: RankedApp, servers: Sequence[str]) -> tuple[Part, ...]:
    return tuple(
        part for i in range(len(QUESTIONS)) for part in _cell(app, i, LEFT + COLUMN * i, servers)
    )


def _cell(app: RankedApp, question: int, x: float, servers: Sequence[str]) -> list[Part]:
    """The parts of a cell: one for each answer, the ranking's own server first."""
    here = app.answers[question]
    differing = {
        other.stack.server: other.answer
        for other in app.elsewhere
        if other.question.id == here.question.id
    }
    on: dict[Answer, list[str]] = {here.answer: [here.stack.server]}
    for server in servers:
        if server != here.stack.server and server in app.servers:
            on.setdefault(differing.get(server, here.answer), []).append(server)
    width = COLUMN / len(on)
    return [
        Part(answer, ", ".join(names) if len(on) > 1 else "", x + width * i, width)
        for i, (answer, names) in enumerate(on.items())
    ]


def _lines(title: str) -> list[str]:
    """A title in lines that fit above a column."""
    lines = [""]
    for word in title.replace("`", "").split():
        if lines[-1] and len(lines[-1]) + len(word) >= _LINE:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".lstrip()
    return lines


def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hangup.report"),
        undefined=jinja2.StrictUndefined,
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template("heat-map.svg.j2")
