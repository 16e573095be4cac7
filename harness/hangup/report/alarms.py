"""What sees hang-ups, as the page on alarms shows it: merged where it is the same."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

import msgspec

from hangup.analysis.alarms import Observations, StillRun, Watch
from hangup.model.trace import Stack
from hangup.model.variants import baseline_id
from hangup.model.vocabulary import FAILURES, HOOK, Surface, Word, is_alarm, surface_title
from hangup.report import markdown
from hangup.report.effect_words import Writer
from hangup.report.places import places

ASKED = (
    Surface.HANDLER,
    Surface.HANDLER_APP_ERROR,
    Surface.HANDLER_CANCELLED,
    Surface.SERVER_LOG,
    Surface.ERROR_REPORT,
    Surface.SPAN,
)
"""What the answer is about, in this order."""
_ORDER = [*ASKED, Surface.MIDDLEWARE]
_One = TypeVar("_One", Watch, StillRun)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """What is the same of a surface on all of some stacks."""

    title: str
    cells: tuple[str, ...]
    where: str


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What a surface makes of hang-ups: where it takes some for errors, and where none."""

    title: str
    hang_ups: int
    """How many there are at most of which it is known, on one stack."""
    silent: str
    """Where it took none for an error; empty if nowhere."""
    alarmed: tuple[tuple[str, tuple[str, ...]], ...]
    """Where it took some for errors, and in which scenarios."""
    unknown: tuple[tuple[str, str], ...]
    """Where it is not known to be in place, and why."""
    deaf: str
    """Where it saw nothing of an ordinary error in a stream though it sees one in an endpoint."""


def named(stacks: Iterable[Stack], ran: Iterable[Stack]) -> str:
    """Where something is so: by the apps that variants are of, where each has one variant only."""
    found, every = list(stacks), list(ran)
    baselines = [msgspec.structs.replace(s, app=baseline_id(s.app)) for s in every]
    of_baselines = dict(zip(every, baselines, strict=True))
    if len(set(baselines)) == len(every):
        return places([of_baselines[stack] for stack in found], baselines)
    return places(found, every)


def answers(found: Sequence[Watch]) -> list[Answer]:
    """For each surface that is asked about and that any stack has."""
    of_surface = ([w for w in found if w.surface == surface] for surface in ASKED)
    return [_answer(watched) for watched in of_surface if watched]


def _answer(found: Sequence[Watch]) -> Answer:
    ran = [watch.stack for watch in found]
    alarmed: dict[tuple[str, ...], list[Stack]] = defaultdict(list)
    unknown: dict[str, list[Stack]] = defaultdict(list)
    for watch in found:
        if watch.alarms:
            alarmed[tuple(seen[0].scenario for seen in watch.alarms)].append(watch.stack)
        elif not watch.silent:
            unknown[_meaning(watch.unknown[0].saw)].append(watch.stack)
    silent = [watch.stack for watch in found if watch.silent]
    deaf = [
        watch.stack
        for watch in found
        if _alarmed(watch.in_endpoint) and watch.in_stream and not _alarmed(watch.in_stream)
    ]
    return Answer(
        title=surface_title(found[0].surface),
        hang_ups=max(len(watch.hang_ups) for watch in found),
        silent=named(silent, ran) if silent else "",
        alarmed=tuple((named(stacks, ran), names) for names, stacks in alarmed.items()),
        unknown=tuple((named(stacks, ran), word) for word, stacks in unknown.items()),
        deaf=named(deaf, ran) if deaf else "",
    )


def _meaning(saw: str) -> str:
    """A word with what it means."""
    return next((f"{word} ({word.meaning})" for word in Word if word == saw), saw)


def _alarmed(seen: Observations) -> bool:
    return any(is_alarm(o.saw) for o in seen)


def watch_rows(found: Iterable[Watch], write: Writer, *, hooks: bool) -> list[Row]:
    """A row for all stacks on which a surface saw the same: of the hooks, or of all others."""
    by_surface: dict[str, list[Watch]] = defaultdict(list)
    for watch in found:
        if watch.surface.startswith(HOOK) == hooks:
            by_surface[watch.surface].append(watch)
    return [
        _row(alike, ran, [[w.in_endpoint for w in alike], [w.in_stream for w in alike]], write)
        for _, ran in sorted(by_surface.items(), key=lambda item: (_place(item[0]), item[0]))
        for alike in _alike(ran, lambda w: (_words(w.in_endpoint), _words(w.in_stream)))
    ]


