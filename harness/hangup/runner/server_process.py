"""One server process: started, watched through its probe's file, and gone afterwards."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import socket
import time
from collections import defaultdict
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import TracebackType

import msgspec

from hangup.errors import SubjectError
from hangup.model.exception_path import Step
from hangup.model.servers import Server
from hangup.model.trace import COLLECTS, EXCEPTION_PATH, LOADED, Event
from hangup.model.vocabulary import Word
from hangup.runner.client import COLLECT_PATH, HOST, answers

READY_S = 30.0
"""How long a server may take to answer its first request."""
POLL_S = 0.01
"""How often the probe's file is looked at; the times in it do not depend on this."""

# Below the ranges that Linux (32768) and macOS (49152) take for outgoing connections:
# in them, one of our own clients could take the port before the server binds it.
_PORTS = range(20_000, 30_000)


class _Line(msgspec.Struct):
    """One line of the probe's file (`harness/hangup/agent/probe.py`)."""

    t: int
    trial: str | None
    surface: str
    event: str
    saw: str | None = None
    at: str | None = None
    n: int | None = None
    detail: str | None = None
    # Of the steps on an exception's path (`harness/hangup/agent/exception_tracer.py`):
    frame: int = 0
    function: str = ""
    file: str = ""
    line: int = 0
    task: str | None = None
    of: int | None = None
    kinds: tuple[str, ...] = ()


_decoder = msgspec.json.Decoder(_Line)


