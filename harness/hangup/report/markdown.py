"""Data as Markdown: the filters that the templates use."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from hangup.analysis.summary import Among
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


def codes(names: Iterable[str]) -> str:
    """Names as code, in a row."""
    return ", ".join(map(code, names))


def saw(text: str) -> str:
    """What a surface saw: exceptions as code, words as they are."""
    return code(text) if is_exception(text) else text


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


def among(scenarios: Among) -> str:
    """Which of the scenarios that were run these are, in brackets, the shorter way round."""
    rest = [name for name in scenarios.ran if name not in scenarios.found]
    if not rest:
        return ""
    if len(rest) < len(scenarios.found):
        return f" (not in {', '.join(rest)})"
    return f" ({', '.join(scenarios.found)})"


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
