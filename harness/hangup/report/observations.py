"""An observation as a reader is shown it, where its word alone says too little."""

from __future__ import annotations

from hangup.model import scenarios, servers
from hangup.model.vocabulary import Surface, Word


def in_words(saw: str, surface: str, scenario: str, server: str | None = None) -> str:
    """What a surface saw in a scenario; of a process that has not exited, how long it had.

    A grace period that the server's documentation names and that is longer is named too.
    """
    window_s = scenarios.BY_ID[scenario].window_s
    if (surface, saw) != (Surface.EXIT, Word.STILL_RUNNING) or window_s is None:
        return saw
    known = servers.BY_ID.get(server or "")
    grace_s = None if known is None else known.grace_s
    longer = grace_s is not None and grace_s > window_s
    named = f" (its documented grace period is {grace_s:g} s)" if longer else ""
    return f"not within {window_s:g} s{named}"