class ServerProcess:
    """A server with an app; use it as an async context manager.

    Entering starts it and raises SubjectError if it does not get ready; leaving kills
    all its processes.
    """

    def __init__(
        self,
        *,
        root: Path,
        app: Path,
        server: Server,
        python: Path,
        directory: Path,
        poll_s: float = POLL_S,
        trace_exceptions: bool = False,
    ) -> None:
        self.poll_s = poll_s
        self._followed = trace_exceptions
        self.root = root
        self.app = app
        self.server = server
        self.python = python
        self.port = _free_port()
        directory.mkdir(parents=True, exist_ok=True)
        self.log_file = directory / "server.log"
        self._trace_file = directory / "probe.jsonl"
        self._lifeline_file = directory / "lifeline"
        self._events: dict[str, list[Event]] = defaultdict(list)
        self._paths: dict[str, list[Step]] = defaultdict(list)
        self.unattributed_events: list[Event] = []
        """Events that belong to no trial: refused handlers, log lines outside requests."""
        self._fresh = asyncio.Event()
        self._partial = b""
        self._terminated_ns: int | None = None

    async def __aenter__(self) -> ServerProcess:
        self._trace_file.touch()
        os.mkfifo(self._lifeline_file)
        self._open = contextlib.ExitStack()
        with contextlib.ExitStack() as opening:
            # Nobody else holds this end, so that it closes when the harness dies.
            lifeline = os.open(self._lifeline_file, os.O_RDWR)
            opening.callback(os.close, lifeline)
            log = opening.enter_context(self.log_file.open("wb"))
            self._trace = opening.enter_context(self._trace_file.open("rb", buffering=0))
            self._process = await asyncio.create_subprocess_exec(
                self.python,
                *self.server.arguments(self.port),
                env=self._environment(),
                cwd=self.log_file.parent,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
            opening.callback(self.kill)
            self._open = opening.pop_all()
        self._tracing = asyncio.create_task(self._follow())
        try:
            await self._get_ready()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._open.close()
        self._tracing.cancel()
        await asyncio.gather(self._tracing, self._process.wait(), return_exceptions=True)

    @property
    def running(self) -> bool:
        """Whether the process the harness started is there."""
        return self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """The exit code; negative for the signal that ended it."""
        return self._process.returncode

    def terminate(self) -> int:
        """Send SIGTERM to the process that was started, once, as an operator would.

        When that was, in ns; the streams of several trials may be open.
        """
        if self._terminated_ns is None:
            self._terminated_ns = time.monotonic_ns()
            self._process.send_signal(signal.SIGTERM)
        return self._terminated_ns

    async def exited(self) -> None:
        """Wait until the process has ended."""
        await self._process.wait()

    def seen(self, trial: str) -> list[Event]:
        """What the probe has reported of a trial so far, by time of writing."""
        return self._events[trial]

    def path(self, trial: str) -> list[Step]:
        """The steps of the exceptions of a trial, if this subject was told to follow them."""
        return self._paths[trial]

    async def wait_for(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Whether `reached` became true in time; asked again whenever something was seen.

        Does not wait for what a process that has ended can no longer show.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not reached() and self.running:
                    if self._tracing.done():  # a line that is none: a fault of ours
                        self._tracing.result()
                    await self._fresh.wait()
        except TimeoutError:
            pass
        return reached()

    def ask_again(self) -> None:
        """Have `wait_for` ask again: something was seen, by the probe or elsewhere."""
        self._fresh.set()
        self._fresh = asyncio.Event()

    async def wait_for_quiet(self, trial: str, quiet_s: float, timeout_s: float) -> bool:
        """Whether the trial came to say nothing for `quiet_s`."""

        def said() -> int:
            return len(self.seen(trial))

        try:
            async with asyncio.timeout(timeout_s):
                while True:
                    count = said()
                    if not await self.wait_for(partial(_exceeds, said, count), quiet_s):
                        return True
        except TimeoutError:
            return False

    def forget(self, trial: str) -> None:
        """Drop what was seen of a trial that is over."""
        self._events.pop(trial, None)
        self._paths.pop(trial, None)

    def log_tail(self) -> str:
        """The last line of the server's log that says something."""
        lines = self.log_file.read_text(errors="replace").splitlines()
        said = [line.strip() for line in lines if line.strip()]
        return said[-1][:300] if said else "its log is empty"

    async def _get_ready(self) -> None:
        ready = asyncio.create_task(self._answer())
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if not self.running:
                raise SubjectError(
                    Word.FAILED_TO_START,
                    f"it ended with exit code {self.exit_code}: {self.log_tail()}",
                )
            if not ready.done():
                raise SubjectError(Word.FAILED_TO_START, f"it gave no answer within {READY_S:g} s")
            ready.result()
        finally:
            ready.cancel()
            ended.cancel()
            await asyncio.gather(ready, ended, return_exceptions=True)

    async def _answer(self) -> None:
        # Until then nobody listens, and asking would only take time from those who start.
        await self.wait_for(
            lambda: any(event.event == LOADED for event in self.unattributed_events), READY_S
        )
        while not await answers(self.port, READY_S):
            await asyncio.sleep(0.02)
        # It may be somebody else who answers on this port; our own probe tells.
        await answers(self.port, READY_S, COLLECT_PATH)
        collected = lambda: any(event.event == COLLECTS for event in self.unattributed_events)  # noqa: E731
        if not await self.wait_for(collected, READY_S):
            raise SubjectError(Word.FAILED_TO_START, "another server answers on its port")

    def catch_up(self) -> bool:
        """Take what the probe has written since; whether there was anything."""
        data = self._trace.read()
        *lines, self._partial = (self._partial + data).split(b"\n")
        for line in lines:
            self._take(_decoder.decode(line))
        return bool(data)

    async def _follow(self) -> None:
        ran = True
        while True:
            if self.catch_up() or self.running != ran:
                ran = self.running
                self.ask_again()
            await asyncio.sleep(self.poll_s)

    def _take(self, line: _Line) -> None:
        if line.surface == EXCEPTION_PATH:
            self._paths[line.trial or ""].append(_step(line))
            return
        event = Event(
            t_ns=line.t,
            surface=line.surface,
            event=line.event,
            saw=line.saw,
            at=line.at,
            n=line.n,
            detail=line.detail,
        )
        if line.trial is None:
            self.unattributed_events.append(event)
        else:
            self._events[line.trial].append(event)

    def _environment(self) -> dict[str, str]:
        # Nothing that could configure a server or a framework comes in from outside.
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
        if self._followed:
            kept["HANGUP_TRACE_EXCEPTIONS"] = "1"
        return kept | {
            "HANGUP_APP": str(self.app),
            "HANGUP_LIFELINE": str(self._lifeline_file),
            "HANGUP_TRACE": str(self._trace_file),
            "PYTHONPATH": str(self.root),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
        }

    def kill(self) -> None:
        """Kill every process of the server."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, signal.SIGKILL)


def read_steps(data: bytes) -> list[Step]:
    """The steps on the paths of exceptions in the file of a probe."""
    lines = map(_decoder.decode, data.splitlines())
    return [_step(line) for line in lines if line.surface == EXCEPTION_PATH]


def _step(line: _Line) -> Step:
    return Step(
        event=line.event,
        n=line.n or 0,
        saw=line.saw or "",
        frame=line.frame,
        function=line.function,
        file=line.file,
        line=line.line,
        task=line.task,
        at=line.at,
        of=line.of,
        kinds=line.kinds,
    )


def _exceeds(measure: Callable[[], int], bound: int) -> bool:
    return measure() > bound


_given: set[int] = set()
"""The ports given out in this process: one may not have been bound yet."""


def _free_port() -> int:
    while True:
        port = random.choice(_PORTS)
        if port in _given:
            continue
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind((HOST, port))
            _given.add(port)
            return port
