"""Data as Markdown: the filters that the templates use."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from hangup.model.outcomes import ObservationCount
from hangup.model.scenario import Scenario
from hangup.model.trace import Stack
from hangup.model.vocabulary import is_exception
from hangup.report.observations import in_words

NOT_RUN = "not run"
"""What a cell says that there are no trials for."""


def code(text: str) -> str:
    """A name as code."""
    return f"`{text}`"


def first_upper(text: str) -> str:
    """A clause as the beginning of a sentence or as a title."""
    return text[:1].upper() + text[1:]


def first_lower(text: str) -> str:
    """A title as part of a sentence."""
    return text[:1].lower() + text[1:]


def percent(bound: float) -> str:
    """A share that is not exceeded, in per cent: rounded up."""
    return f"{math.ceil(round(bound * 100, 3))}%"


def codes(names: Iterable[str]) -> str:
    """Names as code, in a row."""
    return ", ".join(map(code, names))


def listed(words: Sequence[str], conjunction: str = "and") -> str:
    """Words as a list in a sentence: `a, b and c`."""
    if len(words) < 2:
        return "".join(words)
    return f"{', '.join(words[:-1])} {conjunction} {words[-1]}"


def saw(text: str) -> str:
    """What a surface saw: exceptions as code, words as they are."""
    return code(text) if is_exception(text) else text


def saw_in_sentence(text: str) -> str:
    """What a surface saw, set off from the words of a sentence."""
    return code(text) if is_exception(text) else f"*{text}*"


def spread(observations: Sequence[ObservationCount]) -> str:
    """What was seen in a cell: one word, or several with their shares."""
    if not observations:
        return NOT_RUN
    first = observations[0]
    if len(observations) == 1 and first.n == first.of:
        return _observed(first)
    return ", ".join(f"{_observed(o)} {o.n}/{o.of}" for o in observations)


def _observed(found: ObservationCount) -> str:
    return saw(in_words(found.saw, found.surface, found.scenario, found.stack.server))


def dropped(ranges_ns: Mapping[str, tuple[int, int]], scenario: Scenario) -> str:
    """When last references went that ended generators, to follow on what came out so."""
    since = "the signal" if scenario.disconnect == "stays" else "the client left"
    texts = [
        f"the last reference to the {generator} went {_range_ms(*range_ns)} after {since}"
        for generator, range_ns in ranges_ns.items()
    ]
    return f" ({'; '.join(texts)})" if texts else ""


def _range_ms(first_ns: int, last_ns: int) -> str:
    first, last = (
        f"{ns / 1e6:.0f}" if ns >= 10_000_000 else f"{ns / 1e6:.1f}" for ns in (first_ns, last_ns)
    )
    return f"{first} ms" if first == last else f"{first}-{last} ms"


def share(found: Sequence[Stack], ran: Sequence[Stack]) -> str:
    """So many of so many stacks, and which, the shorter way round."""
    text = f"**{len(found)} of {len(ran)}** stacks"
    if not found or len(found) == len(ran):
        return text
    rest = [stack for stack in ran if stack not in found]
    if len(rest) < len(found):
        return f"{text}, not {names(rest, ran)}"
    return f"{text}: {names(found, ran)}"


def names(found: Sequence[Stack], ran: Sequence[Stack]) -> str:
    """The apps of these stacks, with servers where it is not all of an app's."""
    texts = []
    for app in dict.fromkeys(stack.app for stack in found):
        on = [stack.server for stack in found if stack.app == app]
        every = [stack.server for stack in ran if stack.app == app]
        texts.append(app if on == every else f"{app} on {' and '.join(on)}")
    return ", ".join(texts)


def on_stacks(found: Sequence[Stack], ran: Sequence[Stack]) -> str:
    """Which of some stacks these are, the shorter way round."""
    rest = [stack for stack in ran if stack not in found]
    if not rest:
        return "all"
    servers = tuple(dict.fromkeys(stack.server for stack in found))
    if len(found) > 1 and list(found) == [s for s in ran if s.server in servers]:
        return f"all on {' and '.join(servers)}"
    if len(rest) < len(found):
        return f"all but {stack_names(rest, ran)}"
    return stack_names(found, ran)


