"""Streams made of recipes: what they yield and raise, and when they have their clean-up done."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from apps.common import recipes, service
from apps.recipes import until_sigterm
from hangup.model.cleanup import RECIPES
from tests.agent_trace import other_tasks_done
from tests.command import DEADLINE_S

STREAMS = ["+".join(recipe.functions) for recipe in RECIPES if recipe.surface is None]


class CleanUp:
    """Clean-up that counts how often it was started and completed."""

    def __init__(self) -> None:
        self.begun = self.done = 0

    def __call__(self) -> Coroutine[Any, Any, None]:
        return self._work()

    async def _work(self) -> None:
        self.begun += 1
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.done += 1


async def numbers(then: BaseException | None = None) -> AsyncGenerator[int, None]:
    for number in (1, 2, 3):
        yield number
    if then is not None:
        raise then


async def endless(waits: asyncio.Event) -> AsyncGenerator[int, None]:
    yield 1
    waits.set()
    await asyncio.sleep(3600)


@pytest.fixture(autouse=True)
def sigterm_handler_restored() -> Iterator[None]:
    """Each test begins in a process that has got no SIGTERM and whose handler is its own."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)
    until_sigterm.watch_sigterm.cache_clear()
    until_sigterm.stopping = asyncio.Event()


@pytest.mark.parametrize("functions", STREAMS)
def test_a_recipe_yields_what_its_source_yields(functions: str) -> None:
    async def main() -> list[int]:
        received = [n async for n in recipes.assemble(functions, numbers(), CleanUp())]
        await other_tasks_done()
        return received

    assert asyncio.run(main()) == [1, 2, 3]


@pytest.mark.parametrize("functions", STREAMS)
def test_a_recipe_raises_what_its_source_raises_and_all_but_one_clean_up(functions: str) -> None:
    clean_up = CleanUp()

    async def main() -> None:
        # A `TimeoutError` of the source must not be taken for the one that SIGTERM causes.
        with pytest.raises(TimeoutError):
            async for _ in recipes.assemble(functions, numbers(TimeoutError()), clean_up):
                pass
        await other_tasks_done()

    asyncio.run(main())
    assert clean_up.done == (functions != "except_cancelled")


@pytest.mark.parametrize("functions", STREAMS)
def test_a_recipe_cleans_up_once_when_it_is_cancelled(functions: str) -> None:
    clean_up = CleanUp()

    async def read(waits: asyncio.Event) -> None:
        async for _ in recipes.assemble(functions, endless(waits), clean_up):
            pass

    async def main() -> None:
        waits = asyncio.Event()
        task = asyncio.create_task(read(waits))
        await waits.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await other_tasks_done()

    asyncio.run(main())
    assert (clean_up.begun, clean_up.done) == (1, 1)


@pytest.mark.parametrize("functions", [s for s in STREAMS if s.startswith("until_sigterm")])
def test_at_sigterm_a_waiting_stream_ends_and_the_previous_handler_is_called(
    functions: str,
) -> None:
    clean_up = CleanUp()
    signals: list[int] = []

    async def main() -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: signals.append(number))
        waits = asyncio.Event()

        async def terminate() -> None:
            await waits.wait()
            os.kill(os.getpid(), signal.SIGTERM)

        terminating = asyncio.create_task(terminate())
        async with asyncio.timeout(DEADLINE_S):  # without the handler, nothing else ends the stream
            received = [n async for n in recipes.assemble(functions, endless(waits), clean_up)]
        await terminating
        await other_tasks_done()
        assert received == [1]

    asyncio.run(main())
    assert signals == [signal.SIGTERM]
    assert clean_up.done == 1


def test_a_function_that_apps_call_is_skipped() -> None:
    source = numbers()
    for name in recipes.CALLED_BY_APPS:
        assert recipes.assemble(name, source, CleanUp()) is source


def test_the_functions_that_apps_call_are_those_that_need_a_surface() -> None:
    called = {name for recipe in RECIPES if recipe.surface for name in recipe.functions}
    known = recipes._FUNCTIONS.keys()
    assert called - known == recipes.CALLED_BY_APPS
    assert not recipes.CALLED_BY_APPS & known


def test_a_name_that_there_is_not_is_an_error() -> None:
    with pytest.raises(KeyError, match="no_recipe"):
        recipes.assemble("try_finally+no_recipe", numbers(), CleanUp())


def test_each_file_is_a_recipe_that_is_tried_and_each_other_name_is_called_by_apps() -> None:
    files = {path.stem for path in Path(until_sigterm.__file__).parent.glob("[a-z]*.py")}
    tried = {function for recipe in RECIPES for function in recipe.functions}
    assert files <= tried
    assert all(hasattr(service, name) for name in tried - files)
