"""The script of a stream: what the endpoint, the stream and its source do in a trial.

The harness's side of it is `hangup.model.script`; a test proves that the two have the same
fields.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Literal

Action = Literal["go-on", "wait", "raise", "raise-app-error", "raise-cancelled"]
"""What is done at a point of a script: nothing, wait without end, or raise."""


@dataclass(frozen=True, kw_only=True)
class Script:
    """What a stream does, as the harness asks for it in the query string."""

    endpoint: Action = "go-on"
    """What the endpoint does before it answers."""
    events: int = 3
    """How many events the source has."""
    pause_ms: float = 0
    """How long the source waits before each event; with 0 it never awaits anything."""
    size: int = 0
    """How many bytes of padding an event carries."""
    then: Action = "go-on"
    """What the source does after its last event; `go-on` is to end."""
    holds_last: bool = False
    """The stream waits after its last event, while its source is suspended at a `yield`."""
    polls: bool = False
    """Before each event the stream asks whether the client has gone, and ends if so."""
    timeout_ms: float = 0
    """The `asyncio.timeout` the stream gives itself; 0 for none."""
    cleanup: str = ""
    """What the stream does for its clean-up: `swallow` or a name in `apps.common.cleanup`."""
    upstream: str = ""
    """The address of an event stream that the source relays instead of making events of its
    own; it is the server there that pauses and pads."""
    recipe: str = ""
    """What cleans up: modules of `apps.recipes`, or places where apps call
    `apps.common.service`; joined by `+`, from the inside out."""

    @classmethod
    def from_json(cls, text: str) -> Script:
        """Read a script; raises TypeError for a field there is not."""
        return cls(**json.loads(text))
