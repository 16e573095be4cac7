"""What the page of an app shows: where hang-ups surface, why, and what changes it. No Markdown.

Rows that say the same are one row, servers that agree are one entry, and another version set or
Python is shown only where it differs by more than repeats explain.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import TypeAlias

import msgspec

from hangup.analysis import summary
from hangup.analysis.effects import Comparable, compare, effect
from hangup.analysis.hazards import FoundHazard
from hangup.analysis.notification import Notified, notified
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.stack_pairs import FactorKind, FactorPairs, one_factor
from hangup.analysis.summary import Among
from hangup.model import scenarios
from hangup.model.effect import CellId, Counts, Pair, Result
from hangup.model.exception_path import Disposition, ExceptionPath
from hangup.model.outcomes import Cell, ObservationCount, distribution
from hangup.model.scenario import Scenario
from hangup.model.scenarios import ERRORS_IN_STREAM
from hangup.model.trace import Stack, StackResult
from hangup.model.variants import baseline_id, variant_name
from hangup.model.vocabulary import FAILURES, HOOK, Surface, Word, is_call
from hangup.report.cleanup import AdviceRow, Written
from hangup.report.effects import diff
from hangup.report.exception_path import canceller, package
from hangup.report.views import Agreeing, HazardPlace, VersionGroup, agreeing

PLAIN = "idle"
"""The plain hang-up: what comes first, and what others are compared with."""
CHANGES_SHOWN = 3
"""So many rows are shown of what one thing changes; the page on it has the rest."""

_AROUND = (Surface.ENDPOINT, Surface.DEPENDENCY, Surface.BACKGROUND, Surface.UPSTREAM)
_UNREMARKABLE = frozenset({Word.ALREADY_FINISHED, Word.NOT_APPLICABLE, Word.ANSWERED})
"""What is not worth an entry: it says that a hang-up came too late to be seen, or did no harm."""
_ROWS = (
    *(s.id for s in scenarios.SCENARIOS if s.kind == "disconnect"),
    *(s.id for s in scenarios.SCENARIOS if s.kind == "operator"),
    *ERRORS_IN_STREAM,
)
"""The scenarios of the table, and of what is explained by exception paths."""


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """What some surfaces saw alike on one server."""

    surfaces: tuple[str, ...]
    observations: tuple[ObservationCount, ...]


class ServerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen in one cell of the table on the servers that agree."""

    stacks: tuple[Stack, ...]
    entries: tuple[Entry, ...]
    """Nothing if no surface saw anything that is worth an entry."""


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What was seen alike in some scenarios."""

    scenarios: tuple[Scenario, ...]
    stack: Stack
    """One on which they were run."""
    stream: tuple[Agreeing, ...]
    source: tuple[Agreeing, ...]
    around: tuple[ServerEntry, ...]
    handlers: tuple[ServerEntry, ...]


class Difference(msgspec.Struct, frozen=True, kw_only=True):
    """What is seen otherwise elsewhere, in some scenarios alike."""

    surface: str
    scenarios: tuple[str, ...]
    a: Counts
    b: Counts
    pairs: tuple[Pair, ...]


class ChangedBy(msgspec.Struct, frozen=True, kw_only=True):
    """What one thing changes of an app: another server, an option, or a middleware."""

    kind: FactorKind
    title: str
    pair: Pair
    shown: tuple[Difference, ...]
    more: int
    """So many differences are not shown."""


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """Hang-ups that came out alike, and what was seen where the notification would be."""

    scenarios: tuple[Scenario, ...]
    cell: tuple[Agreeing, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """A handler, hook or log that saw something of hang-ups, in which, and on which servers."""

    surface: str
    among: Among
    stacks: tuple[Stack, ...]


class Explained(msgspec.Struct, frozen=True, kw_only=True):
    """Scenarios in which an exception took the same path, on some servers."""

    scenarios: tuple[Scenario, ...]
    result: StackResult
    path: ExceptionPath | None
    """None if nothing was thrown into the stream."""
    servers: tuple[str, ...]
    """Empty if it is all of those on which these scenarios were traced, or the plain hang-up's."""
    each_server: bool
    """Whether it ends in the server's own code, so that it ends elsewhere on each."""


