"""Version sets: what an app on a server is installed with, and which apps a set cannot hold.

A version set is a file of constraints, `NAME.txt`, compiled from `NAME.in`; `latest` is the one
that has none. A line `# requires-python = "..."` in `NAME.in` says which Pythons it is for.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from pathlib import Path

from packaging.specifiers import SpecifierSet

from hangup.environment import machine
from hangup.environment.built_in import built_in_version_sets
from hangup.environment.installations import IncompatibleError, resolve
from hangup.model.apps import App
from hangup.model.plan import Interpreter
from hangup.model.servers import Server

LATEST = "latest"
"""The version set without pins."""
_REQUIRES_PYTHON = re.compile(r'^# requires-python = "(.+)"$', re.MULTILINE)


def version_sets() -> dict[str, str]:
    """The version sets there are, with what each is."""
    pinned = sorted(built_in_version_sets().glob("*.txt"))
    return {
        LATEST: "whatever the package index has",
        **{path.stem: f"pinned in {path.name}{_for_python(path.stem)}" for path in pinned},
    }


def _for_python(versions: str) -> str:
    needed = required_python(versions)
    return f", for Python {needed}" if needed else ""


def required_python(versions: str) -> SpecifierSet:
    """The Pythons that a version set is for; those of every version if it does not say."""
    source = built_in_version_sets() / f"{versions}.in"
    found = _REQUIRES_PYTHON.search(source.read_text()) if source.exists() else None
    return SpecifierSet(found[1] if found else "")


def check_python(versions: str, interpreter: Interpreter) -> None:
    """Raise IncompatibleError if a version set is not for this Python."""
    _check_python(f"The version set {versions}", required_python(versions), interpreter)


def _check_python(what: str, needed: SpecifierSet, interpreter: Interpreter) -> None:
    if not needed.contains(interpreter.number, prereleases=True):
        raise IncompatibleError(
            f"{what} needs Python {needed}, and the servers' Python is {interpreter.number}; "
            "--python names another."
        )


def constraints_of(versions: str) -> Path | None:
    """The file with the pins of a version set; None for `LATEST`, which has none."""
    return None if versions == LATEST else built_in_version_sets() / f"{versions}.txt"


async def pins_of(
    app: App, server: Server, constraints: Path | None, interpreter: Interpreter, cache: Path
) -> tuple[str, ...]:
    """Everything that an app on a server is installed with.

    Raises IncompatibleError if that cannot be installed under these constraints and this Python.
    """
    _check_python(app.id, SpecifierSet(app.requires_python), interpreter)
    return await resolve(app.dependencies + server.requirements, constraints, interpreter, cache)


async def unsupported_stacks(
    stacks: Iterable[tuple[App, Server]],
    constraints: Path | None,
    interpreter: Interpreter,
    cache: Path,
) -> dict[tuple[str, str], str]:
    """Why an app cannot be installed with a server, by their ids, for those that cannot.

    Raises UserError if uv could not tell, for want of the package index for example.
    """
    limit = asyncio.Semaphore(machine.cores())

    async def why_not(app: App, server: Server) -> tuple[tuple[str, str], str] | None:
        async with limit:
            try:
                await pins_of(app, server, constraints, interpreter, cache)
            except IncompatibleError as error:
                return (app.id, server.id), str(error)
        return None

    async with asyncio.TaskGroup() as group:
        asked = [group.create_task(why_not(*stack)) for stack in stacks]
    return dict(answer for task in asked if (answer := task.result()) is not None)
