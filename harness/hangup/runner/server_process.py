"""One server process: started, ready, signalled, and gone afterwards with all it has started."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from hangup.errors import SubjectError, UserError
from hangup.model.process import ENDED, KILLED, PROCESS
from hangup.model.trace import COLLECTS, LOADED, Event
from hangup.model.vocabulary import Word
from hangup.runner.client import COLLECT_PATH, answers
from hangup.runner.ports import free_port, is_free
from hangup.runner.prepare import PreparedStack
from hangup.runner.process_tree import GONE_S, LIFELINE, ProcessTree
from hangup.runner.process_watch import ProcessWatch, lines_lost
from hangup.runner.signalling import Sending, signal_name
from hangup.runner.trace_tail import TraceTail

READY_S = 30.0
"""How long a server may take to answer its first request."""
POLL_S = 0.01
"""How often the agent's events are read; the times in it do not depend on this."""
_ASK_AGAIN_S = 0.02
"""How long to wait before a server that has not answered is asked again."""
_REPORT_S = 1.0
"""How long the agent's report of a request may take to be read; it is written before the answer."""
PORTS_TRIED = 5
"""How many ports are tried before it is given up that one of them stays free."""

GIVEN_UP_S = 1.0
"""A process that has not run for so long has disturbed its trial anyway."""
FULL_BYTES = 1 << 20
"""A disk with less space left is full."""

TRACE_FILE = "events.jsonl"
"""The agent's events, in a server's directory."""


