"""The recipes as streams: what they pass on, and when they call for their clean-up."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncGenerator, Coroutine, Iterator
from contextlib import suppress
from typing import Any

import pytest

from apps.common import recipes
from apps.recipes import until_sigterm
from hangup.model.cleanup import RECIPES

STREAMS = ["+".join(recipe.functions) for recipe in RECIPES if recipe.surface is None]


class CleanUp:
    """Clean-up that says how far it came."""

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


async def ending_never(waits: asyncio.Event) -> AsyncGenerator[int, None]:
    yield 1
    waits.set()
    await asyncio.sleep(3600)


async def others_done() -> None:
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)


@pytest.fixture(autouse=True)
def untold() -> Iterator[None]:
    """A process that has not been told to stop, and does not listen for it either."""
    handler = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, handler)
    until_sigterm.watch_sigterm.cache_clear()
    until_sigterm.stopping = asyncio.Event()


@pytest.mark.parametrize("functions", STREAMS)
def test_a_recipe_passes_on_what_its_source_yields(functions: str) -> None:
    async def main() -> list[int]:
        got = [n async for n in recipes.assemble(functions, numbers(), CleanUp())]
        await others_done()
        return got

    assert asyncio.run(main()) == [1, 2, 3]


@pytest.mark.parametrize("functions", STREAMS)
def test_a_recipe_lets_an_error_through_and_cleans_up_but_for_one(functions: str) -> None:
    clean_up = CleanUp()

    async def main() -> None:
        # A `TimeoutError` of the source's own, which must not be taken for being told to stop.
        with pytest.raises(TimeoutError):
            async for _ in recipes.assemble(functions, numbers(TimeoutError()), clean_up):
                pass
        await others_done()

    asyncio.run(main())
    assert clean_up.done == (functions != "except_cancelled")


@pytest.mark.parametrize("functions", STREAMS)
def test_a_recipe_cleans_up_once_when_it_is_cancelled(functions: str) -> None:
    clean_up = CleanUp()

    async def read(waits: asyncio.Event) -> None:
        async for _ in recipes.assemble(functions, ending_never(waits), clean_up):
            pass

    async def main() -> None:
        waits = asyncio.Event()
        task = asyncio.create_task(read(waits))
        await waits.wait()
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        await others_done()

    asyncio.run(main())
    assert (clean_up.begun, clean_up.done) == (1, 1)


@pytest.mark.parametrize("functions", [s for s in STREAMS if s.startswith("until_sigterm")])
def test_at_sigterm_a_waiting_stream_ends_and_the_servers_handler_is_called(
    functions: str,
) -> None:
    clean_up = CleanUp()
    heard: list[int] = []

    async def main() -> None:
        signal.signal(signal.SIGTERM, lambda number, frame: heard.append(number))
        waits = asyncio.Event()

        async def tell() -> None:
            await waits.wait()
            os.kill(os.getpid(), signal.SIGTERM)

        telling = asyncio.create_task(tell())
        async with asyncio.timeout(10):  # where it is not heard, nothing else ends this
            got = [n async for n in recipes.assemble(functions, ending_never(waits), clean_up)]
        await telling
        await others_done()
        assert got == [1]

    asyncio.run(main())
    assert heard == [signal.SIGTERM]
    assert clean_up.done == 1


def test_a_name_that_is_no_stream_leaves_the_source_as_it_is() -> None:
    source = numbers()
    assert recipes.assemble("dependency_teardown", source, CleanUp()) is source
