"""What is recorded of a server's process, and of the harness's own, beside what surfaces saw.

They are events of a trial, on one of two surfaces that nothing is concluded from but whether the
trial can be trusted (`hangup.analysis.disturbance`). `n` is a number of what each event says,
`detail` the same for people.
"""

from __future__ import annotations

PROCESS = "process"
"""The surface of what happened to a process of the server."""
HARNESS = "harness"
"""The surface of what happened to the harness's own process."""

PAUSED = "paused"
"""A process was there and did not run, though it was due to: `n` is for how many milliseconds. What
it used of the processor meanwhile is not counted."""
STOPPED = "stopped"
"""As `PAUSED`, by a signal that stops processes: it was seen in that state."""
LINES_LOST = "lines lost"
"""So many lines of the trace (`n`) could not be written whole."""
ENDED = "ended"
"""The server's process ended by itself, or by a signal that the harness had sent: `n` is its exit
code, negative for a signal."""
KILLED = "killed"
"""The server's process was ended by a signal that the harness had not sent, which `saw` names."""
WORKER_VANISHED = "worker vanished"
"""A process that serves the app, and that the harness has not started itself, ended without the
interpreter's being ended in order: by a signal, whoever has sent it, or by `os._exit`."""
SPINNING = "spinning"
"""What a process did that owed something: it was runnable most of the time."""
SLEEPING = "sleeping"
"""What a process did that owed something: it mostly waited."""

CRASHES = frozenset({"SIGABRT", "SIGBUS", "SIGFPE", "SIGILL", "SIGSEGV", "SIGSYS", "SIGTRAP"})
"""The signals that a process is sent for what it does itself."""
