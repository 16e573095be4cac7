"""How long after the client's close the stream is notified: measured apart, one at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hangup.model.scenarios import BY_ID
from hangup.model.trace import Event, Latency
from hangup.model.vocabulary import Surface
from hangup.runner.client import Client, target
from hangup.runner.server_process import ServerProcess

SCENARIO = BY_ID["idle"]
WARM_UP = 3
"""So many rounds are run first and not counted."""
REACH_S = 10.0
IDLE_S = 0.005


async def measure(
    servers: Mapping[str, ServerProcess], reference: str, samples: int, window_s: float
) -> dict[str, Latency]:
    """Take `samples` latencies of every server in turn; by app.

    In turn, so that whatever else the machine does falls on all alike. A server whose stream is
    not notified within the window is not asked again.
    """
    taken: dict[str, list[int | None]] = {app: [] for app in servers}
    for round_ in range(WARM_UP + samples):
        for app, server in servers.items():
            if taken[app] and taken[app][-1] is None:
                continue
            latency_ns = await _once(server, f"latency-{round_}", window_s)
            if round_ >= WARM_UP or latency_ns is None:
                taken[app].append(latency_ns)
    bare = taken.get(reference, [])
    return {app: _paired(own, bare) for app, own in taken.items()}


def _paired(own: Sequence[int | None], bare: Sequence[int | None]) -> Latency:
    if None in own or None in bare:
        return Latency()
    return Latency(own_ns=tuple(filter(None, own)), bare_ns=tuple(filter(None, bare)))


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
