"""Which hang-ups an app is notified of. Pure: outcomes in, counts out.

It is notified where something was raised in its stream or, while it has not answered yet, in its
endpoint; or where a stream that asks was told. A client that only closes its sending side has not
gone, so that nothing need be raised.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from hangup.analysis.outcomes import Outcomes
from hangup.model.hazards import DISCONNECTS, NOTIFIED
from hangup.model.outcomes import Cell
from hangup.model.scenario import ABORTING
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack
from hangup.model.vocabulary import FAILURES, Surface, Word, is_exception

HANG_UPS = tuple(name for name in DISCONNECTS if BY_ID[name].disconnect in ABORTING)
"""The scenarios in which the client is gone altogether."""
_TOLD = NOTIFIED | {Word.RAISED, Word.SWALLOWED, Word.ENDED_ITSELF}
_SAYS_NOTHING = FAILURES | {
    Word.INCONCLUSIVE,
    Word.NOT_APPLICABLE,
    Word.ALREADY_FINISHED,
    Word.NEVER_STARTED,
}


class Notified(msgspec.Struct, frozen=True, kw_only=True):
    """In how many trials of a hang-up an app was notified, on all of its servers together."""

    scenario: str
    surface: str
    """Where it is seen: the end of the stream, or the endpoint that has not answered yet."""
    n: int
    of: int
    """How many trials were conclusive; there is one at least."""

    @property
    def always(self) -> bool:
        """Whether it was in every one."""
        return self.n == self.of


def notified(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[Notified]:
    """The hang-ups that were tried on any of these stacks."""
    found = [_notified(outcomes, stacks, name) for name in HANG_UPS]
    return [one for one in found if one.of]


def surface_notified(scenario: str) -> Surface:
    """Where it shows whether an app is notified of a disconnect."""
    unanswered = BY_ID[scenario].script.endpoint == "wait"
    return Surface.ENDPOINT if unanswered else Surface.STREAM_END


def _notified(outcomes: Outcomes, stacks: Sequence[Stack], scenario: str) -> Notified:
    surface = surface_notified(scenario)
    seen = [o for stack in stacks for o in outcomes[Cell(stack, scenario, surface)]]
    conclusive = [o for o in seen if o.saw not in _SAYS_NOTHING]
    return Notified(
        scenario=scenario,
        surface=surface,
        n=sum(o.n for o in conclusive if _is_told(o.saw, surface)),
        of=sum(o.n for o in conclusive),
    )


def _is_told(saw: str, surface: Surface) -> bool:
    return is_exception(saw) if surface is Surface.ENDPOINT else saw in _TOLD
