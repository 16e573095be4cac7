"""What is said of each claim: how far it is true, by version set. No Markdown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property

import msgspec

from hangup.analysis.claim_extent import ClaimExtent, Truth, extent
from hangup.model.apps import REFERENCE
from hangup.model.claim import Citation, Claim, ClaimVerdict, Ruling
from hangup.model.claims import ARTICLE, ARTICLE_APP, ARTICLE_SERVER, ARTICLE_VERSIONS, PROJECTS
from hangup.model.trace import Stack
from hangup.report.views import CURRENT, VersionGroup

_TITLES = {ARTICLE_VERSIONS: "the article's versions", CURRENT: "today's versions"}


class VersionSet(msgspec.Struct, frozen=True):
    """The baselines that were run with one version set, or what was if they were not."""

    versions: str
    title: str
    stacks: tuple[Stack, ...]
    """The reference is the last of them."""

    @property
    def pythons(self) -> list[str]:
        """The Pythons they were run under, the newest first."""
        return list(dict.fromkeys(stack.python for stack in self.stacks))

    @property
    def of_article(self) -> tuple[Stack, ...]:
        """Those with the article's own app and server."""
        own = (ARTICLE_APP, ARTICLE_SERVER)
        return tuple(stack for stack in self.stacks if (stack.app, stack.server) == own)


class Statement(msgspec.Struct, frozen=True):
    """A claim, and how far it is true with each version set; None where it does not apply."""

    claim: Claim
    everywhere: tuple[ClaimExtent | None, ...]
    of_article: tuple[ClaimExtent | None, ...]
    """The same on the article's own app and server alone."""

    @property
    def also_cited(self) -> Sequence[Citation]:
        """Who says it beside the article."""
        return [citation for citation in self.claim.cited if citation != ARTICLE]

    @property
    def nearest(self) -> Sequence[ClaimExtent | None]:
        """By version set what is nearest to what the article describes."""
        pairs = zip(self.of_article, self.everywhere, strict=True)
        return [own if own is not None and own.deciding else every for own, every in pairs]

    @property
    def wrong(self) -> bool:
        """Whether with any version set no trial confirms it.

        Those on the article's own app and server are asked if they decide it, else all.
        """
        return any(found is not None and found.truth is Truth.FALSE for found in self.nearest)

    @property
    def false(self) -> bool:
        """Whether with any version set no trial on any stack confirms it."""
        return any(found is not None and found.truth is Truth.FALSE for found in self.everywhere)

    @property
    def true(self) -> bool:
        """Whether with any version set trials confirm it and with none any refutes it."""
        truths = {found.truth for found in self.everywhere if found is not None}
        return Truth.TRUE in truths and not self.limited

    @property
    def limited(self) -> bool:
        """Whether with any version set a trial refutes it, on any stack."""
        return any(
            found is not None and found.truth in (Truth.FALSE, Truth.SOMETIMES)
            for found in self.everywhere
        )


class Counts(msgspec.Struct, frozen=True):
    """How many claims came to what on some stacks; those that do not apply are not counted."""

    title: str
    """Which stacks these are."""
    claims: Mapping[Truth, int]


class ClaimStatements:
    """Claims over the baselines of all version sets; the article's comes first, then today's."""

    def __init__(self, groups: Sequence[VersionGroup], verdicts: Iterable[ClaimVerdict]) -> None:
        self._groups = groups
        self._verdicts = {(verdict.claim, verdict.stack): verdict for verdict in verdicts}

    @cached_property
    def version_sets(self) -> Sequence[VersionSet]:
        """The version sets there are results of."""
        names = dict.fromkeys(group.versions for group in self._groups)
        known = [name for name in _TITLES if name in names]
        return [
            VersionSet(
                name,
                _TITLES.get(name, f"version set `{name}`"),
                _reference_last(s for g in self._groups if g.versions == name for s in g.stacks),
            )
            for name in dict.fromkeys((*known, *names))
        ]

    def of(self, claims: Iterable[Claim]) -> Sequence[Statement]:
        """Those of the claims that apply to any of the stacks."""
        statements = (
            Statement(
                claim,
                tuple(self._extent(claim, own.stacks) for own in self.version_sets),
                tuple(self._extent(claim, own.of_article) for own in self.version_sets),
            )
            for claim in claims
        )
        return [one for one in statements if any(one.everywhere)]

    def in_first_group(self, claims: Iterable[Claim]) -> Sequence[tuple[Claim, ClaimExtent]]:
        """How far claims are true on the stacks that the report shows first."""
        stacks = _reference_last(self._groups[0].stacks)
        found = ((claim, self._extent(claim, stacks)) for claim in claims)
        return [(claim, of_claim) for claim, of_claim in found if of_claim is not None]

    def counts(
        self, statements: Sequence[Statement], *, of_article: bool = False
    ) -> Sequence[Counts]:
        """How many claims came to what with each version set; with the article's own app too."""
        found = []
        for index, own in enumerate(self.version_sets):
            if of_article and own.of_article:
                counts = _counted(one.of_article[index] for one in statements)
                found.append(Counts(f"its own app, {own.title}", counts))
            title = f"all apps and servers, {own.title}"
            found.append(Counts(title, _counted(one.everywhere[index] for one in statements)))
        return found

    def _extent(self, claim: Claim, stacks: Sequence[Stack]) -> ClaimExtent | None:
        verdicts = (self._verdicts.get((claim.id, stack)) for stack in stacks)
        about = [v for v in verdicts if v is not None and v.ruling is not Ruling.NOT_APPLICABLE]
        return extent(about) if about else None


def by_speaker(statements: Sequence[Statement]) -> Mapping[str, Sequence[Statement]]:
    """Statements by the project that says so; under no name what only others say."""
    found: dict[str, list[Statement]] = {name: [] for name in (*PROJECTS.values(), "")}
    for statement in statements:
        names = (citation.project for citation in statement.claim.cited)
        found[next(filter(None, names), "")].append(statement)
    return {name: said for name, said in found.items() if said}


def _counted(extents: Iterable[ClaimExtent | None]) -> Mapping[Truth, int]:
    return Counter(found.truth for found in extents if found is not None)


def _reference_last(stacks: Iterable[Stack]) -> tuple[Stack, ...]:
    return tuple(sorted(stacks, key=lambda stack: stack.app == REFERENCE))
