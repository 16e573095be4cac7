"""The formats of recorded results: which there were, and how older ones are read.

Format 1 (hangup 0.1.0) had other names for some fields and words; it is read through the
tables below. A format newer than `FORMAT` cannot be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hangup.model.vocabulary import Surface, Word

FORMAT = 2
"""What is written."""

_HEAD_FIELDS = {
    "lacks": "unsupported",
    "refused": "rejected_registrations",
    "sources": "code_hash",
    "origins": "distributions",
    "followed": "traced",
}
_TRIAL_FIELDS = {"path": "steps"}
_FAILURES = {
    "could not start": Word.FAILED_TO_START,
    "server died": Word.SERVER_EXITED,
}
_SAW = {(Surface.IS_DISCONNECTED, "said so"): Word.RETURNED_TRUE}
_STEP_EVENTS = {"asked": "cancelled-by"}

# The positions of fields of events and of steps, which are recorded as arrays.
_SURFACE, _EVENT_SAW = 1, 3
_STEP_EVENT = 0


def head_of_format_1(head: Mapping[str, Any]) -> dict[str, Any]:
    """The head of a file of format 1, as this hangup has it."""
    return {_HEAD_FIELDS.get(name, name): value for name, value in head.items()} | {
        "format": FORMAT
    }


def trial_of_format_1(trial: Mapping[str, Any]) -> dict[str, Any]:
    """A trial of format 1, as this hangup has it."""
    found = {_TRIAL_FIELDS.get(name, name): value for name, value in trial.items()}
    failure = found.get("failure") or ""
    found["failure"] = _FAILURES.get(failure, failure) or None
    for event in found.get("events", ()):
        if len(event) > _EVENT_SAW:
            saw = event[_EVENT_SAW]
            event[_EVENT_SAW] = _SAW.get((event[_SURFACE], saw), saw)
    for step in found.get("steps", ()):
        step[_STEP_EVENT] = _STEP_EVENTS.get(step[_STEP_EVENT], step[_STEP_EVENT])
    return found
