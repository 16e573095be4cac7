"""A stream that is cut off when its process is told to end, so that it is cleaned up in time.

Servers that wait for open responses before they exit would wait for a stream without end. The
client can tell that its stream is not complete: `ShutdownError` is raised out of the stream, so
the server closes the connection without the last chunk. A browser's `EventSource` connects
again after that by itself, as it does after any end; others get an error. To say goodbye, catch
`ShutdownError` around this and yield a last event.

Only the main thread can handle signals: streams in the loop of another thread (in tests under
Starlette's `TestClient`, say) go on as if this were not here. So does a stream that begins after
the signal, when no other was open. A process that a signal would end at once, such as a worker of
Hypercorn's, is ended `GRACE_S` after it, or at once by a second one.
"""

from __future__ import annotations

import asyncio
import logging
import signal
import threading
from collections.abc import AsyncGenerator
from types import FrameType
from typing import Any, TypeVar

import anyio

T = TypeVar("T")
Source = AsyncGenerator[T, None]

SIGNALS = (signal.SIGTERM, signal.SIGINT)
GRACE_S = 5.0
"""How long a process that has no handler for a signal is kept when it gets it."""
DEADLINE_S = 5.0
"""How long closing the source may take before it is cancelled."""
logger = logging.getLogger(__name__)


class ShutdownError(Exception):
    """The process was told to end while the stream was open."""


class Watch:
    """The signal handlers of an event loop while it has open streams, and what those await."""

    def __init__(self) -> None:
        self.loop = asyncio.get_running_loop()
        self.streams = 0
        self.waits: set[asyncio.Timeout] = set()
        self.stopping = False
        self.handlers: dict[int, Any] = {}

    def begin(self) -> None:
        """Count one more stream; with the first, put a handler before those there are."""
        self.streams += 1
        if self.streams > 1 or threading.current_thread() is not threading.main_thread():
            return
        for loop, watch in tuple(watches.items()):
            if loop.is_closed():  # before its streams were
                watch.restore()
        for number in SIGNALS:
            previous = signal.getsignal(number)
            if previous not in (signal.SIG_IGN, None):  # None: it is not Python's
                self.handlers[number] = previous
                signal.signal(number, self.on_signal)

    def end(self) -> None:
        """Count one stream less; with the last, restore the handlers."""
        self.streams -= 1
        if not self.streams:
            self.restore()

    def restore(self) -> None:
        """Restore the handlers that were there, and forget the event loop."""
        watches.pop(self.loop, None)
        for number, previous in self.handlers.items():
            if signal.getsignal(number) == self.on_signal:  # nobody has replaced it since
                signal.signal(number, previous)

    def on_signal(self, number: int, frame: FrameType | None) -> None:
        """Have the streams end, and the server do what it does."""
        if not self.loop.is_closed():
            self.loop.call_soon_threadsafe(self.stop)
        handle = self.handlers[number]
        if callable(handle):
            handle(number, frame)
            return
        # The next one ends the process, be it a timer's: the event loop may be blocked.
        signal.signal(number, signal.SIG_DFL)
        self.streams += 1  # for the rest of the process: no stream may put the handler back
        timer = threading.Timer(GRACE_S, signal.raise_signal, (number,))
        timer.daemon = True
        timer.start()

    def stop(self) -> None:
        """Let what streams await expire; those that are suspended at a `yield` look later."""
        if not self.stopping:
            self.stopping = True
            for wait in self.waits:
                wait.reschedule(self.loop.time())


watches: dict[asyncio.AbstractEventLoop, Watch] = {}
"""The watch of each event loop that has open streams."""


async def until_shutdown(source: Source[T]) -> Source[T]:
    """Yield what the source does; raise ShutdownError at SIGTERM or SIGINT.

    It goes directly around the source; the recipe that cleans up goes around it.
    """
    watch = watches.setdefault(asyncio.get_running_loop(), Watch())
    watch.begin()
    try:
        while not watch.stopping:
            try:
                # Around the `await` alone: no timeout may be entered across a `yield`.
                async with asyncio.timeout(None) as wait:
                    watch.waits.add(wait)
                    item = await anext(source)
            except StopAsyncIteration:
                return
            except TimeoutError:
                if not wait.expired():  # it is the source's own
                    raise
                break
            finally:
                watch.waits.discard(wait)
            yield item
        raise ShutdownError
    finally:
        watch.end()
        try:
            with anyio.fail_after(DEADLINE_S, shield=True):
                await source.aclose()
        except Exception:
            logger.exception("The source of a stream could not be closed.")
