"""Ctrl-C and SIGTERM: what is under way is ended in order, and the command says how to go on."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")

EXIT_CODE = 130
"""What a command exits with that was interrupted, as shells have it for SIGINT."""


class Interrupted(Exception):  # noqa: N818 (it is no error)
    """What was under way has been ended by Ctrl-C or SIGTERM."""


def run_until_interrupted(main: Callable[[], Awaitable[T]]) -> T:
    """Run to the end; Ctrl-C, SIGTERM or the end of the terminal cancels it.

    Raises Interrupted if it was cancelled so, whatever else went wrong while it was ended.
    """
    interrupted = False

    async def guarded() -> T:
        task = asyncio.current_task()
        assert task is not None

        def interrupt() -> None:
            nonlocal interrupted
            interrupted = True
            task.cancel()

        loop = asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if signal.getsignal(number) != signal.SIG_IGN:  # as nohup does with SIGHUP
                loop.add_signal_handler(number, interrupt)
        return await main()

    try:
        return asyncio.run(guarded())
    except BaseException as error:
        if interrupted:
            raise Interrupted from error
        raise