class FoundOnApp(msgspec.Struct, frozen=True, kw_only=True):
    """A hazard that an app has, and where."""

    found: FoundHazard
    places: Sequence[HazardPlace]


class WrittenOn(msgspec.Struct, frozen=True, kw_only=True):
    """A recipe to write, and the servers on which the same came of it."""

    written: Written
    servers: tuple[str, ...]
    better_apps: tuple[str, ...]
    """The other baselines with a recipe that fails in fewer situations, on all of these servers."""

    @property
    def failed(self) -> bool:
        """Whether it failed in any trial."""
        return any(verdict.tried.failures for verdict in self.written.recommendation.verdicts)


def written_on(advice: Iterable[AdviceRow]) -> list[WrittenOn]:
    """What to write for an app, once for all servers on which the same came of it."""
    alike: dict[object, list[tuple[Written, AdviceRow]]] = defaultdict(list)
    for row in advice:
        for written in row.written:
            alike[written.recommendation].append((written, row))
    return [
        WrittenOn(
            written=same[0][0],
            servers=tuple(server for _, row in same for server in row.advice.servers),
            better_apps=tuple(
                app
                for app in same[0][1].advice.better_apps
                if not variant_name(app) and all(app in row.advice.better_apps for _, row in same)
            ),
        )
        for same in alike.values()
    ]


