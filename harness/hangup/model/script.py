"""The script of a stream: what the endpoint, the stream and its source do in a trial.

It travels to the server in the query string as JSON. The other side of it is
`apps.common.script`; a test proves that the two have the same fields.
"""

from __future__ import annotations

from typing import Literal

import msgspec

Action = Literal["go-on", "wait", "raise", "raise-app-error", "raise-cancelled"]
"""What is done at a point of a script: nothing, wait without end, or raise."""


class Script(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a stream does; only what differs from these defaults is sent."""

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
    cleanup_ms: float = 0
    """How long the clean-up takes; 0 for as long as it takes in most scenarios."""
    upstream: str = ""
    """The address of an event stream that the source relays instead of making its own."""
    recipe: str = ""
    """What cleans up: modules of `apps.recipes`, or places where apps call
    `apps.common.service`; joined by `+`, from the inside out."""

    @property
    def cleans_up(self) -> bool:
        """Whether anything is to be cleaned up when the stream is ended."""
        return bool(self.cleanup or self.recipe)

    def json(self) -> str:
        """As it is sent."""
        return msgspec.json.encode(self).decode()


IDLE = Script(events=3, then="wait")
"""Three events, then the stream is suspended, awaiting its source."""
STALLED = Script(events=100, pause_ms=10, size=65536)
"""A stream that waits between its events, which are so large that it is soon stalled by a client
that does not read. Where nothing stalls or ends it, it is over in little more than a second."""
