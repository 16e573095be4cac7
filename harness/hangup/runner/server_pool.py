"""The servers that are up at a time: started when they are needed, reused, retired.

Every use of servers has its limit; starting takes a core, so that there are limits for that too.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from hangup.environment import machine
from hangup.environment.scrubbing import scrub
from hangup.errors import SubjectError
from hangup.model.vocabulary import Word
from hangup.runner.prepare import PreparedStack
from hangup.runner.process_tree import kill_below
from hangup.runner.server_process import POLL_S, ServerProcess


@dataclass(frozen=True, kw_only=True)
class ServerUse:
    """What servers are up for, and how many of them may be at once."""

    limit: int | None
    """None for no limit but the number of stacks."""
    poll_s: float = POLL_S
    trace_exceptions: bool = False
    replaced_without_queueing: bool = False
    """Whether a server that replaces a retired one need not queue to be started."""


SHARED = ServerUse(limit=30, replaced_without_queueing=True)
"""Trials share it, one after the other or at once."""
OWN = ServerUse(limit=40)
"""It is of one trial, or of a group of them; nearly all of its time is waiting."""
TRACED = ServerUse(limit=12, trace_exceptions=True)
"""It traces exceptions, and is slow."""
UNDISTURBED = ServerUse(limit=None, poll_s=0.002)
"""Latencies are taken on it while nothing else goes on, so that it is watched more closely."""


@dataclass(frozen=True)
class StartFailure:
    """Why a stack could not be started."""

    reason: str
    log: Path
    """Its server's log."""


Launch = Callable[[PreparedStack, Path, ServerUse], ServerProcess]
"""Makes a server of a stack, with a directory of its own, to be entered."""


def launch(stack: PreparedStack, directory: Path, use: ServerUse) -> ServerProcess:
    """The server as it is launched outside of tests."""
    return ServerProcess(stack, directory, poll_s=use.poll_s, trace_exceptions=use.trace_exceptions)


class ServerPool:
    """The servers of a run; use it as an async context manager.

    Entering ends what servers of the run have left that was interrupted before, leaving what is
    left of its own. `directory` is for their logs; a run that is resumed finds those of the servers
    it had before.
    """

    def __init__(self, directory: Path, launch: Launch = launch) -> None:
        self.failures: dict[str, StartFailure] = {}
        """The stacks that could not be started, by name."""
        self._directory = directory
        self._launch = launch
        self._numbers = itertools.count(sum(1 for _ in directory.iterdir()))
        self._limits: dict[ServerUse, asyncio.Semaphore] = {}
        self._starting = asyncio.Semaphore(machine.cores())

    async def __aenter__(self) -> ServerPool:
        await kill_below(self._directory)
        return self

    async def __aexit__(self, *_: object) -> None:
        # All have been retired, unless that was interrupted; daemons are found only here.
        await kill_below(self._directory)

    @asynccontextmanager
    async def slot(self, stack: PreparedStack, use: ServerUse) -> AsyncIterator[ServerSlot]:
        """A slot for one server of a stack; waits until there may be one more of this use."""
        async with self._limit(use), AsyncExitStack() as exits:
            yield ServerSlot(self, stack, use, exits)

    def _limit(self, use: ServerUse) -> AbstractAsyncContextManager[None]:
        if use.limit is None:
            return nullcontext()
        return self._limits.setdefault(use, asyncio.Semaphore(use.limit))

    async def start(
        self, stack: PreparedStack, use: ServerUse, exits: AsyncExitStack, *, without_queueing: bool
    ) -> ServerProcess:
        """Start a server that `exits` will end; raises SubjectError.

        A stack that has failed to start twice in a row fails at once from then on.
        """
        async with nullcontext() if without_queueing else self._starting:
            try:
                return await self._start_once(stack, use, exits, again=True)
            except SubjectError as error:
                if error.word != Word.FAILED_TO_START:
                    raise
            # What ended it may have come from outside; what comes of the stack comes again.
            return await self._start_once(stack, use, exits, again=False)

    async def _start_once(
        self, stack: PreparedStack, use: ServerUse, exits: AsyncExitStack, *, again: bool
    ) -> ServerProcess:
        """As `start`; `again`: it will be tried once more if it fails."""
        if stack.name in self.failures:
            raise SubjectError(Word.FAILED_TO_START, self.failures[stack.name].reason)
        directory = self._directory / f"{stack.name}-{next(self._numbers)}"
        server = self._launch(stack, directory, use)
        try:
            return await exits.enter_async_context(server)
        except SubjectError as error:
            reason = scrub(str(error), stack.staged)
            if error.word == Word.FAILED_TO_START and not again:
                self.failures.setdefault(stack.name, StartFailure(reason, server.log_file))
            raise SubjectError(error.word, reason) from None


class ServerSlot:
    """What holds one server, which is up from when it is first asked for until it is retired."""

    def __init__(
        self, pool: ServerPool, stack: PreparedStack, use: ServerUse, exits: AsyncExitStack
    ) -> None:
        self._pool = pool
        self._stack = stack
        self._use = use
        self._exits = exits
        self._server: ServerProcess | None = None
        self._retired = False

    async def server(self) -> ServerProcess:
        """The server, started if there is none; raises SubjectError if it does not get ready."""
        if self._server is None:
            self._server = await self._pool.start(
                self._stack,
                self._use,
                self._exits,
                without_queueing=self._retired and self._use.replaced_without_queueing,
            )
        return self._server

    async def retire(self) -> None:
        """End the server, so that the next to ask gets another one."""
        await self._exits.aclose()
        self._server = None
        self._retired = True
