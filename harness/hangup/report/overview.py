"""What the decision page shows, of the stacks of one version set under one Python. No Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cached_property

import msgspec

from hangup.analysis.headlines import Headline, headlines
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.ranking import Answered, RankedApp, Ranking, answered, differ, ranking
from hangup.analysis.stack_pairs import one_factor
from hangup.analysis.upstream import CostRow, cost_rows
from hangup.model.hazards import DISCONNECTS
from hangup.model.ranking import Answer
from hangup.model.trace import Stack
from hangup.model.variants import variant_name
from hangup.model.vocabulary import Word, is_call
from hangup.report.views import VersionGroup

MOST_HEADLINES = 10
"""So many statements stand at the top."""


class Changed(msgspec.Struct, frozen=True, kw_only=True):
    """What a variant changes of the answers to the questions."""

    variant: str
    title: str
    """What it adds, as it follows an app's title."""
    apps: tuple[str, ...]
    """All that were run with it."""
    answers: tuple[tuple[tuple[str, ...], tuple[tuple[Answered, Answered], ...]], ...]
    """The apps of which it changes the same answers, and these without and with it."""


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What hang-ups cost the upstream of a stream, over the stacks that have its result."""

    scenario: str
    closed: tuple[CostRow, ...]
    """The stacks on which the upstream was closed within the window in every trial."""
    open: tuple[CostRow, ...]

    @property
    def longest_ms(self) -> float:
        """The longest time from the client's leaving to the close."""
        return max(ns / 1e6 for row in self.closed for ns in row.closed_ns if ns is not None)

    @property
    def sent(self) -> tuple[int, int]:
        """How many events were sent meanwhile, at the least and at the most."""
        sent = [n for row in self.closed for n in row.sent_after]
        return min(sent), max(sent)


