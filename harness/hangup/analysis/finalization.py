"""When generators were finalised that no code had ended. Pure: outcomes in, times out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from hangup.model.outcomes import Outcome
from hangup.model.vocabulary import Surface, Word

_TOLD_BY: Mapping[str, tuple[str, ...]] = {
    Surface.STREAM: (Surface.STREAM, Surface.STREAM_END, Surface.ENDPOINT, Surface.CLEANUP),
    Surface.SOURCE: (Surface.SOURCE,),
}
"""The surfaces that say of a generator that its last reference went."""


def dropped_after_ns(trial: Outcome) -> dict[str, tuple[int, ...]]:
    """By generator, how long after the client left its last reference went, if that ended it.

    First in the trial itself, then in those that came out alike.
    """
    found = {}
    for generator, surfaces in _TOLD_BY.items():
        if any(Word.REFERENCE_DROPPED in trial.saws.get(surface, ()) for surface in surfaces):
            own = _dropped_after_ns(trial, generator)
            found[generator] = (*own, *dict(trial.trial.alike_dropped_ns).get(generator, ()))
    return {generator: times for generator, times in found.items() if times}


def dropped_ranges_ns(trials: Iterable[Outcome]) -> dict[str, tuple[int, int]]:
    """By generator, the shortest and the longest of `dropped_after_ns` of these trials."""
    times: dict[str, list[int]] = defaultdict(list)
    for trial in trials:
        for generator, after_ns in dropped_after_ns(trial).items():
            times[generator] += after_ns
    return {generator: (min(found), max(found)) for generator, found in times.items()}


def _dropped_after_ns(trial: Outcome, generator: str) -> tuple[int, ...]:
    left_ns = trial.trial.left_ns
    if left_ns is None:
        return ()
    events = (e for e in trial.trial.events if (e.surface, e.event) == (generator, "dropped"))
    return tuple(event.t_ns - left_ns for event in events)[:1]