def still_run_rows(found: Iterable[StillRun], write: Writer) -> list[Row]:
    """A row for all stacks on which the same became of something."""
    by_surface: dict[str, list[StillRun]] = defaultdict(list)
    for one in found:
        by_surface[one.surface].append(one)
    return [
        _row(alike, of_surface, [[one.by_itself for one in alike]], write)
        for of_surface in by_surface.values()
        for alike in _alike(of_surface, lambda one: _words(one.by_itself))
    ]


def _place(surface: str) -> int:
    return _ORDER.index(Surface(surface)) if surface in _ORDER else len(_ORDER)


def _alike(found: Iterable[_One], control: Callable[[_One], object]) -> list[list[_One]]:
    """Those together whose trials came out alike, in whatever shares, and of whatever number.

    What was seen of most hang-ups must be the same, and of each of which it was otherwise.
    """
    alike: dict[object, list[_One]] = defaultdict(list)
    for one in found:
        usual = _usual(one.hang_ups)
        others = frozenset((o[0].scenario, _words(o)) for o in one.hang_ups if _words(o) != usual)
        unknown = _words(one.unknown) if isinstance(one, Watch) else None
        alike[control(one), usual, others, unknown].append(one)
    return list(alike.values())


def _usual(hang_ups: Sequence[Observations]) -> frozenset[str]:
    """What was seen of most hang-ups."""
    counted = Counter(_words(seen) for seen in hang_ups)
    return counted.most_common(1)[0][0] if counted else frozenset()


def _words(seen: Observations) -> frozenset[str]:
    """What was seen in the trials that took place."""
    return frozenset(o.saw for o in seen if o.saw not in FAILURES) or frozenset(o.saw for o in seen)


def _row(
    alike: Sequence[_One],
    ran: Sequence[_One],
    controls: Sequence[Sequence[Observations]],
    write: Writer,
) -> Row:
    first = alike[0]
    of_hang_ups = _by_word([one.hang_ups for one in alike], write)
    if not of_hang_ups and isinstance(first, Watch):
        of_hang_ups = markdown.spread(first.unknown)
    return Row(
        title=surface_title(first.surface),
        cells=(*(_spread(_pooled(control), write) for control in controls), of_hang_ups),
        where=named([one.stack for one in alike], [one.stack for one in ran]),
    )


def _pooled(found: Sequence[Observations]) -> Observations:
    """What was seen on several stacks, taken together; it is the first whose evidence is shown.

    Trials that did not take place are left out, if any did.
    """
    if not found or not found[0]:
        return ()
    counts: Counter[str] = Counter()
    failed = 0
    words = _words(found[0])
    for seen in found:
        counts.update({o.saw: o.n for o in seen if o.saw in words})
        failed += sum(o.n for o in seen if o.saw not in words)
    of = sum(seen[0].of for seen in found) - failed
    return tuple(
        msgspec.structs.replace(found[0][0], saw=saw, n=n, of=of) for saw, n in counts.most_common()
    )


def _spread(seen: Observations, write: Writer) -> str:
    if not seen:
        return "\N{EN DASH}"
    text = markdown.spread(seen)
    if not any(o.n for o in seen):
        return text
    return write.to_evidence(text, seen[0].stack, seen[0].scenario)


def _by_share(found: Sequence[Observations]) -> Sequence[Sequence[Observations]]:
    """Scenarios in which the same was seen, those in which it was so as often together."""
    by_share: dict[object, list[Observations]] = defaultdict(list)
    for seen in found:
        unanimous = len(seen) == 1 and seen[0].n == seen[0].of
        by_share["all" if unanimous else tuple((o.saw, o.n, o.of) for o in seen)].append(seen)
    return list(by_share.values())


def _by_word(found: Sequence[Sequence[Observations]], write: Writer) -> str:
    """What stacks that are alike saw of hang-ups: in which of them it was which, the usual last."""
    by_scenario: dict[str, list[Observations]] = defaultdict(list)
    for hang_ups in found:
        for seen in hang_ups:
            by_scenario[seen[0].scenario].append(seen)
    by_words: dict[frozenset[str], list[Observations]] = defaultdict(list)
    for seen_there in by_scenario.values():
        by_words[_words(seen_there[0])].append(_pooled(seen_there))
    usual = _usual(found[0])
    groups = [alike for found_there in by_words.values() for alike in _by_share(found_there)]
    rest = max(_by_share(by_words[usual]), key=len) if usual else ()
    texts = [
        f"{_spread(alike[0], write)}: {write.happens([seen[0].scenario for seen in alike])}"
        for alike in groups
        if alike != rest
    ]
    if rest:
        before = "else " if texts else ""
        texts.append(f"{before}{_spread(rest[0], write)}")
    return "<br>".join(texts)
