"""How long after the client's close the stream is notified: measured apart, one at a time."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from contextlib import suppress

from hangup.errors import SubjectError
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Event, Latency
from hangup.model.vocabulary import Surface
from hangup.runner.client import Client, target
from hangup.runner.process_watch import HarnessWatch
from hangup.runner.server_pool import ServerSlot
from hangup.runner.server_process import ServerProcess

SCENARIO = BY_ID["idle"]
WARM_UP = 3
"""So many rounds are run first and not counted."""
REACH_S = 10.0
IDLE_S = 0.005
ATTEMPTS = 3
"""How often a latency is taken at most to get one that was not disturbed."""
ROUNDS_LEFT_OUT = 3
"""An app that could not be measured in so many rounds is not measured."""


async def measure(
    slots: Mapping[str, ServerSlot],
    harness: HarnessWatch,
    reference: str,
    samples: int,
    window_s: float,
) -> dict[str, Latency]:
    """Take `samples` latencies of every app in turn; by app, each with its server's slot.

    In turn, so that whatever else the machine does falls on all alike. One that was disturbed is
    taken again, or left out. An app whose stream is not notified within the window is not asked
    again.
    """
    apps = {app: _Samples(slot, harness, window_s) for app, slot in slots.items()}
    for round_ in range(WARM_UP + samples):
        for app in apps.values():
            await app.take(round_)
    bare = apps.get(reference)
    return {app: _paired(own, bare) for app, own in apps.items()}


class _Samples:
    """The latencies of one app, by round."""

    def __init__(self, slot: ServerSlot, harness: HarnessWatch, window_s: float) -> None:
        self.taken_ns: dict[int, int] = {}
        self.measurable = True
        """False once two servers have shown that the stream is not notified, or too many rounds
        have come to nothing."""
        self._left_out = 0
        self._slot = slot
        self._harness = harness
        self._window_s = window_s

    async def take(self, round_: int) -> None:
        """Take the latency of a round, if no servers show that there is none."""
        silent = 0
        for _ in range(ATTEMPTS):
            if not self.measurable:
                return
            try:
                server = await self._slot.server()
            except SubjectError:  # its trials show it
                return
            since_ns, lost_before = time.monotonic_ns(), server.lost_lines
            latency_ns = await _once(server, f"latency-{round_}", self._window_s)
            until_ns = time.monotonic_ns()
            disturbed = server.process_events(since_ns, until_ns, lost_before)
            disturbed += self._harness.events(since_ns, until_ns)
            if latency_ns is not None and not disturbed:
                if round_ >= WARM_UP:
                    self.taken_ns[round_] = latency_ns
                return
            silent += not disturbed
            self.measurable = silent < 2
            if self.measurable:
                await self._replace_server()
        self._left_out += 1
        self.measurable &= self._left_out < ROUNDS_LEFT_OUT

    async def _replace_server(self) -> None:
        await self._slot.retire()
        with suppress(SubjectError):
            server = await self._slot.server()
            for i in range(WARM_UP):
                await _once(server, f"latency-warm-up-{i}", self._window_s)


def _paired(own: _Samples, bare: _Samples | None) -> Latency:
    if bare is None or not own.measurable or not bare.measurable:
        return Latency()
    rounds = sorted(own.taken_ns.keys() & bare.taken_ns.keys())
    return Latency(
        own_ns=tuple(own.taken_ns[i] for i in rounds),
        bare_ns=tuple(bare.taken_ns[i] for i in rounds),
    )


async def _once(server: ServerProcess, name: str, window_s: float) -> int | None:
    """One latency in ns; None if the stream was not notified within the window."""
    client = Client(server.port, SCENARIO.method, target(SCENARIO, name))
    try:
        await client.ask()
        wanted = SCENARIO.script.events
        await client.wait_until(lambda c: c.event_stream.count >= wanted, REACH_S)
        await server.wait_for_quiet(name, IDLE_S, REACH_S)
        left_ns = await client.disconnect("closes")
        await server.wait_for(
            lambda: _notified_ns(server.trace.events_of(name)) is not None, window_s
        )
        notified_ns = _notified_ns(server.trace.events_of(name))
        return None if notified_ns is None else notified_ns - left_ns
    except ConnectionError:
        return None
    finally:
        await client.close()
        server.trace.forget(name)


def _notified_ns(events: Sequence[Event]) -> int | None:
    """When something was first thrown into the stream."""
    return next(
        (
            e.t_ns
            for e in events
            if e.surface == Surface.STREAM and e.event in ("saw", "end") and e.saw
        ),
        None,
    )
