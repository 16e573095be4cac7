"""The script of a stream: what the endpoint, the stream and its source do in a trial.

The harness sends it as JSON. Its own definition is `hangup.model.script`; a test proves that
both have the same fields, defaults and types.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

Action = Literal["go-on", "wait", "raise", "raise-app-error", "raise-cancelled"]
"""What is done at one point of a script: nothing, wait without end, or raise."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a stream does; a field that was not sent has its default."""

    endpoint: Action = "go-on"
    """What the endpoint does before it answers."""
    events: int = 3
    """How many events the source has."""
    pause_ms: float = 0
    """How long the source waits before each event; with 0 it never awaits anything."""
    size: int = 0
    """How many bytes of padding an event has."""
    then: Action = "go-on"
    """What the source does after its last event; `go-on` is to end."""
    holds_last: bool = False
    """The stream waits after its last event, while its source is suspended at a `yield`."""
    polls: bool = False
    """The stream calls `is_disconnected()` before each event, and ends if that returns True."""
    timeout_ms: float = 0
    """The `asyncio.timeout` around the stream's loop; 0 for none."""
    cleanup: str = ""
    """What the stream does for its clean-up: `swallow` or a name in `apps.common.cleanup`."""
    cleanup_ms: float = 0
    """How long the clean-up takes; 0 for as long as it takes in most scenarios."""
    upstream: str = ""
    """The address of an event stream that the source relays instead of making its own events;
    the server there has its own pauses and sizes."""
    recipe: str = ""
    """What cleans up, from the inside out, joined by `+`: modules of `apps.recipes`, or
    functions of `apps.common.service` that apps call."""

    @classmethod
    def from_json(cls, text: str) -> Script:
        """Read a script; raises TypeError for a field that does not exist."""
        return cls(**json.loads(text))
