"""Environments, made by uv and kept by what is in them, and released sources to read."""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path

from packaging.requirements import Requirement

from hangup.environment.commands import run_uv
from hangup.errors import UserError
from hangup.files import discard, new_directory, write_whole
from hangup.model.plan import Interpreter

_NO_SOLUTION = "No solution found"
"""What uv says when requirements exclude each other, or there is no such package."""


class IncompatibleError(UserError):
    """Packages that cannot be installed together under these constraints and this Python."""


async def resolve(
    requirements: tuple[str, ...],
    constraints: Path | None,
    interpreter: Interpreter,
    cache: Path,
) -> tuple[str, ...]:
    """Pin requirements and all they depend on, sorted, as `name==version`.

    Where the constraints pin every one of them, the answer can only ever be the same and is
    kept. Raises IncompatibleError with uv's reason if they exclude one another, UserError if
    uv could not find that out.
    """
    allowed = constraints.read_text() if constraints is not None else ""
    question = "\n".join([interpreter.version, platform.platform(), *requirements, allowed])
    kept = cache / f"{hashlib.sha256(question.encode()).hexdigest()[:16]}.txt"
    if kept.exists():
        return tuple(kept.read_text().splitlines())
    command = ["pip", "compile", "-", "--quiet", "--no-header", "--no-annotate"]
    command += ["--python", interpreter.path, "--no-emit-index-url"]
    if constraints is not None:
        command += ["--constraints", str(constraints)]
    done = await run_uv(*command, stdin="\n".join(requirements))
    if done.code != 0:
        kind = IncompatibleError if _NO_SOLUTION in done.stderr else UserError
        raise kind(f"{' '.join(requirements)} cannot be installed: {done.reason}")
    lines = (line.strip() for line in done.stdout.splitlines())
    pins = tuple(sorted(line for line in lines if line and not line.startswith(("#", "-"))))
    pinned = {line.partition(";")[0].strip() for line in allowed.splitlines()}
    if pinned.issuperset(pin.partition(";")[0].strip() for pin in pins):
        write_whole(kept, "\n".join(pins).encode())
    return pins


async def install(pins: tuple[str, ...], interpreter: Interpreter, cache: Path) -> Path:
    """Make the environment that holds exactly `pins`, if it is not there; return its Python.

    It is put in its place whole, so that one that is there is good, unless the interpreter it was
    made from is there no more: then it is made again. Raises UserError if a package cannot be
    installed.
    """
    content = "\n".join([interpreter.path, interpreter.version, platform.platform(), *pins])
    environment = cache / hashlib.sha256(content.encode()).hexdigest()[:16]
    python = environment / "bin" / "python"
    if python.exists():
        return python
    if environment.exists():
        discard(environment)
    with new_directory(environment) as unfinished:
        options = ["--quiet", "--no-project", "--python", interpreter.path]
        done = await run_uv("venv", *options, str(unfinished))
        if done.code == 0 and pins:
            options = ["--quiet", "--no-deps", "--python", str(unfinished)]
            done = await run_uv("pip", "install", *options, *pins)
        if done.code != 0:
            raise UserError(f"An environment cannot be made: {done.reason}")
    if not python.exists():
        raise UserError(
            f"{environment} has no Python that can be run; `hangup cache --clear` removes it, and "
            "the next run makes it again."
        )
    return python


async def fetch(release: str, python: str, cache: Path) -> Path:
    """The directory with the files of a release, `name==version`, downloaded if need be.

    They are those for the feature version `python`, which need not be there: they are for
    reading. Raises UserError if they cannot be downloaded.
    """
    files = cache / release.replace("==", "-")
    if files.exists():
        return files
    command = ["pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
    with new_directory(files) as unfinished:
        options = ["--python-version", python, "--target", str(unfinished), release]
        done = await run_uv(*command, *options)
        if done.code != 0:
            raise UserError(f"{release} cannot be downloaded: {done.reason}")
    return files


def versions_of(pins: tuple[str, ...]) -> dict[str, str]:
    """Name to version."""
    requirements = [Requirement(pin) for pin in pins]
    return {
        requirement.name: str(requirement.specifier).removeprefix("==")
        for requirement in requirements
    }
