"""A latency that was disturbed is taken again, and left out where that does not help."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import cast

import pytest

from hangup.model.process import PAUSED, PROCESS
from hangup.model.trace import Event, Latency
from hangup.runner import latency
from hangup.runner.latency import ATTEMPTS, WARM_UP, measure
from hangup.runner.process_watch import HarnessWatch
from hangup.runner.server_pool import ServerSlot

PAUSE = Event(t_ns=1, surface=PROCESS, event=PAUSED, n=900)


class FakeServer:
    """A server whose stream is notified after as many ns as it is asked for the nth time."""

    lost_lines = 0

    def __init__(self, disturbed: Callable[[], bool], silent: bool) -> None:
        self.disturbed = disturbed
        self.silent = silent

    def process_events(self, since_ns: int, until_ns: int, lost_before: int) -> list[Event]:
        return [PAUSE] if self.disturbed() else []


class FakeSlot:
    """A slot whose servers are disturbed as is said, sample by sample."""

    def __init__(self, disturbed: Sequence[bool] = (), *, silent: bool = False) -> None:
        self.disturbed = iter(disturbed)
        self.silent = silent
        self.servers = 0
        self.up: FakeServer | None = None

    async def server(self) -> FakeServer:
        if self.up is None:
            self.servers += 1
            self.up = FakeServer(lambda: next(self.disturbed, False), self.silent)
        return self.up

    async def retire(self) -> None:
        self.up = None


@pytest.fixture(autouse=True)
def taken(monkeypatch: pytest.MonkeyPatch) -> None:
    async def once(server: FakeServer, name: str, window_s: float) -> int | None:
        return None if server.silent else 1 + int(name.rpartition("-")[2])

    monkeypatch.setattr(latency, "_once", once)


def measured(samples: int, **slots: FakeSlot) -> dict[str, Latency]:
    real = {app: cast(ServerSlot, slot) for app, slot in slots.items()}
    return asyncio.run(measure(real, HarnessWatch(), "bare", samples, 2.0))


def test_a_sample_that_was_disturbed_is_taken_again_on_a_fresh_server() -> None:
    bare, own = FakeSlot(), FakeSlot([False] * WARM_UP + [True])
    found = measured(3, bare=bare, own=own)
    assert found["own"] == Latency(own_ns=(4, 5, 6), bare_ns=(4, 5, 6))
    assert (bare.servers, own.servers) == (1, 2)


def test_a_sample_that_is_disturbed_again_and_again_is_left_out_of_both() -> None:
    own = FakeSlot([False] * (WARM_UP + 1) + [True] * ATTEMPTS)
    found = measured(3, bare=FakeSlot(), own=own)
    assert found["own"] == Latency(own_ns=(4, 6), bare_ns=(4, 6))
    assert found["bare"] == Latency(own_ns=(4, 5, 6), bare_ns=(4, 5, 6))


def test_a_stream_that_two_servers_do_not_notify_is_not_asked_again() -> None:
    own = FakeSlot(silent=True)
    assert measured(3, bare=FakeSlot(), own=own)["own"] == Latency()
    assert own.servers == 2


def test_an_app_that_can_never_be_measured_is_given_up() -> None:
    own = FakeSlot([True] * 1000)
    assert measured(30, bare=FakeSlot(), own=own)["own"] == Latency()
    assert own.servers < 20
