"""What the apps have for observing changes nothing that a client can see.

Each app has a twin in `tests/twins`, which is what its framework's documentation teaches and
nothing else: no handler, hook, dependency or background task, and a stream without probes. A client
that does the same with both gets the same.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from hangup.environment.apps import find_apps, read_apps
from hangup.environment.installations import install
from hangup.environment.interpreters import find_interpreter
from hangup.environment.staging import stage
from hangup.environment.version_sets import constraints_of, pins_of
from hangup.model.apps import REFERENCE, App
from hangup.model.script import IDLE, Script
from hangup.model.servers import BY_ID
from hangup.runner.client import Client, answers
from hangup.runner.prepare import PreparedStack
from hangup.runner.server_process import ServerProcess
from hangup.runner.signalling import SENDINGS

TWINS = read_apps(Path(__file__).parent / "twins")
BASELINES = {name: app for name, app in find_apps().items() if app.variant is None}
SCRIPTS = {
    "complete": Script(events=3),
    "error": Script(events=3, then="raise"),
    "wait": IDLE,
    "flood": Script(events=10**12, size=64),
}
"""What the service's stream is told to do, by what the twins call it."""
WINDOW_S = 2.0
"""How long what may never come is waited for, with both."""


def test_every_app_has_a_twin_but_the_reference_which_is_ours() -> None:
    assert TWINS.keys() == BASELINES.keys() - {REFERENCE}


def target_of_twin(kind: str) -> str:
    return f"/events?kind={kind}"


def target_of_app(kind: str) -> str:
    return f"/events?{httpx.QueryParams(trial=kind, script=SCRIPTS[kind].json())}"


@asynccontextmanager
async def served(app: App, directory: Path, cache: Path) -> AsyncIterator[ServerProcess]:
    interpreter = await find_interpreter(None)
    server = BY_ID["uvicorn"]
    pins = await pins_of(app, server, constraints_of("current"), interpreter, cache)
    python = await install(pins, interpreter, cache)
    staged = directory / "staged"
    stage(staged, [app])
    stack = PreparedStack(app=app, server=server, pins=pins, python=python, staged=staged)
    async with ServerProcess(stack, directory / "server") as process:
        yield process


async def received(port: int, target: str) -> tuple[str, tuple[str, ...]]:
    """What a client gets that reads to the end: how it ends, and the data of the events."""
    client = Client(port, "GET", target)
    await client.ask()
    try:
        await client.wait_until(lambda c: c.ended.is_set(), WINDOW_S)
        return client.got(), client.event_stream.data
    finally:
        await client.close()


async def answers_after_a_flood(port: int, target: str) -> bool:
    client = Client(port, "GET", target)
    await client.ask()
    await client.wait_until(lambda c: c.received_bytes >= 1 << 16, WINDOW_S)
    await client.close()
    return await answers(port, WINDOW_S)


async def exits_with_a_stream_open(process: ServerProcess, target: str) -> bool:
    client = Client(process.port, "GET", target)
    await client.ask()
    try:
        assert await client.wait_until(lambda c: c.event_stream.count == 3, WINDOW_S)
        process.signal(SENDINGS["sigterm"])
        try:
            async with asyncio.timeout(WINDOW_S):
                await process.exited()
        except TimeoutError:
            return False
        return True
    finally:
        await client.close()


async def seen_by_clients(
    app: App, *, twin: bool, directory: Path, cache: Path
) -> dict[str, object]:
    """What clients see of an app: answers, how they end, what a flood and SIGTERM do."""
    target = target_of_twin if twin else target_of_app
    async with served(app, directory / "one", cache) as process:
        seen: dict[str, object] = {
            kind: await received(process.port, target(kind)) for kind in ("complete", "error")
        }
        seen["flood"] = await answers_after_a_flood(process.port, target("flood"))
    async with served(app, directory / "other", cache) as process:
        seen["exit"] = await exits_with_a_stream_open(process, target("wait"))
    return seen


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("environments")


@pytest.mark.parametrize("name", sorted(TWINS))
def test_an_app_and_its_twin_are_the_same_to_a_client(
    name: str, tmp_path: Path, cache: Path
) -> None:
    async def compare() -> None:
        of_app = await seen_by_clients(
            BASELINES[name], twin=False, directory=tmp_path / "app", cache=cache
        )
        of_twin = await seen_by_clients(
            TWINS[name], twin=True, directory=tmp_path / "twin", cache=cache
        )
        assert of_app == of_twin

    asyncio.run(compare())
