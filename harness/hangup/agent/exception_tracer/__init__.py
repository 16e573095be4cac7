"""Trace exceptions through the frames of a server process: one trace line for each step.

The harness starts it in separate servers only, whose trials measure no time.

What is recorded
----------------
A step is something that happened to one exception object in one frame. It is a line of the
trace, on the surface `path`:

    {"surface": "path", "event": "handled", "n": 3, "saw": "CancelledError", "frame": 2,
     "function": "run_asgi", "file": "...", "line": 416, "task": "...", "t": ...}

`raised`
    The exception was raised in this frame: by its own code, by what it called, or because it was
    thrown in where the frame was suspended. Recorded once until the exception leaves the frame,
    so a `raise` in a handler adds nothing. `kinds` are the names of its class and base classes.
`handled`
    An `except`, a `finally` or a `with` of this frame caught it. The handler may raise it
    again, so this is its end in the frame only if no `left` follows.
`left`
    The frame ended with the exception. `at` is `task` where it was the outermost frame of a task.
`replaces`
    The exception was raised because of exception `of`. `at` says how that is known: it is the
    `cause` or the `context` of this one, or a `member` of this group. This comes before the
    other steps if it is known when the exception is first seen. It may also come after the
    first of them: what is thrown into a coroutine has no `__context__`, and that it replaces
    another exception shows only when it gets to a frame in which that one is being handled.
`cancelled-by`
    Before the exception's other steps: one frame of the call that cancelled the task or closed
    the generator, innermost first. It has a location and a task but no number.

`n` numbers the exception objects of the process in the order in which they were first seen.
`frame` numbers frames; a coroutine or generator that is resumed is still the same frame.
`task` is the running task, by its coroutine's name and a number: `run_asgi#4`.

What Python tells
-----------------
Python 3.12 and later have `sys.monitoring` (PEP 669), with an event for each of `raised`,
`handled` and `left` (`hangup.agent.exception_tracer.monitoring`). Python 3.11 has
`sys.settrace`, which has an event for `raised` alone; the other two are deduced from the lines
the frame executes and the way it ends (`hangup.agent.exception_tracer.tracing`).

A cancellation is delivered later than it was requested: `Task.cancel()` only sets a flag, and
the event loop then throws `CancelledError` into the coroutine. Its traceback does not lead back
to the request, so the frames of each call of `Task.cancel()` are kept with the task until the
`CancelledError` is raised (`hangup.agent.exception_tracer.cancellations`). `GeneratorExit` is
thrown in while `close()` is being called, so there the calling frames are on the stack.

An exception does not know which trial it belongs to, and most code it passes does not either.
Its steps are kept with it until it is raised in a frame of code that does know
(`hangup.agent.exception_tracer.paths`); then they are written, and later ones at once. Nothing
here refers to an exception or a frame, so tracing keeps no object alive.

What cannot be known
--------------------
- What C code does with an exception: it is last seen when it leaves a Python frame.
- Who cancelled a task if no Python code called `cancel()`, as with `call_soon(task.cancel)`.
  On Python 3.12 and later, calls made by one instruction are no longer monitored once it has
  called anything but a `cancel()`.
- Who else requested the same cancellation: only the first request is kept.
- When a frame ended that had handled an exception and then returned. A new frame with the same
  code at the same address gets its number, and if it is passed by the same exception, no
  second `raised` is recorded.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable
from pathlib import Path

from hangup.agent.exception_tracer import paths

if sys.version_info >= (3, 12):
    from hangup.agent.exception_tracer import monitoring as method
else:
    from hangup.agent.exception_tracer import tracing as method


def start(trial_aware: Iterable[Path]) -> None:
    """Trace exceptions from here on, in this thread and in those started later.

    `trial_aware` are the directories of the code that knows which trial it works for: its
    frames have a local variable `trial`, or run in the context of the trial's request.
    """
    paths.set_trial_aware(trial_aware)
    method.start()
