"""Running commands: uv, which makes environments, resolves and finds, and interpreters.

Each has a process group of its own, so that Ctrl-C is for hangup alone, which then ends them.
"""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Mapping
from contextlib import suppress
from typing import NamedTuple

import uv

_NO_VALUES: Mapping[str, str] = {}


class Completed(NamedTuple):
    """What came of a command."""

    code: int
    stdout: str
    stderr: str

    @property
    def reason(self) -> str:
        """What uv gives as its reason for failing, in one line."""
        lines = [line.strip(" ×╰─▶│└├") for line in self.stderr.splitlines()]  # noqa: RUF001
        reasons = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
        return " ".join(reasons)[:400] or "uv gave no reason."


async def run_uv(
    *arguments: str, stdin: str = "", environment: Mapping[str, str] = _NO_VALUES
) -> Completed:
    """Run uv to its end, with `environment` over the variables of this process.

    It never downloads an interpreter.
    """
    settings = {"NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"}
    return await run_command(
        uv.find_uv_bin(), *arguments, stdin=stdin, environment={**settings, **environment}
    )


async def run_command(
    *command: str, stdin: str = "", environment: Mapping[str, str] = _NO_VALUES
) -> Completed:
    """Run a command to its end, with `environment` over the variables of this process.

    Whoever cancels this ends the command with all it has started. Raises OSError if it cannot be
    run.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
        process_group=0,
    )
    try:
        stdout, stderr = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError, PermissionError):  # it has ended just now
                os.killpg(process.pid, signal.SIGKILL)
            await process.wait()
    return Completed(
        process.returncode or 0,
        stdout.decode(errors="replace"),
        stderr.decode(errors="replace"),
    )
