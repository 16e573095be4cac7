"""The formats of recorded results: which there were, and how older ones are read.

Formats 1 and 2 had other names for some fields, words, apps, servers and scenarios; they are
read through the tables below, so that a name means one thing. A format newer than `FORMAT` cannot
be read.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from hangup.model.vocabulary import Surface, Word

FORMAT = 3
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


_APPS = {
    # Their apps had function-style middleware, and the twins of two of them pure ASGI middleware.
    "starlette": "starlette+function-middleware",
    "fastapi-streaming": "fastapi-streaming+function-middleware",
    "fastapi-events": "fastapi-events+function-middleware",
    "sse-starlette": "sse-starlette+function-middleware",
    "starlette-asgi": "starlette+asgi-middleware",
    "sse-starlette-asgi": "sse-starlette+asgi-middleware",
    "litestar-sse": "litestar-sse+asgi-middleware",
    "litestar-stream": "litestar-stream+asgi-middleware",
    "quart": "quart+asgi-middleware",
    "article": "fastapi-langgraph",
}
_SERVERS = {"uvicorn-fast": "uvicorn+fast"}
_SCENARIOS = {"backpressure": "backpressure-busy"}


def older_names(app: str, server: str) -> tuple[str, str]:
    """What an app and a server of today were called before format 3."""
    apps = {now: before for before, now in _APPS.items()}
    servers = {now: before for before, now in _SERVERS.items()}
    return apps.get(app, app), servers.get(server, server)


def head_as_now(head: Mapping[str, Any]) -> dict[str, Any]:
    """The head of a file of any format, as this hangup has it."""
    if head["format"] == FORMAT:
        return dict(head)
    found: dict[str, Any] = dict(head)
    if head["format"] == 1:
        found = {_HEAD_FIELDS.get(name, name): value for name, value in head.items()}
    stack = found["stack"]
    app, server = stack["app"], stack["server"]
    return found | {
        "format": FORMAT,
        "stack": stack | {"app": _APPS.get(app, app), "server": _SERVERS.get(server, server)},
        "unattributed": [_with_scenario(line) for line in found.get("unattributed", ())],
    }


def _with_scenario(line: str) -> str:
    """A line of the log that begins with its scenario, with the name that this has now."""
    scenario, colon, text = line.partition(":")
    return f"{_SCENARIOS.get(scenario, scenario)}{colon}{text}"


def trial_as_now(trial: Mapping[str, Any], format_: int) -> dict[str, Any]:
    """A trial of an older format, as this hangup has it."""
    found = _trial_of_format_1(trial) if format_ == 1 else dict(trial)
    return found | {"scenario": _SCENARIOS.get(found["scenario"], found["scenario"])}


def _trial_of_format_1(trial: Mapping[str, Any]) -> dict[str, Any]:
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
