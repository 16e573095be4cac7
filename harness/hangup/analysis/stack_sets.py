"""The shortest description of some stacks among others, by what they have in common. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import msgspec

from hangup.model.trace import Stack

FACTORS: Mapping[str, Callable[[Stack], str]] = {
    "app": lambda stack: stack.app,
    "server": lambda stack: stack.server,
    "python": lambda stack: stack.python,
    "versions": lambda stack: stack.versions,
}
"""What stacks may differ in."""


class Values(msgspec.Struct, frozen=True):
    """Which values a factor may have."""

    factor: str
    names: tuple[str, ...]
    excluded: bool = False
    """Whether it may have any but these."""

    def include(self, stack: Stack) -> bool:
        """Whether a stack has one of the values."""
        return (FACTORS[self.factor](stack) in self.names) is not self.excluded


Block = tuple[Values, ...]
"""The stacks that have all of these; a factor that is not named may have any value."""


class Description(msgspec.Struct, frozen=True):
    """Some stacks among others: those of all blocks together, or all that are in none."""

    blocks: tuple[Block, ...]
    excluded: bool = False
    """Whether it is all stacks but those in the blocks."""

    @property
    def everything(self) -> bool:
        """Whether it is all stacks there are."""
        return self.blocks == ((),)

    @property
    def length(self) -> int:
        """How much there is to say, in names."""
        return _length(self.blocks) + self.excluded

    def includes(self, stack: Stack) -> bool:
        """Whether a stack, one of those that it was described among, is one of these."""
        inside = any(all(values.include(stack) for values in block) for block in self.blocks)
        return inside is not self.excluded


def describe(found: Sequence[Stack], among: Sequence[Stack]) -> Description:
    """The shortest description of the stacks found, all of which are among the others.

    Names are in the order in which they first come among the others.
    """
    chosen = set(found)
    inside = [stack for stack in among if stack in chosen]
    outside = [stack for stack in among if stack not in chosen]
    included = Description(tuple(_blocks(inside, among, tuple(FACTORS))))
    if not inside or not outside:
        return included
    excluded = Description(tuple(_blocks(outside, among, tuple(FACTORS))), excluded=True)
    return min(included, excluded, key=lambda description: description.length)


def _blocks(
    found: Sequence[Stack], among: Sequence[Stack], factors: tuple[str, ...]
) -> list[Block]:
    """The shortest of the ways to divide the found stacks by one factor after another."""
    if len(found) == len(among):
        return [()] if found else []
    ways = (
        [
            block
            for names in _alike(found, among, factor)
            for block in _with_values(
                found, among, factor, names, tuple(f for f in factors if f != factor)
            )
        ]
        for factor in factors
    )
    return min(ways, key=_length)


def _with_values(
    found: Sequence[Stack],
    among: Sequence[Stack],
    factor: str,
    names: Sequence[str],
    others: tuple[str, ...],
) -> list[Block]:
    """The blocks of the stacks that have one of these values of a factor."""
    value = FACTORS[factor]
    rest = [name for name in dict.fromkeys(map(value, among)) if name not in names]
    named = Values(factor, tuple(names))
    if len(rest) < len(names):
        named = Values(factor, tuple(rest), excluded=True)
    own = [stack for stack in found if value(stack) in names]
    all_ = [stack for stack in among if value(stack) in names]
    return [(named, *block) if rest else block for block in _blocks(own, all_, others)]


def _alike(found: Sequence[Stack], among: Sequence[Stack], factor: str) -> list[list[str]]:
    """The values of a factor, those together that all or the same of their stacks are found of."""
    value = FACTORS[factor]
    others = [other for name, other in FACTORS.items() if name != factor]
    values: dict[object, list[str]] = {}
    for name in dict.fromkeys(map(value, found)):
        own = [stack for stack in found if value(stack) == name]
        every = len(own) == sum(value(stack) == name for stack in among)
        alike = every or frozenset(tuple(other(s) for other in others) for s in own)
        values.setdefault(alike, []).append(name)
    return list(values.values())


def _length(blocks: Sequence[Block]) -> int:
    return sum(1 + sum(len(values.names) + values.excluded for values in b) for b in blocks)