class ServerProcess:
    """A server with an app; use it as an async context manager.

    Entering starts it on a free port and raises SubjectError if it does not get ready; leaving
    kills it and its descendants and waits until they are gone. `directory` is for its log and its
    trace, and for no other server's.
    """

    port: int
    """The port it listens on; there from the start of the process."""
    trace: TraceTail
    """What its agent has reported; there from the start of the process."""

    def __init__(
        self,
        stack: PreparedStack,
        directory: Path,
        *,
        poll_s: float = POLL_S,
        trace_exceptions: bool = False,
    ) -> None:
        self.stack = stack
        self.poll_s = poll_s
        self.trace_exceptions = trace_exceptions
        directory.mkdir(parents=True, exist_ok=True)
        self.directory = directory
        self.log_file = directory / "server.log"
        self._trace_file = directory / TRACE_FILE
        self._lifeline_file = directory / "lifeline"
        self._changed = asyncio.Event()
        self._signalled_ns: list[int] = []
        self._signals_sent: set[int] = set()
        self._another_answers = False
        """Whether what answers on its port is not this server, as far as its agent tells."""

    async def __aenter__(self) -> ServerProcess:
        os.mkfifo(self._lifeline_file)
        for _ in range(PORTS_TRIED):
            self.port = free_port()
            try:
                await self._start()
            except SubjectError as error:
                if not self._port_was_taken():
                    raise
                failure = error
            else:
                return self
        if is_free(self.port) and not self._another_answers:
            raise failure  # it is another port that the app wants and does not get
        raise UserError(
            f"Others took each of {PORTS_TRIED} free ports before {self.stack.name} could listen "
            "on it; see what listens from port 20000 on."
        )

    async def _start(self) -> None:
        self._another_answers = False
        self._trace_file.write_bytes(b"")
        with ExitStack() as opening:
            # Nobody else holds this end, so that it closes when the harness dies.
            lifeline = os.open(self._lifeline_file, os.O_RDWR)
            opening.callback(os.close, lifeline)
            log = opening.enter_context(self.log_file.open("wb"))
            self.trace = TraceTail(opening.enter_context(self._trace_file.open("rb", buffering=0)))
            self._process = await asyncio.create_subprocess_exec(
                self.stack.python,
                *self.stack.server.arguments(self.port),
                env=self._environment(),
                cwd=self.directory,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                start_new_session=True,
            )
            self._tree = ProcessTree(self._process.pid)
            self._watch = ProcessWatch(self.directory, self._process.pid)
            opening.callback(self._watch.close)
            self._files = opening.pop_all()
        self._following = asyncio.create_task(self._follow_trace())
        # Whoever waits for events hears of a fault in it at once.
        self._following.add_done_callback(lambda _: self.notify())
        try:
            await self._get_ready()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._files:
            self._tree.kill()
            self._following.cancel()
            ended = asyncio.create_task(self._process.wait())
            await asyncio.wait({self._following, ended}, timeout=GONE_S)
            ended.cancel()
            await self._tree.wait_until_gone()
            if not self._following.cancelled():  # it never ends but by a fault of ours
                self._following.result()

    @property
    def running(self) -> bool:
        """Whether the process the harness started is there."""
        return self._process.returncode is None

    @property
    def exit_code(self) -> int | None:
        """The exit code; negative for the signal that ended it."""
        return self._process.returncode

    def signal(self, sending: Sending, nth: int = 1) -> int:
        """Send a signal for the nth time, once for all trials; when that was, in ns.

        Raises ProcessLookupError if the process has ended.
        """
        if len(self._signalled_ns) < nth:
            now_ns = time.monotonic_ns()
            self._signals_sent.add(sending.number)
            if sending.to_group:
                os.killpg(self._process.pid, sending.number)  # it leads its group
            else:
                self._process.send_signal(sending.number)
            self._signalled_ns.append(now_ns)
        return self._signalled_ns[nth - 1]

    def kill(self) -> None:
        """Kill all its processes; leaving waits until they are gone."""
        self._tree.kill()

    async def exited(self) -> None:
        """Wait until the process has ended."""
        await self._process.wait()

    @property
    def lost_lines(self) -> int:
        """How many of its agent's lines are known not to have been written whole."""
        return max(self._watch.lost_lines, self.trace.damaged_lines)

    def process_events(self, since_ns: int, until_ns: int, lost_before: int) -> list[Event]:
        """What happened to its processes in this time, as events of a trial.

        `lost_before` is how many `lost_lines` there were at its beginning. Raises UserError if
        lines are lost because the disk is full.
        """
        self.trace.read()
        events = self._watch.events(since_ns, until_ns)
        if lost := self.lost_lines - lost_before:
            if shutil.disk_usage(self.directory).free < FULL_BYTES:
                raise UserError(
                    "A server could not write all of its events, because the disk is full: free "
                    "some space."
                )
            events.append(lines_lost(lost, until_ns))
        if self.exit_code is not None:
            events.append(self._end(self.exit_code, until_ns))
        return events

    def activity(self, since_ns: int, until_ns: int) -> Event | None:
        """What its processes did in this time, as an event; None if that is not known."""
        return self._watch.activity(since_ns, until_ns)

    def _end(self, code: int, at_ns: int) -> Event:
        if code < 0 and -code not in self._signals_sent:
            return Event(t_ns=at_ns, surface=PROCESS, event=KILLED, saw=signal_name(-code))
        return Event(
            t_ns=at_ns, surface=PROCESS, event=ENDED, n=code, detail=f"with exit code {code}"
        )

    def log_tail(self) -> str:
        """The last line of the server's log that is not blank."""
        lines = self.log_file.read_text(errors="replace").splitlines()
        written = [line.strip() for line in lines if line.strip()]
        return written[-1] if written else "its log is empty"

    async def wait_for(self, reached: Callable[[], bool], timeout_s: float) -> bool:
        """Whether `reached` became true in time; asked again whenever something was reported.

        Does not wait for what a process that has ended can no longer show.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not reached() and self.running:
                    if self._following.done():  # by a fault of ours
                        self._following.result()
                    await self._changed.wait()
        except TimeoutError:
            pass
        return reached()

    async def wait_for_quiet(self, trial: str, quiet_s: float, timeout_s: float) -> bool:
        """Whether nothing was reported of the trial for `quiet_s`, in time.

        That a process that does not run reports nothing is no quiet; but one that has not run for
        `GIVEN_UP_S` is not waited for.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while await self.wait_for(self._something_new_of(trial), quiet_s) or (
                    self.running and 0 < self._watch.paused_s() < GIVEN_UP_S
                ):
                    pass
        except TimeoutError:
            return False
        return True

    def notify(self) -> None:
        """Have `wait_for` ask again: something has changed, in the server or elsewhere."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _something_new_of(self, trial: str) -> Callable[[], bool]:
        known = len(self.trace.events_of(trial))
        return lambda: len(self.trace.events_of(trial)) > known

    async def _get_ready(self) -> None:
        ready = asyncio.create_task(self._answer())
        ended = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait({ready, ended}, timeout=READY_S, return_when=asyncio.FIRST_COMPLETED)
            if not self.running:
                code = self.exit_code or 0
                raise SubjectError(
                    Word.DISTURBED if code == -signal.SIGKILL else Word.FAILED_TO_START,
                    f"it ended with exit code {code}: {self.log_tail()}",
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
        await self.wait_for(lambda: self._reported(LOADED), READY_S)
        while not await answers(self.port, READY_S):
            await asyncio.sleep(_ASK_AGAIN_S)
        # It may be somebody else who answers on this port; our own agent tells.
        await answers(self.port, READY_S, COLLECT_PATH)
        if not await self.wait_for(lambda: self._reported(COLLECTS), _REPORT_S):
            self._another_answers = True
            raise SubjectError(Word.FAILED_TO_START, "another server answers on its port")

    def _port_was_taken(self) -> bool:
        """Whether it failed to start because somebody else has its port, or some port."""
        log = self.log_file.read_text(errors="replace").lower()
        return self._another_answers or "address already in use" in log

    def _reported(self, event: str) -> bool:
        return any(reported.event == event for reported in self.trace.unattributed_events)

    async def _follow_trace(self) -> None:
        ran = True
        while True:
            self._watch.sample()
            if self.trace.read() or self.running != ran:
                ran = self.running
                self.notify()
            await asyncio.sleep(self.poll_s)

    def _environment(self) -> dict[str, str]:
        # Nothing that could configure a server or a framework comes in from outside.
        kept = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
        if self.trace_exceptions:
            kept["HANGUP_TRACE_EXCEPTIONS"] = "1"
        if self.stack.variant_file is not None:
            kept["HANGUP_VARIANT"] = str(self.stack.variant_file)
        return kept | {
            "HANGUP_APP": str(self.stack.app_file),
            LIFELINE: str(self._lifeline_file),
            "HANGUP_PULSE": str(self.directory),
            "HANGUP_TRACE": str(self._trace_file),
            "PYTHONPATH": str(self.stack.staged),
            "PYTHONSAFEPATH": "1",
            "PYTHONUNBUFFERED": "1",
        }