class AppView:
    """All that the page of an app shows besides claims and clean-up.

    `group` is the version set under a Python that is shown in full, `others` are the rest.
    """

    def __init__(
        self,
        app: str,
        group: VersionGroup,
        others: Sequence[VersionGroup],
        comparable: Mapping[Stack, Comparable],
    ) -> None:
        self.app = app
        self.group = group
        self.others = others
        self.stacks = group.apps[app]
        self.title = group.results_of(app)[0].title
        self._outcomes: Outcomes = group.outcomes
        self._comparable = comparable

    @property
    def servers(self) -> list[str]:
        """The servers it was run on."""
        return [stack.server for stack in self.stacks]

    def cell(self, scenario: str, surface: str) -> Sequence[Agreeing]:
        """What was seen in a cell: once if the servers agree; nothing if it is not there."""
        found = agreeing(self._outcomes, self.stacks, scenario, surface)
        counted = (
            msgspec.structs.replace(one, observations=_undisturbed(one.observations))
            for one in found
            if one.observations and one.observations[0].saw != Word.NOT_APPLICABLE
        )
        return _but_for_races(counted)

    # ------------------------------------------------------------------ the answer

    @cached_property
    def notified(self) -> Sequence[Notified]:
        """The hang-ups that were tried, and how often it was notified of them."""
        return notified(self._outcomes, self.stacks)

    @property
    def not_notified(self) -> list[Told]:
        """The hang-ups that it was not notified of in every trial, by what was seen instead."""
        alike: dict[object, list[Notified]] = defaultdict(list)
        for one in self.notified:
            if not one.always:
                alike[self._cell_key(one.scenario, one.surface)].append(one)
        return [
            Told(
                scenarios=tuple(scenarios.BY_ID[one.scenario] for one in same),
                cell=tuple(self.cell(same[0].scenario, same[0].surface)),
            )
            for same in alike.values()
        ]

    def _cell_key(self, scenario: str, surface: str) -> tuple[object, ...]:
        """What a cell says on which servers."""
        return tuple(
            (tuple(stack.server for stack in one.stacks), distribution(one.observations))
            for one in self.cell(scenario, surface)
        )

    @property
    def seen(self) -> list[Seen]:
        """The handlers, hooks and logs that saw something of disconnects."""
        found: dict[tuple[str, Among], list[Stack]] = defaultdict(list)
        for stack in self.stacks:
            for seen in summary.seen_of_disconnects(self._outcomes, stack):
                found[seen.surface, seen.scenarios].append(stack)
        return [
            Seen(surface=surface, among=among, stacks=tuple(on))
            for (surface, among), on in found.items()
        ]

    @property
    def could_have_seen(self) -> bool:
        """Whether a handler, hook or log is known to have been in place on each server."""
        return all(summary.could_have_seen(self._outcomes, stack) for stack in self.stacks)

    def hazards(self, found: Iterable[FoundHazard]) -> list[FoundOnApp]:
        """Those of the hazards that it has."""
        places = ((hazard, self.group.places(hazard).get(self.app)) for hazard in found)
        return [FoundOnApp(found=hazard, places=of_app) for hazard, of_app in places if of_app]

    # ------------------------------------------------------------------ where

    @cached_property
    def _scenarios(self) -> list[str]:
        """The scenarios of the table that came to anything on any of its servers."""
        return [name for name in _ROWS if self._is_conclusive(name)]

    def _is_conclusive(self, scenario: str) -> bool:
        seen = (o for one in self.cell(scenario, Surface.STREAM_END) for o in one.observations)
        return any(observation.saw not in FAILURES for observation in seen)

    @cached_property
    def rows(self) -> list[Row]:
        """The table: scenarios that came out alike are one row."""
        alike: dict[object, list[str]] = defaultdict(list)
        for name in self._scenarios:
            alike[self._row_key(name)].append(name)
        return [self._row(names) for names in alike.values()]

    def _row_key(self, scenario: str) -> object:
        cells = (self._cell_key(scenario, s) for s in (Surface.STREAM_END, Surface.SOURCE))
        around, handlers = self._around(scenario), self._handlers(scenario)
        return (*cells, _key(around), _key(handlers), scenarios.BY_ID[scenario].kind)

    def _row(self, names: Sequence[str]) -> Row:
        first = names[0]
        stream = tuple(self.cell(first, Surface.STREAM_END))
        return Row(
            scenarios=tuple(scenarios.BY_ID[name] for name in names),
            stack=stream[0].stacks[0],
            stream=stream,
            source=tuple(self.cell(first, Surface.SOURCE)),
            around=self._around(first),
            handlers=self._handlers(first),
        )

    def _around(self, scenario: str) -> tuple[ServerEntry, ...]:
        surfaces = [*_AROUND, Surface.EXIT, Surface.LIVENESS]
        return self._by_server(scenario, dict.fromkeys(self.stacks, surfaces))

    def _handlers(self, scenario: str) -> tuple[ServerEntry, ...]:
        return self._by_server(
            scenario,
            {
                stack: [
                    surface
                    for surface in summary.error_reporting_surfaces(self._outcomes, stack, scenario)
                    if any(map(is_call, self._outcomes.saws(stack, scenario, surface)))
                ]
                for stack in self.stacks
            },
        )

    def _by_server(
        self, scenario: str, surfaces: Mapping[Stack, Sequence[str]]
    ) -> tuple[ServerEntry, ...]:
        found: dict[object, tuple[list[Stack], tuple[Entry, ...]]] = {}
        for stack in self.stacks:
            if not self._outcomes.ran(scenario, [stack]):
                continue
            entries = self._entries(stack, scenario, surfaces[stack])
            key = tuple((entry.surfaces, distribution(entry.observations)) for entry in entries)
            found.setdefault(key, ([], entries))[0].append(stack)
        return tuple(
            ServerEntry(stacks=tuple(on), entries=entries) for on, entries in found.values()
        )

    def _seen(self, stack: Stack, scenario: str, surface: str) -> tuple[ObservationCount, ...]:
        return _undisturbed(self._outcomes[Cell(stack, scenario, surface)])

    def _entries(self, stack: Stack, scenario: str, surfaces: Sequence[str]) -> tuple[Entry, ...]:
        alike: dict[object, list[str]] = defaultdict(list)
        for surface in surfaces:
            observations = self._seen(stack, scenario, surface)
            if not _unremarkable(scenario, surface).issuperset(o.saw for o in observations):
                # That a process has not exited is said in other words.
                alike[distribution(observations), surface == Surface.EXIT].append(surface)
        return tuple(
            Entry(
                surfaces=tuple(same),
                observations=self._seen(stack, scenario, same[0]),
            )
            for same in alike.values()
        )

    # ------------------------------------------------------------------ elsewhere

    @cached_property
    def elsewhere(self) -> list[Difference]:
        """What other version sets and Pythons show otherwise on the same servers."""
        pairs = [
            Pair(stack, other)
            for group in self.others
            for other in group.apps.get(self.app, ())
            for stack in self.stacks
            if stack.server == other.server
        ]
        return self._differences(pairs, self._scenarios)

    @property
    def missing_from(self) -> list[VersionGroup]:
        """The other version sets and Pythons that it was not run under."""
        return [group for group in self.others if self.app not in group.apps]

    @cached_property
    def changes(self) -> list[ChangedBy]:
        """What other servers, their options and what is added to the app change."""
        own = [s for s in self.group.with_variants if baseline_id(s.app) == self.app]
        return [self._changed_by(found) for found in one_factor(own)]

    def _changed_by(self, found: FactorPairs) -> ChangedBy:
        differences = self._differences(found.pairs, _ROWS)
        return ChangedBy(
            kind=found.kind,
            title=found.title,
            pair=found.pairs[0],
            shown=tuple(differences[:CHANGES_SHOWN]),
            more=len(differences[CHANGES_SHOWN:]),
        )

    def _differences(self, pairs: Sequence[Pair], names: Sequence[str]) -> list[Difference]:
        """What differs between the stacks of each pair, alike scenarios and pairs together."""
        effects = [effect(self._comparable[p.a], self._comparable[p.b], names) for p in pairs]
        by_place: dict[_Place, dict[str, tuple[Counts, Counts]]] = defaultdict(dict)
        for row in diff("", "", effects).differences:
            cell = row.cell
            if cell.kind == "observation" and _is_compared(cell.name) and cell.scenario in names:
                words = frozenset(dict(row.a.seen)), frozenset(dict(row.b.seen))
                by_place[cell.name, words, row.pairs][cell.scenario] = row.a, row.b
        found = []
        for (surface, _, of), alike in by_place.items():
            a, b = next(iter(alike.values()))
            ordered = tuple(sorted(alike, key=_ROWS.index))
            found.append(Difference(surface=surface, scenarios=ordered, a=a, b=b, pairs=of))
        return sorted(
            found,
            key=lambda one: (_order(one.surface), -len(one.scenarios), one.scenarios),
        )

    # ------------------------------------------------------------------ why

    @cached_property
    def explained(self) -> list[Explained]:
        """The exception paths: that of the plain hang-up, then those that are other ones."""
        return _explained(
            [(self._outcomes.of(stack).result, self._paths(stack)) for stack in self.stacks]
        )

    def _paths(self, stack: Stack) -> dict[str, ExceptionPath | None]:
        paths = self._outcomes.of(stack).exception_paths
        return {name: (paths[name] or (None,))[0] for name in _ROWS if name in paths}


