"""Markdown as GitHub renders it: cmark-gfm with its limits, anchors of headings, and a style sheet.

What is tested of a page is tested of this, not of its source.
"""

from __future__ import annotations

import posixpath
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import cmarkgfm
from cmarkgfm.cmark import Options

WIDTH_PX = 948
"""How wide a page is on GitHub, in a window that is wide enough."""
STYLE = f"""
body {{ width: {WIDTH_PX}px; margin: 32px; font-size: 16px; line-height: 1.5;
  font-family: -apple-system, "Segoe UI", "Noto Sans", Helvetica, Arial, sans-serif;
  word-wrap: break-word; }}
table {{ display: block; width: max-content; max-width: 100%; overflow: auto;
  border-collapse: collapse; }}
th, td {{ padding: 6px 13px; border: 1px solid #d1d9e0; }}
th {{ font-weight: 600; }}
code, pre {{ font-family: ui-monospace, SFMono-Regular, Menlo, Consolas, monospace;
  font-size: 85%; }}
code {{ padding: .2em .4em; white-space: break-spaces; }}
pre {{ overflow: auto; }}
img {{ max-width: 100%; }}
"""
"""What decides on GitHub how wide a table is."""
REFERENCE_LIMIT = 100_000
"""So many bytes of addresses the links of a page may stand for by number, or as many as the page
has if it has more; cmark-gfm leaves the others as text."""

_VOID = frozenset({"br", "hr", "img", "source", "input", "meta", "link"})
_EXTENSIONS = ("table", "autolink", "tagfilter", "strikethrough", "tasklist")


@dataclass
class Heading:
    """A heading and the anchor that GitHub gives it."""

    level: int
    text: str
    anchor: str


@dataclass
class Document:
    """What a test asks of a rendered page."""

    html: str
    blocks: list[str] = field(default_factory=list)
    """The elements that the page is made of, in order: `h1`, `p`, `table` ..."""
    headings: list[Heading] = field(default_factory=list)
    links: list[str] = field(default_factory=list)
    """Where links and pictures lead."""
    anchors: set[str] = field(default_factory=set)
    cells: list[str] = field(default_factory=list)
    """The text of all cells of tables."""
    text: str = ""
    """What is there to be read, code apart."""

    @property
    def sections(self) -> list[Heading]:
        """The headings of the second level."""
        return [heading for heading in self.headings if heading.level == 2]


def render(markdown: str) -> Document:
    """The page that GitHub makes of Markdown."""
    html = cmarkgfm.markdown_to_html_with_extensions(
        markdown,
        options=Options.CMARK_OPT_UNSAFE | Options.CMARK_OPT_FOOTNOTES,
        extensions=list(_EXTENSIONS),
    )
    reader = _Reader(html)
    reader.feed(html)
    reader.close()
    return reader.document


@cache
def document(path: Path) -> Document:
    """The page that a file is."""
    return render(path.read_text(encoding="utf-8"))


def pages(directory: Path) -> Iterator[tuple[str, Path]]:
    """The pages of a report, by the path below its directory."""
    for path in sorted(directory.rglob("*.md")):
        yield path.relative_to(directory).as_posix(), path


def dead_links(directory: Path) -> list[str]:
    """The links of a report's pages that lead nowhere."""
    return [
        f"{name}: {target}"
        for name, path in pages(directory)
        for target in dict.fromkeys(document(path).links)
        if not _leads_somewhere(directory, name, target)
    ]


def _leads_somewhere(directory: Path, page: str, target: str) -> bool:
    """Whether there is what a link leads to; of other sites this is not asked."""
    if re.match(r"[a-z]+:", target):
        return True
    address, _, anchor = target.partition("#")
    below = posixpath.normpath(posixpath.join(posixpath.dirname(page), unquote(address)))
    path = directory / (below if address else page)
    if not path.exists():
        return False
    if not anchor:
        return True
    if path.suffix == ".md":
        return unquote(anchor) in document(path).anchors
    lines = re.fullmatch(r"L(\d+)(?:-L(\d+))?", anchor)
    if lines is None:
        # What the browser does with it is for the page itself to say.
        return path.suffix == ".html"
    return int(lines[2] or lines[1]) <= len(path.read_text(encoding="utf-8").splitlines())


def with_style(document: Document) -> str:
    """The page as a file for a browser."""
    return f"<!doctype html><meta charset=utf-8><style>{STYLE}</style>{document.html}"


class _Reader(HTMLParser):
    def __init__(self, html: str) -> None:
        super().__init__()
        self.document = Document(html)
        self._open: list[str] = []
        self._heading: list[str] | None = None
        self._cell: list[str] | None = None
        self._repeated: Counter[str] = Counter()
        self._text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if not self._open and tag not in _VOID:
            self.document.blocks.append(tag)
        if tag not in _VOID:
            self._open.append(tag)
        for name, value in attrs:
            if value is None:
                continue
            if name in ("id", "name"):
                self.document.anchors.add(value)
            elif (tag, name) in (("a", "href"), ("img", "src"), ("source", "srcset")):
                self.document.links.append(value)
        if re.fullmatch(r"h[1-6]", tag):
            self._heading = []
        elif tag in ("td", "th"):
            self._cell = []

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass
        if re.fullmatch(r"h[1-6]", tag) and self._heading is not None:
            self._end_heading(int(tag[1]), "".join(self._heading))
            self._heading = None
        elif tag in ("td", "th") and self._cell is not None:
            self.document.cells.append("".join(self._cell).strip())
            self._cell = None

    def _end_heading(self, level: int, text: str) -> None:
        name = re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")
        anchor = f"{name}-{self._repeated[name]}" if self._repeated[name] else name
        self._repeated[name] += 1
        self.document.anchors.add(anchor)
        self.document.headings.append(Heading(level, text, anchor))

    def handle_data(self, data: str) -> None:
        for open_ in (self._heading, self._cell):
            if open_ is not None:
                open_.append(data)
        if "code" not in self._open and "pre" not in self._open:
            self._text.append(data)

    def close(self) -> None:
        super().close()
        self.document.text = "".join(self._text)
