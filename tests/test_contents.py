"""The table of contents of a page, and the anchors of its headings."""

from __future__ import annotations

from hangup.report.footnotes import Footnotes
from hangup.report.markdown import CONTENTS_FROM, with_contents
from tests import github

ANSWER = "# Title\n\nThe answer.\n\n- in\n- a list\n\n"


def page(*titles: str, first: str = "Then more.\n\n") -> str:
    """A page with these sections."""
    return ANSWER + first + "".join(f"## {title}\n\nText.\n\n" for title in titles)


def test_a_page_with_few_sections_stays_as_it_is() -> None:
    few = page(*"abcde")
    assert len("abcde") == CONTENTS_FROM - 1
    assert with_contents(few) == few


def test_the_contents_follow_the_answer() -> None:
    text = with_contents(page(*"abcdef"))
    assert text.startswith(ANSWER + "**Contents:** [a](#a) · [b](#b) ·")
    assert "[f](#f)\n\nThen more.\n\n## a\n" in text


def test_they_follow_an_answer_that_a_section_follows_at_once() -> None:
    text = with_contents(page(*"abcdef", first=""))
    assert "- a list\n\n**Contents:** " in text
    assert "[f](#f)\n\n## a\n" in text


def test_many_sections_are_a_list_that_can_be_opened() -> None:
    text = with_contents(page(*(f"section number {n}" for n in range(60))))
    assert "<details><summary>Contents (60 sections)</summary>\n\n- [section number 0]" in text


def test_every_anchor_is_the_one_that_github_makes() -> None:
    titles = ["What `await` does", "A [link](x.md)", "Same", "Same", "a+b, c.d", "Ends_so: ok?"]
    text = with_contents(page(*titles) + "```text\n## no heading\n```\n")
    found = github.render(text)
    assert [f"#{section.anchor}" for section in found.sections] == [
        link for link in found.links if link.startswith("#")
    ]


def test_a_footnote_that_is_asked_for_again_keeps_its_number() -> None:
    notes = Footnotes()
    assert [notes.to(text) for text in ("one", "two", "one")] == ["[^1]", "[^2]", "[^1]"]
    assert list(notes) == [(1, "one"), (2, "two")]