def _undisturbed(found: tuple[ObservationCount, ...]) -> tuple[ObservationCount, ...]:
    """What was seen in the trials that count; all there is, if none does."""
    disturbed = sum(one.n for one in found if one.saw == Word.DISTURBED)
    counted = tuple(
        msgspec.structs.replace(one, of=one.of - disturbed)
        for one in found
        if one.saw != Word.DISTURBED
    )
    return counted or found


def _but_for_races(found: Iterable[Agreeing]) -> list[Agreeing]:
    """The entries of a cell, those together that differ by no more than repeats explain."""
    together: list[Agreeing] = []
    for one in found:
        alike = (n for n, other in enumerate(together) if _is_race(other, one))
        number = next(alike, None)
        if number is None:
            together.append(one)
        else:
            together[number] = _pooled(together[number], one)
    return together


def _is_race(one: Agreeing, other: Agreeing) -> bool:
    first = one.observations[0]
    cell = CellId(first.scenario, "observation", first.surface)
    return compare(cell, _counts(one), _counts(other)).result in (Result.RACE, Result.SAME)


def _counts(found: Agreeing) -> Counts:
    observations = found.observations
    return Counts(tuple(((o.saw,), o.n) for o in observations), observations[0].of)


def _pooled(one: Agreeing, other: Agreeing) -> Agreeing:
    """What was seen on all of these servers together."""
    seen: Counter[str] = Counter()
    for observation in (*one.observations, *other.observations):
        seen[observation.saw] += observation.n
    first = one.observations[0]
    of = first.of + other.observations[0].of
    return msgspec.structs.replace(
        one,
        stacks=(*one.stacks, *other.stacks),
        observations=tuple(
            msgspec.structs.replace(first, saw=saw, n=n, of=of) for saw, n in seen.most_common()
        ),
    )


