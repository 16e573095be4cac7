"""What a scenario is: one question, the state the stream is in, and how the client then leaves."""

from __future__ import annotations

from typing import Literal

import msgspec

from hangup.model.script import Script

Kind = Literal["disconnect", "control", "cleanup", "operator", "recipe"]
"""What a scenario is about: a client that leaves, one that stays, clean-up written into the
stream, an operator's signal, or a recipe for clean-up."""

Disconnect = Literal["stays", "closes", "resets", "half-closes", "times-out"]
"""`closes` is a plain `close()`, `resets` sends a RST, `half-closes` shuts its writing side
and goes on reading, `times-out` is an httpx client with a read timeout."""
ABORTING: frozenset[Disconnect] = frozenset({"closes", "resets", "times-out"})
"""The ways in which a client is gone altogether."""

Signal = Literal["", "sigterm", "sigint", "sigterm-twice", "sigterm-group"]
"""What the operator sends to the server's process, to end it; empty for nothing.
`sigterm-twice` is SIGTERM and, if the process is still there half a second later, SIGTERM once
more; `sigterm-group` goes to all processes of the server's process group, as systemd sends it."""

Precondition = Literal["waiting", "streaming", "stalled", "flooded", "ended"]
"""`waiting`: the probe reports that something suspends until it is ended; `streaming`: some
events have arrived; `stalled`: the client does not read and the server takes no more;
`flooded`: 64 KiB have arrived; `ended`: the response is over."""


class Scenario(msgspec.Struct, frozen=True, kw_only=True):
    """One question."""

    id: str
    title: str
    """What happens in it, as a clause that begins in lower case and fits into a sentence."""
    question: str
    kind: Kind
    script: Script = Script()
    precondition: Precondition = "waiting"
    disconnect: Disconnect = "closes"
    signal: Signal = ""
    """What the operator ends the server with. If the client disconnects, it has done so before,
    and clean-up that the script has is under way (`hangup.runner.signalling`)."""
    method: Literal["GET", "POST"] = "GET"
    path: Literal["/events", "/sync-events", "/plain"] = "/events"
    relays: bool = False
    """Whether the stream relays what a server of the harness's own sends it
    (`hangup.runner.upstream`); it is that server then that follows the script."""
    needs: str | None = None
    """A capability that an app may not support."""
    exclusive: bool = False
    """Whether a trial may keep its server so busy that others beside it would be disturbed."""
    repeat_factor: int = 1
    """How many times as often as others it is run, where what it shows is a race."""
    may_hang_server: bool = False
    """Whether a trial may leave its server hung, so that it comes last."""
    own_server: bool = False
    """Whether a trial ends its server, so that each has one of its own."""
    window_s: float | None = None
    """How long a negative is waited for, if not as long as in other scenarios."""
    small_buffers: bool = False
    """Whether the client asks for small buffers and segments as on Ethernet, not those that a
    loopback interface has by itself: so that many streams at once are soon stalled."""
    group: str = ""
    """The scenarios of a group run at once, on one server, repeat by repeat; empty for none."""
    companion: str = ""
    """A scenario that is run once more beside the group, and of which nothing is kept; only where
    trials have a server of their own (`own_server`)."""
    surface: str | None = None
    """A surface that an app must have declared."""
    thorough: bool = False
    """Whether only thorough runs have it, and those that ask for it by name."""
    proof: bool = False
    """Whether it proves that surfaces are in place, and so belongs to every run."""
    samples: int = 0
    """Of a recipe: how many further trials there are of it if it is recommended, by itself."""
    only_recommended: bool = False
    """Of a recipe: whether it is run only if the recipe is recommended, or by name."""

    @property
    def alone(self) -> bool:
        """Whether it is a recipe that is not run in a group with others."""
        return bool(self.samples) and not self.group

    def by_itself(self) -> Scenario:
        """The same of a recipe, with no other beside it."""
        return msgspec.structs.replace(self, group="", companion="")