def stack_names(
    found: Sequence[Stack], ran: Sequence[Stack], name: Callable[[str], str] = str
) -> str:
    """The apps of these stacks, with servers where it is not all of an app's.

    `name` makes what stands for an app.
    """
    servers: dict[str, tuple[str, ...]] = {}
    for app in dict.fromkeys(stack.app for stack in found):
        on = tuple(stack.server for stack in found if stack.app == app)
        every = tuple(stack.server for stack in ran if stack.app == app)
        servers[app] = () if on == every else on
    if len(set(servers.values())) == 1:
        (on,) = set(servers.values())
        return ", ".join(map(name, servers)) + (f" on {' and '.join(on)}" if on else "")
    return ", ".join(
        f"{name(app)} ({', '.join(on)})" if on else name(app) for app, on in servers.items()
    )


def without_extra_blank_lines(text: str) -> str:
    """Markdown with one blank line where templates left several, code blocks apart."""
    lines: list[str] = []
    in_code = False
    for line in text.splitlines():
        if line.startswith("```"):
            in_code = not in_code
        if line or in_code or (lines and lines[-1]):
            lines.append(line)
    return "\n".join(lines).rstrip() + "\n"


CONTENTS_FROM = 6
"""A page with so many sections, or more, has a table of contents."""
_CONTENTS_IN_A_LINE = 300
"""The titles of a table of contents stand in one line if they have no more characters together."""
_LINK = re.compile(r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])")


def with_contents(text: str) -> str:
    """A page with a table of contents after its answer, if it has many sections.

    The answer is the first paragraph below the title, and a list that follows it.
    """
    lines = text.split("\n")
    titles = _titles(lines)
    sections = [(title, anchor) for level, title, anchor in titles if level == 2]
    if len(sections) < CONTENTS_FROM:
        return text
    links = [f"[{title}](#{anchor})" for title, anchor in sections]
    if sum(len(title) for title, _ in sections) <= _CONTENTS_IN_A_LINE:
        contents = ["**Contents:** " + " · ".join(links)]
    else:
        summary = f"<details><summary>Contents ({len(sections)} sections)</summary>"
        contents = [summary, "", *(f"- {link}" for link in links), "", "</details>"]
    at = _end_of_answer(lines)
    before, after = "\n".join(lines[:at]).rstrip(), "\n".join(lines[at:])
    return "\n".join([before, "", *contents, "", after])


def anchor(heading: str) -> str:
    """What a heading is linked by, as GitHub makes it, if it is the first such on its page."""
    text = _LINK.sub(r"\1", heading)
    return re.sub(r"[^\w\- ]", "", text.lower()).replace(" ", "-")


def _titles(lines: Sequence[str]) -> list[tuple[int, str, str]]:
    """The level, the text without links, and the anchor of every heading of a page."""
    found = []
    anchors: Counter[str] = Counter()
    for line in _outside_of_code(lines):
        heading = re.fullmatch(r"(#+) (.+)", line)
        if heading is not None:
            title = _LINK.sub(r"\1", heading[2])
            name = anchor(title)
            repeated = f"-{anchors[name]}" if anchors[name] else ""
            anchors[name] += 1
            found.append((len(heading[1]), title, name + repeated))
    return found


def _outside_of_code(lines: Iterable[str]) -> Iterator[str]:
    """The lines of a page; empty ones in place of those in blocks of code."""
    in_code = False
    for line in lines:
        fence = line.startswith("```")
        in_code ^= fence
        yield "" if in_code or fence else line


def _end_of_answer(lines: Sequence[str]) -> int:
    """Where what follows a page's answer begins."""
    at = next(i for i, line in enumerate(lines) if line.startswith("# ")) + 1
    blocks = 0
    while at < len(lines):
        while at < len(lines) and not lines[at]:
            at += 1
        if at == len(lines) or (blocks and not lines[at].startswith(("- ", "* ", "1. "))):
            break
        if lines[at].startswith(("## ", "|", "```", "<details")):
            break
        while at < len(lines) and lines[at] and not lines[at].startswith("## "):
            at += 1
        blocks += 1
    return at
