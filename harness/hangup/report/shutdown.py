"""Shutdown, as the page on it shows it: what comes of it by server and option, merged."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

import msgspec

from hangup.analysis.shutdown import Setting, Shutdown, best
from hangup.model import servers
from hangup.model.outcomes import distribution
from hangup.model.trace import Stack
from hangup.model.variants import baseline_id
from hangup.model.vocabulary import Word
from hangup.report import markdown
from hangup.report.places import at, places

_APART_NS = 500_000_000
"""Exits that are further apart than this are not put together."""
_NS_PER_S = 1e9
_SHORT_S = 0.1


class ShutdownRow(msgspec.Struct, frozen=True, kw_only=True):
    """What comes of one way of ending the server, on all stacks on which it is the same."""

    scenario: str
    stream: str
    """What an open stream saw, or what came of clean-up that was under way."""
    exit: str
    where: str
    first: Stack
    """The stack whose evidence is shown."""


class SettingRow(msgspec.Struct, frozen=True, kw_only=True):
    """Servers and options with which the same comes of SIGTERM while a stream is open."""

    servers: tuple[str, ...]
    stream: str
    exit: str
    not_always: tuple[str, ...]
    """The ways in which the process did not exit in every trial."""
    first: Shutdown


class Advised(msgspec.Struct, frozen=True, kw_only=True):
    """A server as it is without options, and what to set."""

    baseline: Setting
    best: Setting
    """The baseline itself, if nothing that was tried ends it more often."""
    stream: str
    exit: str
    first: Shutdown
    best_stream: str
    best_exit: str
    chosen_from: int
    """Of so many, the server without options among them."""

    @property
    def bound(self) -> float:
        """The share in which the process does not exit that the best allows, in its worst way."""
        return self.best.bound(self.chosen_from)

    @property
    def title(self) -> str:
        """What the best is."""
        return servers.server_title(self.best.server)

    @property
    def best_apps(self) -> list[str]:
        """The apps that the best was tried with."""
        return list(dict.fromkeys(one.stack.app for one in self.best.shutdowns))


def advice(found: Sequence[Setting], scenario: str) -> list[Advised]:
    """For each server without options: what comes of a way of ending it, and what to set."""
    advised = []
    for setting in found:
        if baseline_id(setting.server) != setting.server or not setting.of(scenario):
            continue
        of_server = [s for s in found if baseline_id(s.server) == setting.server]
        candidates = [s for s in of_server if s.of(scenario)]
        found_best = best(candidates)
        advised.append(
            Advised(
                baseline=setting,
                best=found_best,
                stream=_by_place(setting.of(scenario), stream),
                exit=_by_place(setting.of(scenario), exit_),
                first=setting.of(scenario)[0],
                best_stream=_by_place(found_best.of(scenario), stream),
                best_exit=_by_place(found_best.of(scenario), exit_),
                chosen_from=len(candidates),
            )
        )
    return advised


def setting_rows(found: Sequence[Setting], scenario: str) -> list[SettingRow]:
    """A row for all servers and options that come to the same."""
    alike: dict[tuple[str, str, tuple[str, ...]], list[Setting]] = defaultdict(list)
    for setting in found:
        of_way = setting.of(scenario)
        if of_way:
            key = _by_place(of_way, stream), _by_place(of_way, exit_), tuple(setting.not_always)
            alike[key].append(setting)
    return [
        SettingRow(
            servers=tuple(setting.server for setting in together),
            stream=sees,
            exit=exits,
            not_always=not_always,
            first=together[0].of(scenario)[0],
        )
        for (sees, exits, not_always), together in alike.items()
    ]


def _by_place(found: Sequence[Shutdown], word: Callable[[Sequence[Shutdown]], str]) -> str:
    """What is so of most stacks, and then where it is otherwise."""
    ran = [one.stack for one in found]
    by_text: dict[str, list[Shutdown]] = defaultdict(list)
    for alike in _clusters(found):
        by_text[word(alike)] += alike
    usual, *others = sorted(by_text, key=lambda text: -len(by_text[text]))
    there = (f"{at(places([o.stack for o in by_text[text]], ran))} {text}" for text in others)
    return "; ".join([usual, *there])


def rows(found: Sequence[Shutdown]) -> list[ShutdownRow]:
    """A row for all stacks on which the same comes of the same way of ending the server."""
    by_scenario: dict[str, list[Shutdown]] = defaultdict(list)
    for one in found:
        by_scenario[one.scenario].append(one)
    return [
        ShutdownRow(
            scenario=scenario,
            stream=stream(alike),
            exit=exit_(alike),
            where=places([one.stack for one in alike], [one.stack for one in ran]),
            first=alike[0].stack,
        )
        for scenario, ran in by_scenario.items()
        for alike in _clusters(ran)
    ]


def _clusters(found: Iterable[Shutdown]) -> list[list[Shutdown]]:
    """Those together of which the trials came out alike, and the process exited at a like time."""
    alike: dict[object, list[Shutdown]] = defaultdict(list)
    for one in found:
        cells = one.stream, one.cleanup, one.exit
        alike[tuple(map(distribution, cells))].append(one)
    clusters: list[list[Shutdown]] = []
    for together in alike.values():
        since_ns: int | None = None
        for one in sorted(together, key=lambda one: max(one.exits_ns, default=0)):
            at_ns = max(one.exits_ns, default=0)
            if since_ns is None or at_ns - since_ns > _APART_NS:
                clusters.append([one])
            else:
                clusters[-1].append(one)
            since_ns = at_ns
    return clusters


def stream(alike: Sequence[Shutdown]) -> str:
    """Whether an open stream was told; where a client had left, what came of its clean-up."""
    first = alike[0]
    if first.cleanup:
        return f"clean-up {markdown.spread(first.cleanup)}"
    return f"{'told' if first.told else 'not told'} ({markdown.spread(first.stream)})"


def exit_(alike: Sequence[Shutdown]) -> str:
    """Whether and when the process exited, on stacks that came out alike."""
    first = alike[0].exit
    times = [ns for one in alike for ns in one.exits_ns]
    if len(first) == 1 and first[0].saw == Word.EXITED and times:
        return f"after {seconds(times)}"
    return markdown.spread(first)


def seconds(times_ns: Sequence[int]) -> str:
    """Times as a range, in seconds."""
    first, last = (_second(pick(times_ns) / _NS_PER_S) for pick in (min, max))
    return f"{first} s" if first == last else f"{first}\N{EN DASH}{last} s"


def _second(time_s: float) -> str:
    """A time with one digit after the point; what is shorter than that, with one that counts."""
    return f"{time_s:.1f}" if time_s >= _SHORT_S else f"{time_s:.1g}"