class Overview:
    """What the template asks for."""

    def __init__(self, outcomes: Outcomes, group: VersionGroup) -> None:
        self.outcomes = outcomes
        self.group = group
        self.stacks: Sequence[Stack] = group.stacks

    @cached_property
    def ranking(self) -> Ranking:
        """The apps, the best first."""
        return ranking(self.outcomes, self.stacks)

    @cached_property
    def servers(self) -> Sequence[str]:
        """The servers of the baselines."""
        return list(dict.fromkeys(stack.server for stack in self.stacks))

    @property
    def common(self) -> Sequence[Headline]:
        """What holds on all of the stacks or on nearly all, no more than there is room for."""
        return common(self.outcomes, self.stacks)

    @property
    def unanimous(self) -> bool:
        """Whether all of that holds on all of them."""
        return all(headline.found == headline.ran for headline in self.common)

    @property
    def depends(self) -> Sequence[Headline]:
        """What holds on some stacks only."""
        return [h for h in headlines(self.outcomes, self.stacks) if h.found and not h.common]

    # ------------------------------------------------------------------------ servers, middleware

    def like_here(self, server: str) -> tuple[Sequence[RankedApp], Sequence[RankedApp]]:
        """The ranked apps that another server answers all questions alike for, and the others."""
        on = [ranked for ranked in self.ranking.apps if server in ranked.servers]
        other = [r for r in on if any(a.stack.server == server for a in r.elsewhere)]
        return [ranked for ranked in on if ranked not in other], other

    @cached_property
    def variants(self) -> Sequence[Changed]:
        """What each variant of an app changes, those that change most answers first."""
        found = [
            self._changed(variant_name(factor.b), [(pair.a, pair.b) for pair in factor.pairs])
            for factor in one_factor(self.group.with_variants)
            if factor.kind.factor == "app"
        ]
        return sorted(found, key=lambda changed: -len(changed.answers))

    def _changed(self, name: str, pairs: Iterable[tuple[Stack, Stack]]) -> Changed:
        apps: list[str] = []
        title = ""
        alike: dict[object, tuple[list[str], tuple[tuple[Answered, Answered], ...]]] = {}
        for without, with_it in pairs:
            title = title or self._added(without, with_it)
            apps.append(without.app)
            answers = tuple(self._answers(without, with_it))
            key = tuple((a.question.id, a.answer, b.answer) for a, b in answers)
            if answers:
                alike.setdefault(key, ([], answers))[0].append(without.app)
        return Changed(
            variant=name,
            title=title,
            apps=tuple(apps),
            answers=tuple((tuple(on), answers) for on, answers in alike.values()),
        )

    def _added(self, without: Stack, with_it: Stack) -> str:
        before, after = (self.outcomes.of(s).result.title for s in (without, with_it))
        return after.removeprefix(before).strip(" ,")

    def _answers(self, without: Stack, with_it: Stack) -> Iterator[tuple[Answered, Answered]]:
        """The answers that differ, of questions that were asked of both."""
        both = zip(*(answered(self.outcomes, stack) for stack in (without, with_it)), strict=True)
        for before, after in both:
            known = Answer.UNKNOWN not in (before.answer, after.answer)
            if known and not (before.missing or after.missing) and differ(before, after):
                yield before, after

    # ------------------------------------------------------------------------ costs and alarms

    @property
    def costs(self) -> Sequence[Cost]:
        """What a hang-up costs upstream, a scenario each."""
        rows: dict[str, list[CostRow]] = defaultdict(list)
        own = set(self.stacks)
        for row in cost_rows(self.outcomes):
            if row.stack in own:
                rows[row.scenario].append(row)
        return [
            Cost(
                scenario=scenario,
                closed=tuple(row for row in found if not row.still_open),
                open=tuple(row for row in found if row.still_open),
            )
            for scenario, found in rows.items()
        ]

    def alarmed(self, surfaces: Sequence[str]) -> Alarmed:
        """Where any of these surfaces is called for a hang-up.

        That is among the baselines; among the variants, if only these have it.
        """
        for stacks in (self.stacks, self.group.with_variants):
            seen = {stack: self._seen_of_hangups(stack, surfaces) for stack in stacks}
            ran = [stack for stack in stacks if seen[stack]]
            if ran:
                break
        found = [s for s in ran if any(any(map(is_call, saws)) for saws in seen[s].values())]
        asked = {name for stack in found or ran for name in seen[stack]}
        loud = {name for s in found for name, saws in seen[s].items() if any(map(is_call, saws))}
        return Alarmed(
            found=tuple(found),
            ran=tuple(ran),
            scenarios=tuple(name for name in DISCONNECTS if name in loud),
            asked=len(asked),
        )

    def logged_at_shutdown(self, surface: str) -> tuple[Sequence[Stack], Sequence[Stack]]:
        """The stacks on which a shutdown with an open stream is an error at a surface; and all.

        Those are the baselines, or the variants if only these have it.
        """
        seen = {
            stack: self.outcomes.conclusive(stack, "shutdown", surface)
            for stack in self.group.with_variants
        }
        with_variants = [stack for stack, saws in seen.items() if saws]
        ran = [stack for stack in with_variants if stack in self.stacks] or with_variants
        return [stack for stack in ran if any(map(is_call, seen[stack]))], ran

    def _seen_of_hangups(
        self, stack: Stack, surfaces: Sequence[str]
    ) -> Mapping[str, Sequence[str]]:
        """What any of some surfaces saw, by way of hanging up; nothing where none is in place."""
        saws = {
            scenario: [s for x in surfaces for s in self.outcomes.conclusive(stack, scenario, x)]
            for scenario in DISCONNECTS
        }
        return {name: seen for name, seen in saws.items() if not _NOT_THERE.issuperset(seen)}


class Alarmed(msgspec.Struct, frozen=True, kw_only=True):
    """Where something is called for hang-ups though nobody made a mistake."""

    found: tuple[Stack, ...]
    ran: tuple[Stack, ...]
    scenarios: tuple[str, ...]
    """The ways of hanging up for which it is called, on any of them."""
    asked: int
    """Of how many, on those on which it is called for any."""


_NOT_THERE = frozenset({Word.REJECTED, Word.UNREACHED})
"""What is said of a handler that is not registered, or that another stands before."""


def common(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[Headline]:
    """What holds on all of some stacks or on nearly all, no more than there is room for."""
    return [found for found in headlines(outcomes, stacks) if found.common][:MOST_HEADLINES]
