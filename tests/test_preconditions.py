"""Every precondition is reached in a way of its own, and it is said where it is not reached."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast, get_args

import pytest

from hangup.errors import SubjectError
from hangup.model.scenario import Precondition, Scenario
from hangup.model.script import IDLE, Script
from hangup.model.trace import Event
from hangup.model.vocabulary import Word
from hangup.runner.client import Client
from hangup.runner.preconditions import (
    BYTES_UNTIL_FLOODED,
    EVENTS_UNTIL_STREAMING,
    REACH,
    reach,
)
from hangup.runner.server_process import ServerProcess
from hangup.runner.trial_setup import TrialSetup
from tests.plans import an_app


def an_event(surface: str, event: str) -> Event:
    return Event(t_ns=1, surface=surface, event=event)


WAITS = an_event("source", "waiting")
SENDING = an_event("send", "begin")
SENT = an_event("send", "end")
SOURCE_BEGINS = an_event("source", "begin")
SOURCE_ENDS = an_event("source", "end")


class FakeServer(ServerProcess):
    """A server without a process: what its agent has reported, and reports until it is quiet."""

    def __init__(self, events: Sequence[Event], late: Sequence[Event], *, exited: bool) -> None:
        self._events = list(events)
        self._late = late
        self.stack = an_app("bare")  # type: ignore[assignment]
        self.trace = cast(Any, SimpleNamespace(events_of=lambda trial: self._events))
        self.log_file = Path("/dev/null")
        self._has_exited = exited

    @property
    def running(self) -> bool:
        return not self._has_exited

    @property
    def exit_code(self) -> int | None:
        return 7 if self._has_exited else None

    async def exited(self) -> None:
        if not self._has_exited:
            await asyncio.Event().wait()

    async def wait_for(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        return reached()

    async def wait_for_quiet(self, trial: str, quiet_s: float, timeout_s: float) -> bool:
        self._events += self._late
        return True


class FakeClient(Client):
    """A client without a connection: what has arrived, and nothing more is coming."""

    def __init__(self, events: int = 0, received_bytes: int = 0, *, ended: bool = False) -> None:
        self.event_stream = cast(Any, SimpleNamespace(count=events))
        self.received_bytes = received_bytes
        self.status = 200 if received_bytes else None
        self.ended = asyncio.Event()
        self.reads = True
        if ended:
            self.ended.set()

    async def wait_until(self, reached: Callable[[Client], bool], timeout_s: float) -> bool:
        return reached(self)

    async def stop_reading(self) -> None:
        self.reads = False


def reach_with(
    precondition: Precondition,
    client: FakeClient,
    *events: Event,
    late: Sequence[Event] = (),
    script: Script = IDLE,
    exited: bool = False,
) -> None:
    """Try to reach a precondition; raises what `reach` raises."""
    scenario = Scenario(
        title="a state",
        id="mine",
        question="?",
        kind="disconnect",
        precondition=precondition,
        script=script,
    )
    server = FakeServer(events, late, exited=exited)
    setup = TrialSetup(server=server, scenario=scenario, repeat=1, window_s=1.0)
    asyncio.run(reach(setup, client))


WAITS_BEFORE_ANSWERING = Script(endpoint="wait")

REACHED: list[tuple[str, Precondition, FakeClient, list[Event], Script]] = [
    ("all have arrived", "waiting", FakeClient(3, 100), [WAITS], IDLE),
    ("no response yet", "waiting", FakeClient(), [WAITS], WAITS_BEFORE_ANSWERING),
    ("some have arrived", "streaming", FakeClient(EVENTS_UNTIL_STREAMING, 1), [], IDLE),
    ("it cannot send", "stalled", FakeClient(1, 100), [SENDING, SENT, SENDING], IDLE),
    ("flooded", "flooded", FakeClient(0, BYTES_UNTIL_FLOODED), [], IDLE),
    ("nothing gets out", "flooded", FakeClient(), [SOURCE_BEGINS], IDLE),
    ("over", "ended", FakeClient(5, 100, ended=True), [SOURCE_BEGINS, SOURCE_ENDS], Script()),
    ("over, the response is not", "ended", FakeClient(5, 100), [SOURCE_ENDS], Script()),
]
NOT_REACHED: list[tuple[str, Precondition, FakeClient, list[Event], Script]] = [
    ("nothing waits", "waiting", FakeClient(3, 100), [], IDLE),
    ("one is missing", "waiting", FakeClient(2, 100), [WAITS], IDLE),
    ("no response", "waiting", FakeClient(), [WAITS], Script(events=0, then="wait")),
    ("it has answered", "waiting", FakeClient(0, 100), [WAITS], WAITS_BEFORE_ANSWERING),
    ("too few", "streaming", FakeClient(EVENTS_UNTIL_STREAMING - 1, 1), [], IDLE),
    ("nothing has arrived", "stalled", FakeClient(), [SENDING], IDLE),
    ("it goes on sending", "stalled", FakeClient(1, 100), [SENDING, SENT], IDLE),
    ("too little", "flooded", FakeClient(0, BYTES_UNTIL_FLOODED - 1), [], IDLE),
    ("it has ended", "flooded", FakeClient(), [SOURCE_BEGINS, SOURCE_ENDS], IDLE),
    ("not over", "ended", FakeClient(5, 100, ended=True), [SOURCE_BEGINS], Script()),
]


def _ids(cases: Sequence[tuple[Any, ...]]) -> list[str]:
    return [f"{case[1]}: {case[0]}" for case in cases]


def test_every_precondition_has_a_way_to_it_and_no_other_has() -> None:
    assert set(REACH) == set(get_args(Precondition))
    assert len(set(REACH.values())) == len(REACH)
    for cases in (REACHED, NOT_REACHED):
        assert {case[1] for case in cases} == set(REACH)


@pytest.mark.parametrize("case", REACHED, ids=_ids(REACHED))
def test_a_state_is_reached(
    case: tuple[str, Precondition, FakeClient, list[Event], Script],
) -> None:
    _, precondition, client, events, script = case
    reach_with(precondition, client, *events, script=script)
    assert client.reads == (precondition != "stalled")


@pytest.mark.parametrize("case", NOT_REACHED, ids=_ids(NOT_REACHED))
def test_a_state_that_is_not_reached_is_said_not_to_be(
    case: tuple[str, Precondition, FakeClient, list[Event], Script],
) -> None:
    _, precondition, client, events, script = case
    with pytest.raises(SubjectError) as raised:
        reach_with(precondition, client, *events, script=script)
    assert raised.value.word == Word.NOT_REACHED


def test_a_server_that_has_exited_is_why() -> None:
    with pytest.raises(SubjectError, match="exit code 7") as raised:
        reach_with("streaming", FakeClient(), exited=True)
    assert raised.value.word == Word.SERVER_EXITED


def test_a_stream_that_goes_on_once_more_is_not_stalled() -> None:
    with pytest.raises(SubjectError, match="the stream was not 'stalled'"):
        reach_with("stalled", FakeClient(1, 100), SENDING, late=[SENT])
