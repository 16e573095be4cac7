"""What a server is told to serve: `hangup.agent.main:app`.

The app file is named by `HANGUP_APP`; everything about it that is not the app itself
(the wrapper, the log watch, the lifeline) is added here.
"""

from __future__ import annotations

import importlib.util
import os
import signal
import sys
import threading
from contextlib import suppress
from pathlib import Path

from hangup.agent import exception_tracer, probe
from hangup.agent.boundary import App, Boundary, watch_log


def load(path: Path) -> App:
    """Import an app file by its path and return its `app`.

    By path and under a name of its own, because `apps/quart.py` must not stand in the
    way of `import quart`. Whatever the file raises is raised.
    """
    module_name = f"apps.{path.stem}"
    spec = importlib.util.spec_from_file_location(module_name, path)
    if spec is None or spec.loader is None:
        raise ImportError(f"{path.name} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[module_name] = module
    spec.loader.exec_module(module)
    app: App = module.app
    return app


def die_with_the_harness(lifeline: str) -> None:
    """End this process when the harness is gone, however it went.

    The harness holds the named pipe's writing end and writes nothing; reading from it
    returns when the harness is dead. This reaches every process of a server, and systems
    without PR_SET_PDEATHSIG.
    """

    def wait() -> None:
        try:
            pipe = os.open(lifeline, os.O_RDONLY | os.O_NONBLOCK)
            with suppress(BlockingIOError):  # the harness is there and says nothing
                if not os.read(pipe, 1):
                    raise ProcessLookupError
            os.set_blocking(pipe, True)
            os.read(pipe, 1)
        finally:
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=wait, name="hangup-lifeline", daemon=True).start()


if "HANGUP_LIFELINE" in os.environ:
    die_with_the_harness(os.environ["HANGUP_LIFELINE"])
watch_log()
_app_file = Path(os.environ["HANGUP_APP"])
app = Boundary(load(_app_file))
if "HANGUP_TRACE_EXCEPTIONS" in os.environ:
    exception_tracer.know_trials_in(Path(__file__).parent, _app_file.parent / "common")
    exception_tracer.start()
probe.record(None, "process", "loaded")
