"""Effects in the words of the pages on them: what happens, what was seen, and where."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

from hangup.analysis.cleanup import CleanupResult
from hangup.analysis.outcomes import Outcomes
from hangup.model.cleanup import TRIED_BY
from hangup.model.effect import TOOK_PLACE, Counts
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack
from hangup.model.vocabulary import ExplainedWord, Word
from hangup.report import effect_text, markdown, observations
from hangup.report.effect_sections import EffectRow, Section
from hangup.report.evidence import has_section
from hangup.report.footnotes import Footnotes
from hangup.report.links import Links, evidence, scenario_page

NAMED = 2
"""So many scenarios are named in a cell; of more, the others are in a footnote."""

LISTED = 3
"""So many changes are named in the answer where no hazard appears or disappears."""


class Writer:
    """Writes the cells of a page: its links and footnotes are each in it once."""

    def __init__(self, links: Links, notes: Footnotes, outcomes: Outcomes) -> None:
        self._links = links
        self._outcomes = outcomes
        self._notes = notes

    def happens(self, names: Sequence[str]) -> str:
        """What happens in these scenarios, as clauses."""
        titles = list(self._titles(names))
        if len(titles) <= NAMED:
            return "; or ".join(titles)
        note = self._notes.to(f"Also: {'; '.join(titles[1:])}.")
        return f"{titles[0]}; and {len(titles) - 1} more{note}"

    def _titles(self, names: Sequence[str]) -> Iterator[str]:
        """The titles of scenarios; those of recipes, which have no pages, by situation."""
        recipes: dict[str, list[str]] = defaultdict(list)
        for name in names:
            if name in TRIED_BY:
                recipe, situation = TRIED_BY[name]
                recipes[situation.title].append(recipe.title)
            else:
                yield self._links.to(BY_ID[name].title, scenario_page(name))
        for situation_title, by in recipes.items():
            ways = "; ".join(by)
            if len(by) > NAMED:
                ways = f"{len(by)} recipes{self._notes.to(f'By {ways}.')}"
            yield f"{situation_title}: clean-up by {ways}"

    def without(self, row: EffectRow) -> str:
        """What was seen before the change."""
        return self._seen(row, row.a, row.first.a)

    def changed(self, row: EffectRow) -> str:
        """What was seen after it."""
        return self._seen(row, row.b, row.first.b)

    def _seen(self, row: EffectRow, counts: Counts, stack: Stack) -> str:
        scenario, surface = row.scenarios[0], row.surfaces[0]

        def word(saw: str) -> str:
            if row.is_recipe:
                return saw
            if saw == TOOK_PLACE:
                return "state reached"
            return markdown.saw(observations.in_words(saw, surface, scenario, stack.server))

        return self.to_evidence(effect_text.spread(counts, word), stack, scenario)

    def to_evidence(self, text: str, stack: Stack, scenario: str) -> str:
        """A text that leads to the evidence of a scenario on a stack, if there is any."""
        if not has_section(self._outcomes, stack, scenario):
            return text
        return self._links.to(text, evidence(stack, scenario))


def words_of(rows: Iterable[EffectRow]) -> list[ExplainedWord]:
    """The words that these rows use, in the vocabulary's order; those of recipes last."""
    used: dict[bool, set[str]] = {False: set(), True: set()}
    for row in rows:
        for counts in (row.a, row.b):
            used[row.is_recipe].update(saw for saws, _ in counts.seen for saw in saws)
    words: list[ExplainedWord] = [word for word in Word if word in used[False]]
    return words + [result for result in CleanupResult if result in used[True]]


def compared(section: Section) -> str:
    """How much was compared and what it came to, in a sentence."""
    found = section.diff
    text = (
        f"Of {found.cells:,} cells (what one surface saw in one scenario on one stack), "
        f"{found.differing:,} differ; chance alone would make {found.by_chance:.2g} differ at most"
    )
    if section.races:
        text += f"; {section.races:,} {'is a race' if section.races == 1 else 'are races'}"
    if section.undecided:
        text += f"; {section.undecided:,} had too few trials to decide"
    return f"{text}."
