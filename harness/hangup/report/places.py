"""Where something is so, among the stacks that were run, as the pages on effects say it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hangup.analysis.stack_sets import describe
from hangup.model.trace import Stack
from hangup.report.stack_text import EVERYWHERE, in_words

__all__ = ["EVERYWHERE", "at", "places"]


def places(found: Iterable[Stack], ran: Sequence[Stack]) -> str:
    """Which of the stacks that were run these are, in as few words as tell them from the others."""
    return in_words(describe(list(found), ran))


def at(where: str) -> str:
    """A place in a sentence: `everywhere but ...`, or `on ...`."""
    return where if where.startswith(EVERYWHERE) else f"on {where}"
