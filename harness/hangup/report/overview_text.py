"""The decision page's data as Markdown: sentences, cells and footnotes."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from hangup.analysis.headlines import Headline, HeadlineId
from hangup.analysis.ranking import Answered, RankedApp, worse
from hangup.model.cleanup import Kind
from hangup.model.ranking import Answer
from hangup.model.scenarios import BY_ID
from hangup.model.servers import server_title
from hangup.model.vocabulary import Word
from hangup.report import markdown
from hangup.report.links import Links, scenario_page
from hangup.report.observations import in_words
from hangup.report.overview import Changed
from hangup.report.overview_recipes import Share
from hangup.report.overview_shutdowns import SHUTDOWN_CELLS, Seen, Shutdown
from hangup.report.symbols import symbol

HEADLINES: Mapping[HeadlineId, str] = {
    "cancelled-at-await": "A client that closes an idle stream raises `CancelledError` at the "
    "`await` that the stream is suspended at",
    "all-ways-alike": "A reset, an expired read timeout and a closed sending side end an idle "
    "stream as a plain close does, that of a POST too",
    "no-handler-called": "No exception handler is called for a hang-up, in whatever state the "
    "stream is",
    "no-handler-for-cancellation": "A handler for `CancelledError` is rejected when it is "
    "registered, or is never reached",
    "background-runs": "The response's background task runs to its end after a hang-up on a stream "
    "that awaits",
    "await-cut-short": "After a hang-up on an idle stream, a plain `await` in its `finally` is "
    "cancelled again",
    "shield-finishes": "After a hang-up on an idle stream, an `await` in a shielded AnyIO cancel "
    "scope in its `finally` finishes",
    "endpoint-not-told": "An endpoint that has not answered yet is not told of a hang-up within "
    "the window",
    "blocks-the-event-loop": "A stream without end that never awaits blocks the event loop: "
    "another request gets no answer within the window",
    "slow-shutdown": f"The process has not exited {BY_ID['shutdown'].window_s:g} s after SIGTERM "
    "while a stream is open",
    "dependency-torn-down-after": "A `yield` dependency stays open during the stream, and its "
    "teardown runs after a hang-up on a stream that awaits",
    "plain-generator-not-told": "A plain generator is not told of a hang-up",
    "upstream-closed": "A stream that relays an upstream has that connection closed when its "
    "client leaves",
    "failure-shows": "A stream that raises is cut off, so that its client can tell",
    "completes-under-backpressure": "A stream that never awaits, and whose client has stopped "
    "reading, runs to completion after that client has left",
}
"""What a headline says of the stacks that it holds on."""


_RECORDS = "decisions/"
"""The directory of the decision records."""


class OverviewText:
    """What the template writes in cells and sentences; footnotes are collected on the way.

    `existing` are the pages that there are: nothing else is linked to.
    """

    def __init__(self, links: Links, existing: Collection[str]) -> None:
        self._links = links
        self._existing = existing
        self._footnotes: dict[str, int] = {}

    def link(self, text: str, page: str) -> str:
        """A text that leads to a page, if there is that page."""
        return f"[{text}]({self._links.relative(page)})" if page in self._existing else text

    def app(self, app: str) -> str:
        """An app, leading to its page."""
        return self.link(app, f"apps/{app}.md")

    def scenario(self, text: str, scenario: str) -> str:
        """A text that leads to the page of a scenario."""
        return self.link(text, scenario_page(scenario))

    @property
    def decisions(self) -> Sequence[str]:
        """The decision records that there are, each leading to itself."""
        pages = sorted(page for page in self._existing if page.startswith(_RECORDS))
        return [self.link(page[len(_RECORDS) : -len(".md")], page) for page in pages]

    def headline(self, headline: Headline) -> str:
        """A sentence, on how many stacks it holds, and on which it does not."""
        found, ran = headline.found, headline.ran
        share = self.scenario(f"**{len(found)} of {len(ran)}** stacks", headline.scenario)
        text = f"{HEADLINES[headline.id]}: {share}"
        rest = [stack for stack in ran if stack not in found]
        if not rest:
            return f"{text}."
        if headline.common:
            return f"{text}, not {markdown.names(rest, ran)}."
        return f"{text}: {markdown.names(found, ran)}."

    def answer(self, ranked: RankedApp, answered: Answered) -> str:
        """A cell of the ranking: a symbol, and footnotes to what it does not say."""
        notes = []
        if answered.answer in (Answer.PARTLY, Answer.UNKNOWN):
            notes.append(markdown.first_upper(self._reason(answered)))
        notes += [
            f"On {other.stack.server} {symbol(other.answer)} {other.answer}: {self._reason(other)}"
            for other in ranked.elsewhere
            if other.question.id == answered.question.id
        ]
        return symbol(answered.answer) + "".join(map(self.footnote, notes))

    def _reason(self, answered: Answered) -> str:
        named = [found.scenario for found in answered.failing] or list(answered.missing)
        if not named:
            return answered.reason
        said, _, where = answered.reason.partition(": ")
        return f"{said}: {self.scenario(where, named[0])}"

    def footnote(self, text: str) -> str:
        """A reference to a footnote; the same text is one footnote."""
        return f"[^{self._footnotes.setdefault(text, len(self._footnotes) + 1)}]"

    @property
    def footnotes(self) -> Sequence[str]:
        """The footnotes referred to since they were last asked for."""
        return [f"[^{number}]: {text}." for text, number in self._footnotes.items()]

    def servers(self, row: Shutdown) -> str:
        """The servers of a row of the table of shutdowns, with what is other of some apps."""
        alike: dict[str, list[str]] = {}
        for stack, cells in row.others:
            differing = "; ".join(f"{title}: {seen_at(title, c)}" for title, c in cells.items())
            alike.setdefault(f"{stack.app} on {{}}: {differing}", []).append(stack.server)
        marks: dict[str, str] = defaultdict(str)
        for text, on in alike.items():
            marks[on[0]] += self.footnote(text.format(", ".join(on)))
        return "<br>".join(server_title(server) + marks[server] for server in row.servers)


def seen_at(title: str, seen: Seen) -> str:
    """What was seen in a cell of the table of shutdowns, with shares if it was not the same."""
    if not seen.of:
        return markdown.NOT_RUN
    scenario, surface = SHUTDOWN_CELLS[title]
    return ", ".join(
        (_EXITS.get(saw) or in_words(saw, surface, scenario))
        + ("" if n == seen.of else f" {n}/{seen.of}")
        for saw, n in seen.counts
    )


_EXITS: Mapping[str, str] = {
    Word.EXITED: "exits",
    Word.EXITED_WITH_ERROR: "exits with an error",
}


AFTER: Mapping[Kind, str] = {
    "disconnect": "hang-ups",
    "error": "errors",
    "shutdown": "signals to shut down",
}
"""What situations of a kind are about, after which clean-up was to be done."""


def share(found: Share) -> str:
    """How many trials failed, and what share of failures that allows where some did not."""
    failed = f"{found.failures}/{found.of} failed"
    return failed if found.failures == found.of else f"{failed} (≤ {markdown.percent(found.bound)})"


def shares(found: Mapping[Share, Sequence[str]]) -> str:
    """Apps, by how many of their trials failed; a dash for none."""
    texts = [f"{', '.join(apps)}: {share(failed)}" for failed, apps in found.items()]
    return "; ".join(texts) or "\N{EN DASH}"


def changes(changed: Changed) -> str:
    """The answers that a variant changes, and of which apps."""
    return "; ".join(
        f"{', '.join(apps)}: " + ", ".join(_change(before, after) for before, after in answers)
        for apps, answers in changed.answers
    )


def _change(before: Answered, after: Answered) -> str:
    more = ""
    if before.answer is after.answer:
        more = f" in {'more' if worse(before, after) else 'fewer'} scenarios"
    return f"{after.question.title} {symbol(before.answer)} → {symbol(after.answer)}{more}"
