"""No process of a server outlives the harness, however the harness ended."""

from __future__ import annotations

import os
import signal
import threading
from contextlib import suppress


def kill_process_when_harness_ends(pipe: str) -> None:
    """Kill this process as soon as the harness no longer has the named pipe `pipe` open.

    The harness holds the writing end and writes nothing, so that reading returns only when it
    has ended. This works in every process of a server, and on systems without Linux's
    PR_SET_PDEATHSIG.
    """

    def wait() -> None:
        try:
            descriptor = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
            with suppress(BlockingIOError):  # the harness has it open
                if not os.read(descriptor, 1):
                    return
            os.set_blocking(descriptor, True)
            os.read(descriptor, 1)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="hangup-lifeline", daemon=True).start()
