"""Which stacks are compared with which: those that names mean, and those of one factor. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations, pairwise
from typing import Literal, TypeAlias

import msgspec

from hangup.model import servers
from hangup.model.effect import Factor, Pair
from hangup.model.trace import Stack
from hangup.model.variants import baseline_id, variant_name

FACTORS: tuple[Factor, ...] = ("app", "server", "versions", "python")

Fields: TypeAlias = Mapping[Factor, str]
"""What a name says of stacks: those are meant of which these fields are so."""

NameKind: TypeAlias = Literal[
    "stack", "app", "server", "version set", "Python", "version set under a Python"
]
"""What a name can be the name of."""


class FactorKind(msgspec.Struct, frozen=True):
    """A kind of comparison that the report makes: of stacks that differ in one field."""

    title: str
    factor: Factor
    variant: bool = False
    """Whether it is a variant that is compared with its baseline."""


APP_VARIANTS = FactorKind("Variants of apps", "app", variant=True)
SERVER_VARIANTS = FactorKind("Variants of servers", "server", variant=True)
SERVERS = FactorKind("Servers", "server")
PYTHONS = FactorKind("Pythons", "python")
VERSION_SETS = FactorKind("Version sets", "versions")
_KINDS = (APP_VARIANTS, SERVER_VARIANTS, SERVERS, PYTHONS, VERSION_SETS)


def meanings(name: str, stacks: Iterable[Stack]) -> dict[NameKind, Fields]:
    """What a name means among some stacks: usually one thing, nothing if it is not there."""
    return {
        kind: {factor: getattr(stack, factor) for factor in factors}
        for stack in stacks
        for own, kind, factors in _names(stack)
        if own == name
    }


def _names(stack: Stack) -> Iterator[tuple[str, NameKind, tuple[Factor, ...]]]:
    """Everything that a stack can be meant by, and which of its fields that says."""
    yield stack.app, "app", ("app",)
    yield stack.server, "server", ("server",)
    yield stack.versions, "version set", ("versions",)
    yield stack.python, "Python", ("python",)
    group = f"{stack.versions}-py{stack.python}"
    yield group, "version set under a Python", ("versions", "python")
    yield f"{stack.app}/{stack.server}", "stack", ("app", "server")
    yield stack.id, "stack", FACTORS


def all_names(stacks: Iterable[Stack]) -> list[str]:
    """All names that mean something among these stacks, sorted."""
    return sorted({own for stack in stacks for own, _, _ in _names(stack)})


def pairs(a: Fields, b: Fields, stacks: Sequence[Stack]) -> list[Pair]:
    """The stacks that one name means with those that the other means, alike in all else.

    Both names say the same fields.
    """
    others: dict[tuple[str, ...], Stack] = {
        _rest(stack, b): stack for stack in stacks if _means(b, stack)
    }
    return [
        Pair(stack, others[_rest(stack, a)])
        for stack in stacks
        if _means(a, stack) and _rest(stack, a) in others
    ]


def _means(fields: Fields, stack: Stack) -> bool:
    return all(getattr(stack, factor) == value for factor, value in fields.items())


def _rest(stack: Stack, fields: Fields) -> tuple[str, ...]:
    """What a name leaves open of a stack."""
    return tuple(getattr(stack, factor) for factor in FACTORS if factor not in fields)


class FactorPairs(msgspec.Struct, frozen=True, kw_only=True):
    """All pairs of stacks that one thing is changed between."""

    kind: FactorKind
    a: str
    """What it is changed from; for a variant of several baselines, in the first of its pairs."""
    b: str
    pairs: tuple[Pair, ...]

    @property
    def names(self) -> tuple[tuple[str, str], ...]:
        """What it is changed from and to: one pair of names, or one a baseline."""
        factor = self.kind.factor
        found = ((getattr(pair.a, factor), getattr(pair.b, factor)) for pair in self.pairs)
        return tuple(dict.fromkeys(found))

    @property
    def title(self) -> str:
        """What is changed, in a few characters."""
        if self.kind.variant:
            return f"+{variant_name(self.b)}"
        return f"{self.a} → {self.b}"


def one_factor(stacks: Sequence[Stack]) -> list[FactorPairs]:
    """The pairs that differ in one thing, by that thing; in the order of the kinds.

    A variant is compared with its baseline, servers with each other where both are baselines, a
    Python and a version set with the one that comes next among those of the same stack.
    """
    found: dict[tuple[FactorKind, str, str], list[Pair]] = defaultdict(list)
    for kind in _KINDS:
        for a, b in _with_baseline(stacks, kind) if kind.variant else _neighbours(stacks, kind):
            before, after = getattr(a, kind.factor), getattr(b, kind.factor)
            # A variant's name stands for the same change to every baseline that has it.
            change = ("", variant_name(after)) if kind.variant else (before, after)
            found[kind, *change].append(Pair(a, b))
    return [_factor_pairs(kind, found_pairs) for (kind, _, _), found_pairs in found.items()]


def _with_baseline(stacks: Sequence[Stack], kind: FactorKind) -> Iterator[tuple[Stack, Stack]]:
    there = set(stacks)
    for stack in stacks:
        baseline = baseline_id(getattr(stack, kind.factor))
        of = msgspec.structs.replace(stack, **{kind.factor: baseline})
        if of != stack and of in there:
            yield of, stack


def _neighbours(stacks: Sequence[Stack], kind: FactorKind) -> Iterator[tuple[Stack, Stack]]:
    for alike in _alike(stacks, kind.factor):
        yield from combinations(alike, 2) if kind.factor == "server" else pairwise(alike)


def _factor_pairs(kind: FactorKind, found: Sequence[Pair]) -> FactorPairs:
    return FactorPairs(
        kind=kind,
        a=getattr(found[0].a, kind.factor),
        b=getattr(found[0].b, kind.factor),
        pairs=tuple(sorted(found)),
    )


def _alike(stacks: Sequence[Stack], factor: Factor) -> Iterator[list[Stack]]:
    """The stacks that differ in nothing but this, in its order; of servers, baselines only."""
    by_rest: dict[tuple[str, ...], list[Stack]] = defaultdict(list)
    for stack in stacks:
        if factor != "server" or baseline_id(stack.server) == stack.server:
            by_rest[_rest(stack, {factor: ""})].append(stack)
    for alike in by_rest.values():
        yield sorted(alike, key=lambda stack: _place(getattr(stack, factor)))


def _place(value: str) -> tuple[object, ...]:
    """Servers as in their table, Pythons by number, the rest by name."""
    known = list(servers.BY_ID)
    number = [int(part) for part in value.split(".") if part.isdigit()]
    return (known.index(value) if value in known else len(known), number, value)
