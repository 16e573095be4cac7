"""What SIGTERM does on each server, as the decision page shows it. No Markdown."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from functools import cached_property

import msgspec

from hangup.analysis.cleanup import CleanupGuide
from hangup.analysis.outcomes import Outcomes
from hangup.model import servers
from hangup.model.cleanup import RECIPES, Recipe
from hangup.model.hazards import SHUTDOWNS
from hangup.model.outcomes import Cell
from hangup.model.trace import Stack
from hangup.model.variants import variant_name
from hangup.model.vocabulary import Surface, Word

SHUTDOWN_CELLS: Mapping[str, tuple[str, str]] = {
    "process": ("shutdown", Surface.EXIT),
    "open stream": ("shutdown", Surface.STREAM_END),
    "process, a client has stopped reading": ("shutdown-stalled", Surface.EXIT),
    "process, SIGTERM to all processes": ("shutdown-group", Surface.EXIT),
}
"""The columns of the table of shutdowns: their titles, with scenario and surface."""


class Shutdown(msgspec.Struct, frozen=True, kw_only=True):
    """What SIGTERM does on servers that are alike, to most of the apps that were run on them."""

    servers: tuple[str, ...]
    cells: Mapping[str, Seen]
    """By the title of a column."""
    others: tuple[tuple[Stack, Mapping[str, Seen]], ...]
    """The apps that see something else than most, and the cells in which they do."""


class Seen(msgspec.Struct, frozen=True):
    """What was seen in some trials, most frequent first; nothing if there are none."""

    counts: tuple[tuple[str, int], ...]
    of: int


class ShutdownsView:
    """What the template asks for; `stacks` are those of one version set under one Python."""

    def __init__(self, outcomes: Outcomes, stacks: Sequence[Stack], guide: CleanupGuide) -> None:
        self.outcomes = outcomes
        self.guide = guide
        self.stacks = [stack for stack in stacks if not variant_name(stack.app)]

    @cached_property
    def rows(self) -> Sequence[Shutdown]:
        """What SIGTERM does, servers that are alike together, in the order of their table."""
        usual: dict[object, list[Stack]] = defaultdict(list)
        others: dict[object, list[Stack]] = defaultdict(list)
        for server in servers.BY_ID:
            by_saws: dict[object, list[Stack]] = defaultdict(list)
            for stack in self._shut_down:
                if stack.server == server:
                    by_saws[self._words_at_shutdown(stack)].append(stack)
            if by_saws:
                key = max(by_saws, key=lambda words: len(by_saws[words]))
                usual[key] += by_saws.pop(key)
                others[key] += [stack for stacks in by_saws.values() for stack in stacks]
        return [
            Shutdown(
                servers=tuple(dict.fromkeys(stack.server for stack in stacks)),
                cells={title: self._seen(stacks, *at) for title, at in SHUTDOWN_CELLS.items()},
                others=tuple((stack, self._differing(stack, stacks[0])) for stack in others[key]),
            )
            for key, stacks in usual.items()
        ]

    @cached_property
    def _shut_down(self) -> Sequence[Stack]:
        """The stacks of baseline apps that were shut down."""
        return [
            stack
            for stack in self.stacks
            if self.outcomes.conclusive(stack, "shutdown", Surface.EXIT)
        ]

    def _words_at_shutdown(self, stack: Stack) -> tuple[frozenset[str], ...]:
        """What was seen on a stack in each of the cells."""
        return tuple(
            frozenset(self.outcomes.conclusive(stack, *at)) for at in SHUTDOWN_CELLS.values()
        )

    def _differing(self, stack: Stack, from_: Stack) -> Mapping[str, Seen]:
        """What was seen on a stack, in the cells in which it is not what was seen on another."""
        pairs = zip(self._words_at_shutdown(stack), self._words_at_shutdown(from_), strict=True)
        return {
            title: self._seen([stack], *at)
            for (title, at), (own, other) in zip(SHUTDOWN_CELLS.items(), pairs, strict=True)
            if own != other
        }

    def _seen(self, stacks: Sequence[Stack], scenario: str, surface: str) -> Seen:
        counts: Counter[str] = Counter()
        for stack in stacks:
            known = self.outcomes.conclusive(stack, scenario, surface)
            for found in self.outcomes[Cell(stack, scenario, surface)]:
                counts[found.saw] += found.n if found.saw in known else 0
        return Seen(tuple(counts.most_common()), counts.total())

    def apps_on(self, server: str) -> Sequence[str]:
        """The apps that were shut down on a server."""
        return [stack.app for stack in self._shut_down if stack.server == server]

    def cleaned_up_by(self, server: str) -> Sequence[Recipe]:
        """The recipes that had clean-up done in every shutdown on a server, with every app."""
        stacks = self.guide.ran([s for s in self.stacks if s.server == server])
        return [
            recipe
            for recipe in RECIPES
            if stacks
            and not recipe.situations
            and all(
                self.guide.applies(stack, recipe)
                and not self.guide.not_good(stack, recipe, ("shutdown",))
                for stack in stacks
            )
        ]

    @property
    def always_exits(self) -> Sequence[str]:
        """The servers, variants included, that exit after every signal, whatever is open."""
        found = []
        for server in servers.BY_ID:
            saws = [
                self.outcomes.conclusive(stack, scenario, Surface.EXIT)
                for stack in self.stacks
                for scenario in SHUTDOWNS
                if stack.server == server
            ]
            known = [seen for seen in saws if seen]
            if known and all(seen == (Word.EXITED,) for seen in known):
                found.append(server)
        return found
