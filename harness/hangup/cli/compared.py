"""What the two names that `hangup diff` is given mean, and the stacks that they compare."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path

import msgspec

from hangup.analysis.claims import verdicts
from hangup.analysis.effects import Comparable, from_observations, from_outcomes
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.stack_pairs import FACTORS, NameKind, all_names, meanings, pairs
from hangup.cli.options import results_to_read
from hangup.errors import UserError, choose
from hangup.model.effect import Factor, Pair
from hangup.model.trace import Stack
from hangup.store.results import SUFFIX, TRACES, read_stack_result, read_stack_results
from hangup.store.tables import OUTCOMES, read_outcomes_csv

Narrowed = Mapping[Factor, Sequence[str]]
"""What is compared of apps, servers, version sets and Pythons; all where nothing is named."""


class Compared(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be compared."""

    a: Mapping[Stack, Comparable]
    b: Mapping[Stack, Comparable]
    pairs: tuple[Pair, ...]
    alone: tuple[tuple[Stack, ...], tuple[Stack, ...]] = ((), ())
    """The stacks that only one of two results has."""
    results: bool
    """Whether two results are compared, and not stacks of one."""


class _NamedResults:
    """The results that names are looked up in, read when they are needed."""

    def __init__(self, named: Path | None) -> None:
        self._named = named

    @cached_property
    def directory(self) -> Path:
        return results_to_read(self._named)

    @cached_property
    def comparable(self) -> Mapping[Stack, Comparable]:
        return read(self.directory)


def find(a: str, b: str, results: Path | None, narrowed: Narrowed) -> Compared:
    """What is meant by two names, as the help of `hangup diff` says.

    Raises UserError if it is not clear, or if there is nothing to compare.
    """
    both_paths = Path(a).exists() and Path(b).exists()
    if both_paths and any(name.startswith((".", "/", "~")) for name in (a, b)):
        return _of_results(a, b, narrowed)
    known = _NamedResults(results)
    if both_paths:
        try:
            stacks = list(known.comparable)
        except UserError:
            stacks = []
        if not (meanings(a, stacks) and meanings(b, stacks)):
            return _of_results(a, b, narrowed)
    stacks = _narrow(list(known.comparable), narrowed)
    found = {name: meanings(name, known.comparable) for name in (a, b)}
    for name, means in found.items():
        if not means:
            raise _unknown(name, known)
    kinds = found[a].keys() & found[b].keys()
    if not kinds:
        raise UserError(
            f"{a} is {_one_of(found[a])} and {b} is {_one_of(found[b])}; only two of a kind can be "
            "compared."
        )
    if len(kinds) > 1:
        raise UserError(
            f"{a} and {b} are both {' and '.join(sorted(kinds))}; name stacks as "
            "VERSIONS-pyX.Y/APP/SERVER to say which are meant."
        )
    (kind,) = kinds
    fields_a, fields_b = found[a][kind], found[b][kind]
    if fields_a.keys() != fields_b.keys():
        raise UserError(f"Name both stacks with version set and Python, or neither: {a}, {b}.")
    compared = pairs(fields_a, fields_b, stacks)
    if not compared or a == b:
        raise UserError(_nothing_in_common(a, b, kind, narrowed))
    comparable = known.comparable
    return Compared(a=comparable, b=comparable, pairs=tuple(compared), results=False)


def read(path: Path) -> Mapping[Stack, Comparable]:
    """What can be compared of results: a directory, a file of traces or a table of outcomes.

    Of a directory the traces are read, and its table only if it has none. Raises UserError if there
    are none.
    """
    table = path / OUTCOMES if path.is_dir() else path
    if path.is_dir() and ((path / TRACES).is_dir() or not table.exists()):
        outcomes = Outcomes(read_stack_results(path))
    elif path.name.endswith((SUFFIX, ".jsonl.gz")):
        outcomes = Outcomes([read_stack_result(path)])
    else:
        return from_observations(read_outcomes_csv(table))
    return from_outcomes(outcomes, verdicts(outcomes))


def _of_results(a: str, b: str, narrowed: Narrowed) -> Compared:
    one, other = read(Path(a)), read(Path(b))
    first, second = _narrow(list(one), narrowed), _narrow(list(other), narrowed)
    if len(one) == len(other) == 1 and not Path(a).is_dir() and not Path(b).is_dir():
        compared = [Pair(*one, *other)]
    else:
        compared = [Pair(stack, stack) for stack in first if stack in other]
    if not compared:
        raise UserError(f"{a} and {b} have no stack in common{_narrowed_by(narrowed)}.")
    alone = (
        () if compared[0].factors else tuple(stack for stack in own if stack not in others)
        for own, others in ((first, other), (second, one))
    )
    only_a, only_b = alone
    return Compared(a=one, b=other, pairs=tuple(compared), alone=(only_a, only_b), results=True)


def _narrow(stacks: Sequence[Stack], narrowed: Narrowed) -> list[Stack]:
    """Those of the stacks that were asked for; raises UserError for a name there is not."""
    for factor, wanted in narrowed.items():
        choose(_FACTOR_TITLES[factor], wanted, {getattr(stack, factor) for stack in stacks})
    return [
        stack
        for stack in stacks
        if all(not wanted or getattr(stack, f) in wanted for f, wanted in narrowed.items())
    ]


_FACTOR_TITLES: Mapping[Factor, str] = {
    "app": "app",
    "server": "server",
    "versions": "version set",
    "python": "Python",
}


def _unknown(name: str, known: _NamedResults) -> UserError:
    near = difflib.get_close_matches(name, all_names(known.comparable), n=3, cutoff=0.4)
    meant = f"did you mean {' or '.join(near)}? " if near else ""
    return UserError(
        f"{name} is no stack, app, server, version set or Python in {known.directory}, nor are "
        f"both names paths of results; {meant}`hangup diff --help` says what can be compared."
    )


def _one_of(kinds: Collection[NameKind]) -> str:
    return " or ".join(f"{'an' if kind[0] == 'a' else 'a'} {kind}" for kind in sorted(kinds))


def _nothing_in_common(a: str, b: str, kind: NameKind, narrowed: Narrowed) -> str:
    if a == b:
        return f"{a} is the same as {b}."
    rest = {
        "stack": "version set and Python",
        "app": "server, version set and Python",
        "server": "app, version set and Python",
        "version set": "app, server and Python",
        "Python": "app, server and version set",
        "version set under a Python": "app and server",
    }[kind]
    hint = ""
    if kind in ("version set", "Python"):
        hint = (
            "; `hangup run` with --versions and --python measures them alike, VERSIONS-pyX.Y names "
            "both at once"
        )
    return (
        f"{a} and {b} were not measured on one and the same {rest}{_narrowed_by(narrowed)}{hint}."
    )


def _narrowed_by(narrowed: Narrowed) -> str:
    named = [name for factor in FACTORS for name in narrowed.get(factor, ())]
    return f" among those asked for ({', '.join(named)})" if named else ""
