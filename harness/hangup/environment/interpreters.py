"""The Pythons that servers are run under: found by version or path, wherever a user has them.

uv looks on the PATH and among those it has installed itself; those of pyenv are added to the
PATH, as pyenv's own commands on it fail for a version that is installed but not selected.
"""

from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from packaging.version import InvalidVersion, Version

from hangup.environment.commands import Completed, run_command, run_uv
from hangup.errors import UserError
from hangup.model.plan import Interpreter

_VERSION_SCRIPT = "import platform as p; print(p.python_implementation(), p.python_version())"


async def find_interpreter(wanted: str | None) -> Interpreter:
    """The Python of this version or at this path; None is the one that runs this.

    Raises UserError if there is none, it cannot be run, or it is not CPython: what is
    recorded of generators that are reclaimed rests on CPython.
    """
    if wanted is None:
        return await _interpreter(getattr(sys, "_base_executable", sys.executable))
    path = os.pathsep.join([os.environ.get("PATH", os.defpath), *map(str, pyenv_directories())])
    found = await run_uv(
        "python", "find", "--no-project", "--system", wanted, environment={"PATH": path}
    )
    if found.code != 0:
        raise UserError(f"No Python {wanted!r} was found; {_what_to_do(found)}.")
    return await _interpreter(found.stdout.strip())


def pyenv_directories() -> list[Path]:
    """The directories with the interpreters that pyenv has installed, the newest first."""
    try:
        root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    except RuntimeError:  # there is no home directory
        return []
    directories = [path.parent for path in root.glob("versions/*/bin/python")]
    return sorted(directories, key=lambda path: _version(path.parent.name), reverse=True)


def _version(name: str) -> tuple[Version, str]:
    """How names are sorted: what is no version, such as `pypy3.11-7.3.17`, as the oldest."""
    try:
        return Version(name), name
    except InvalidVersion:
        return Version("0"), name


def _what_to_do(failed: Completed) -> str:
    """The rest of a sentence: what to set, where pyenv has the command but not the version."""
    installed = re.search(r"exists in these Python versions:\s+(\S+)", failed.stderr)
    if installed:
        return (
            "the command of that name on the PATH is pyenv's and does not know which one to run: "
            f"set PYENV_VERSION={installed[1]}, or PYENV_ROOT to where pyenv's versions are"
        )
    return "give --python the path of an interpreter, or a version that is on the PATH"


async def _interpreter(path: str) -> Interpreter:
    try:
        done = await run_command(path, "-c", _VERSION_SCRIPT)
    except OSError as error:
        raise UserError(
            f"{path} cannot be run as a Python: {error.strerror}; give another --python."
        ) from None
    if done.code != 0:
        lines = done.stderr.strip().splitlines() or ["it printed nothing"]
        raise UserError(f"{path} cannot be run as a Python: {lines[-1]}; give another --python.")
    version = done.stdout.strip()
    if not version.startswith("CPython "):
        raise UserError(
            f"{path} is {version}; hangup measures CPython only, give another --python."
        )
    return Interpreter(path=path, version=version)
