"""Running uv, which makes environments, resolves requirements and finds interpreters."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
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
        told = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
        return " ".join(told)[:400] or "uv gave no reason."


async def run_uv(
    *arguments: str, stdin: str = "", environment: Mapping[str, str] = _NO_VALUES
) -> Completed:
    """Run uv to its end, with `environment` over the variables of this process.

    It never downloads an interpreter.
    """
    process = await asyncio.create_subprocess_exec(
        uv.find_uv_bin(),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never", **environment},
    )
    try:
        stdout, stderr = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Completed(process.returncode or 0, stdout.decode(), stderr.decode())
