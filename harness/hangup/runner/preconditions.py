"""How a stream is brought into the state that its scenario is about: a function a precondition."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from hangup.model.scenario import Precondition
from hangup.runner.client import Client
from hangup.runner.trial_events import (
    is_sending,
    is_waiting,
    script_has_ended,
    source_is_running,
)
from hangup.runner.trial_setup import TrialSetup

REACH_S = 10.0
"""How long a stream may take to get into the state that the scenario is about."""
FLOOD_S = 2.0
"""How long a stream that never awaits may take to flood its client, if it ever gets to that."""
IDLE_S = 0.03
"""A stream that waits is idle when its whole stack has done nothing for so long."""
QUIET_S = 0.2
"""A stream whose reader has stopped is stalled when it has done nothing for so long."""
EVENTS_UNTIL_STREAMING = 5
BYTES_UNTIL_FLOODED = 1 << 16

Reach = Callable[[TrialSetup, Client], Awaitable[bool]]
"""Brings a stream that was asked for into a state; whether it got there in time."""


async def reach(trial: TrialSetup, client: Client) -> None:
    """Bring the stream into its scenario's state; raises SubjectError if it does not get there."""
    precondition = trial.scenario.precondition
    if not await REACH[precondition](trial, client):
        raise await trial.failure(f"the stream was not {precondition!r}")


async def _waiting(trial: TrialSetup, client: Client) -> bool:
    script = trial.scenario.script
    reached = await trial.server.wait_for(lambda: is_waiting(trial.events), REACH_S)
    if script.endpoint == "wait":
        await trial.server.wait_for_quiet(trial.name, IDLE_S, REACH_S)
        if client.status is not None:
            raise await trial.failure("the response had begun before the endpoint answered")
    elif reached:
        reached = await client.wait_until(
            lambda c: c.status is not None and c.event_stream.count >= script.events, REACH_S
        )
    # Idle is more than about to be: the framework's other tasks run first.
    await trial.server.wait_for_quiet(trial.name, IDLE_S, REACH_S)
    return reached


async def _streaming(trial: TrialSetup, client: Client) -> bool:
    reached = await client.wait_until(
        lambda c: c.event_stream.count >= EVENTS_UNTIL_STREAMING, REACH_S
    )
    # Every repeat disconnects at another point between two events: a stream is at an
    # `await` for most of that time and at a `yield` for little of it.
    await asyncio.sleep(trial.scenario.script.pause_ms / 1000 * trial.phase)
    return reached


async def _stalled(trial: TrialSetup, client: Client) -> bool:
    reached = await client.wait_until(lambda c: c.received_bytes > 0, REACH_S)
    await client.stop_reading()
    return (
        reached
        and await trial.server.wait_for(lambda: is_sending(trial.events), REACH_S)
        and await trial.server.wait_for_quiet(trial.name, QUIET_S, REACH_S)
        and is_sending(trial.events)
    )


async def _flooded(trial: TrialSetup, client: Client) -> bool:
    reached = await client.wait_until(lambda c: c.received_bytes >= BYTES_UNTIL_FLOODED, FLOOD_S)
    # One that is read ahead of the stream may spin without getting anything out.
    return reached or source_is_running(trial.events)


async def _ended(trial: TrialSetup, client: Client) -> bool:
    # What is watched is all that matters; not every stack ends every response.
    await client.wait_until(lambda c: c.ended.is_set(), trial.window_s)
    # The client may know before what the agent has written was read.
    return await trial.server.wait_for(
        lambda: script_has_ended(trial.scenario.script, trial.events), trial.window_s
    )


REACH: Mapping[Precondition, Reach] = {
    "waiting": _waiting,
    "streaming": _streaming,
    "stalled": _stalled,
    "flooded": _flooded,
    "ended": _ended,
}
