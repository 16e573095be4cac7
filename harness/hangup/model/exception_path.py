"""The path of an exception as data: the steps that the tracer records, and what they amount to.

Steps are recorded in the server (`hangup.agent.exception_tracer`); `hangup.analysis.exception_path`
makes paths of them.
"""

from __future__ import annotations

from enum import StrEnum
from itertools import groupby

import msgspec

SITE_PACKAGES = "site-packages/"
"""What the recorded path of an installed file begins with."""
APPS = "apps/"
"""What the recorded path of an app's code begins with."""
AGENT = "hangup/agent/"
"""What the recorded path of the agent's code begins with."""
STREAM_CODE = ("apps/common/", "apps/recipes/", "apps/subject/")
"""The code that every app shares: the stream and its source. In results of format 1 it was in
`apps/subject/`, together with the agent."""
WRAPPER_FILES = frozenset({"hangup/agent/boundary.py", "apps/subject/boundary.py"})
"""The agent's outermost ASGI wrapper, in the places where it was recorded."""


class Step(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """One step of an exception; `hangup.agent.exception_tracer` says what each field means."""

    event: str
    n: int
    """Which of the process's exceptions."""
    saw: str
    frame: int = 0
    function: str = ""
    file: str = ""
    """Below `site-packages/`, the standard library's `python3.x/` or the repository."""
    line: int = 0
    task: str | None = None
    at: str | None = None
    of: int | None = None
    kinds: tuple[str, ...] = ()
    """The names of its class and the classes above that."""
    handler: str | None = None
    """What has handled it: `except`, `finally` or `with`, and of what."""
    handler_line: int | None = None
    """The line of that."""


class Disposition(StrEnum):
    """What became of an exception in a frame it was raised in."""

    PASSED = "passed"
    """It left the frame as it was."""
    REPLACED = "replaced"
    """The frame was left by another exception, raised on account of it."""
    RERAISED = "re-raised elsewhere"
    """A handler caught it and it was raised again elsewhere: in the task that waited, say."""
    GROUPED = "put into a group"
    """It ended its task, and was raised elsewhere as a member of a group."""
    HANDLED = "handled"
    """A handler caught it and the frame went on."""
    ENDED_TASK = "ended its task"
    """It left the outermost frame of a task, and nobody raised it again."""
    ENDED_CLOSE = "ended the close()"
    """It left the generator it was thrown into; `close()` swallows it."""
    LEFT_PYTHON = "left Python code"
    """It left a frame that was not called by Python code; who caught it is not known."""


FINAL = frozenset(
    {
        Disposition.HANDLED,
        Disposition.ENDED_TASK,
        Disposition.ENDED_CLOSE,
        Disposition.LEFT_PYTHON,
    }
)
"""The dispositions that end a path."""


class Location(msgspec.Struct, frozen=True, kw_only=True):
    """A line of code that was being executed."""

    function: str
    file: str
    line: int


class Frame(msgspec.Struct, frozen=True, kw_only=True):
    """An exception in one frame: where it was raised there and what became of it."""

    exception: int
    saw: str
    location: Location
    task: str | None
    """The task this happened in, its coroutine and a number; None outside of tasks."""
    disposition: Disposition
    handler: str | None = None
    """The handler that caught it last: `except`, `finally` or `with`, and of what."""
    handler_line: int | None = None


class ExceptionPath(msgspec.Struct, frozen=True, kw_only=True):
    """The path of an exception and of those it led to."""

    cancelled_by: tuple[Location, ...]
    """The call to `cancel()` or `close()` it comes from, innermost frame first; empty where it
    was raised by running code."""
    cancelled_in: str | None
    """The task in which that call was made; None outside of tasks."""
    frames: tuple[Frame, ...]

    @property
    def raised_in(self) -> Frame:
        """Where it was raised first."""
        return self.frames[0]

    @property
    def end(self) -> Frame:
        """The last frame it was in."""
        return self.frames[-1]

    @property
    def names(self) -> tuple[str, ...]:
        """What it was and became, in order."""
        return tuple(saw for saw, _ in groupby(frame.saw for frame in self.frames))


def coroutine(task: str) -> str:
    """The coroutine of a task, without the number that tells it from others."""
    return task.partition("#")[0]