def _explained(
    traced: Sequence[tuple[StackResult, Mapping[str, ExceptionPath | None]]],
) -> list[Explained]:
    """The paths that are told apart, that of the plain hang-up first."""
    found: dict[object, dict[str, list[StackResult]]] = defaultdict(lambda: defaultdict(list))
    for result, paths in traced:
        for scenario, path in paths.items():
            found[_path_key(path, result)][scenario].append(result)
    told = []
    for by_scenario in found.values():
        plain = PLAIN in by_scenario
        alike: dict[tuple[str, ...], list[str]] = defaultdict(list)
        for scenario, results in by_scenario.items():
            # Where it is as in the plain hang-up nothing more is said than in how many others.
            on = () if plain else tuple(result.stack.server for result in results)
            alike[on].append(scenario)
        told += [_one(by_scenario, on, names, traced) for on, names in alike.items()]
    return sorted(told, key=lambda one: all(s.id != PLAIN for s in one.scenarios))


def _one(
    by_scenario: Mapping[str, Sequence[StackResult]],
    on: Sequence[str],
    names: Sequence[str],
    traced: Sequence[tuple[StackResult, Mapping[str, ExceptionPath | None]]],
) -> Explained:
    """A path, in some scenarios on the same servers."""
    first = PLAIN if PLAIN in names else names[0]
    result = by_scenario[first][0]
    path = next(paths[first] for other, paths in traced if other is result)
    whole = all(len(on) == sum(name in paths for _, paths in traced) for name in names)
    return Explained(
        scenarios=tuple(scenarios.BY_ID[name] for name in sorted(names, key=lambda n: n != first)),
        result=result,
        path=path,
        servers=() if whole else tuple(on),
        each_server=path is not None
        and len(by_scenario[first]) > 1
        and _ends_in_server(path, result),
    )


def _ends_in_server(path: ExceptionPath, result: StackResult) -> bool:
    """Whether it is the server's own code that an exception ends in."""
    server = package(path.end.location.file, result).lower()
    return server == baseline_id(result.stack.server)


def _path_key(path: ExceptionPath | None, result: StackResult) -> object:
    """What makes two paths the same to a reader: who cancelled, what it became, its end."""
    if path is None:
        return None
    by = canceller(path, result) if path.cancelled_by else None
    end = path.end
    if _ends_in_server(path, result):
        return by and (by.file, by.function), path.names, "server"
    closed = end.disposition is Disposition.ENDED_CLOSE
    where = None if closed else (end.location.file, end.location.function, end.handler)
    return by and (by.file, by.function), path.names, end.disposition, where


def _unremarkable(scenario: str, surface: str) -> frozenset[str]:
    """What is not worth an entry; of an endpoint that nobody left, that it ended is not."""
    ended = surface == Surface.ENDPOINT and scenarios.BY_ID[scenario].kind == "control"
    return _UNREMARKABLE | {Word.FINISHED} if ended else _UNREMARKABLE


def _key(found: Iterable[ServerEntry]) -> object:
    return tuple(
        (
            tuple(stack.server for stack in one.stacks),
            tuple((entry.surfaces, distribution(entry.observations)) for entry in one.entries),
        )
        for one in found
    )


_COMPARED: tuple[str, ...] = (
    Surface.STREAM_END,
    Surface.SOURCE,
    *_AROUND,
    Surface.HANDLER,
    Surface.SERVER_LOG,
    Surface.LIVENESS,
    Surface.EXIT,
)
"""The surfaces whose differences are shown beside hooks, in this order: those of the table."""
_Place: TypeAlias = tuple[str, tuple[frozenset[object], frozenset[object]], tuple[Pair, ...]]
"""A surface, what was seen on either side, and on which pairs."""


def _is_compared(surface: str) -> bool:
    return surface in _COMPARED or surface.startswith(HOOK)


def _order(surface: str) -> int:
    return _COMPARED.index(surface) if surface in _COMPARED else len(_COMPARED)
