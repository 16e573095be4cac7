"""Links to the evidence: where the evidence of a cell is, and each page's table of addresses."""

from __future__ import annotations

import posixpath
from collections.abc import Iterator

from hangup.model.claims import OF_ARTICLE
from hangup.model.code_excerpts import CodeExcerpt
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack

EVIDENCE = "evidence"
SCENARIOS = "scenarios"
DECISIONS = "decisions"
APPS = "apps"
FIGURES = "figures"
EXPLORER = "explorer"
DIRECTORIES = (EVIDENCE, SCENARIOS, DECISIONS, APPS, FIGURES, EXPLORER)
"""The directories below the results that hold nothing but generated pages."""
ARTICLE = "article.md"
"""What the article says."""
CLAIMS = "claims.md"
"""What only others say, and all claims in one table."""
_OF_ARTICLE = frozenset(claim.id for claim in OF_ARTICLE)
OVERVIEW = "README.md"
"""The page that a reader begins with."""
HEAT_MAP = "heat-map.svg"
_PAGE_OF_KIND = {
    "disconnect": "disconnects",
    "control": "controls",
    "cleanup": "cleanup",
    "operator": "shutdown",
    "recipe": "recipes",
}
"""A page of evidence holds the scenarios of one kind."""


def group_id(stack: Stack) -> str:
    """The directory of a version set under a Python."""
    return f"{stack.versions}-py{stack.python}"


def evidence_page(stack: Stack, kind: str) -> str:
    """The page with an app's evidence for the scenarios of a kind, below the results."""
    return f"{EVIDENCE}/{group_id(stack)}/{stack.app}/{_PAGE_OF_KIND[kind]}.md"


def evidence(stack: Stack, scenario: str) -> str:
    """Where the evidence for a scenario on a stack is, below the results."""
    return f"{evidence_page(stack, BY_ID[scenario].kind)}#{scenario}"


def scenario_page(scenario: str) -> str:
    """Where the page of a scenario is, below the results."""
    return f"{SCENARIOS}/{scenario}.md"


def claim(id_: str) -> str:
    """Where what is said of a claim is, below the results."""
    return f"{ARTICLE if id_ in _OF_ARTICLE else CLAIMS}#{id_}"


def decision_page(app: str, server: str) -> str:
    """Where the decision record of an app on a server is, below the results."""
    return f"{DECISIONS}/{app}-{server}.md"


def app_page(app: str) -> str:
    """Where the page of an app is, below the results."""
    return f"{APPS}/{app}.md"


class Links:
    """The links of one page to others, by number.

    A page has so many links that each address may stand in it only once.
    """

    leads_anywhere = True
    """Whether what is linked is there."""

    def __init__(self, page: str) -> None:
        self._directory = posixpath.dirname(page)
        self._numbers: dict[str, int] = {}

    def to(self, text: str, target: str) -> str:
        """A text that leads to a place below the results, or elsewhere."""
        return f"[{text}][{self._numbers.setdefault(target, len(self._numbers) + 1)}]"

    def relative(self, target: str) -> str:
        """The address of a place below the results, from this page; one elsewhere as it is."""
        if "://" in target:
            return target
        return posixpath.relpath(target, self._directory or ".")

    def code(self, excerpt: CodeExcerpt) -> str:
        """The address of code, where the results are in the repository that holds it."""
        lines = f"#L{excerpt.first_line}-L{excerpt.last_line}"
        return self.relative(f"../{excerpt.path}") + lines

    @property
    def addresses(self) -> Iterator[tuple[int, str]]:
        """The numbers and the addresses that they stand for."""
        return ((number, self.relative(target)) for target, number in self._numbers.items())


class LinksFromOutside(Links):
    """The links of a text that is not among the results to what is there."""

    def __init__(self, results: str) -> None:
        """Take the address of the results from where the text is."""
        super().__init__("")
        self._results = results

    def relative(self, target: str) -> str:
        """The address of a place below the results, from where the text is."""
        return posixpath.normpath(posixpath.join(self._results, target))


class NoLinks(Links):
    """Of a text whose evidence was not written, or is not to be linked."""

    leads_anywhere = False

    def to(self, text: str, target: str) -> str:
        """The text alone."""
        return text
