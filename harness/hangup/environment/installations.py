"""The subjects' environments: made by uv, cached by what is in them."""

from __future__ import annotations

import asyncio
import hashlib
import os
import platform
import secrets
import shutil
import sys
from pathlib import Path

import uv
from packaging.requirements import Requirement

from hangup.errors import UserError
from hangup.model.plan import Interpreter

_NO_SOLUTION = "No solution found"
"""What uv says when requirements exclude each other, or there is no such package."""


class IncompatibleError(UserError):
    """Packages that cannot be had together under these constraints and this Python."""


async def find_interpreter(wanted: str | None) -> Interpreter:
    """The Python asked for by version or path; None is the one that runs this.

    Raises UserError if there is none.
    """
    if wanted is None:
        path = getattr(sys, "_base_executable", sys.executable)
    else:
        found, output = await _uv("python", "find", "--no-project", "--system", wanted)
        if found != 0:
            raise UserError(
                f"No Python {wanted!r} was found; give --python the path of an interpreter, "
                "or a version that is on the PATH."
            )
        path = output.strip().splitlines()[-1]
    script = "import platform as p; print(p.python_implementation(), p.python_version())"
    process = await asyncio.create_subprocess_exec(
        path, "-c", script, stdout=asyncio.subprocess.PIPE
    )
    stdout, _ = await process.communicate()
    return Interpreter(path=path, version=stdout.decode().strip())


async def resolve(
    requirements: tuple[str, ...],
    constraints: Path | None,
    interpreter: Interpreter,
    cache: Path,
) -> tuple[str, ...]:
    """Pin requirements and all they depend on, sorted, as `name==version`.

    Where the constraints pin every one of them, the answer can only ever be the same and is
    kept. Raises IncompatibleError with uv's reason if they cannot be had together, UserError if
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
    code, output = await _uv(*command, stdin="\n".join(requirements))
    if code != 0:
        kind = IncompatibleError if _NO_SOLUTION in output else UserError
        raise kind(f"{' '.join(requirements)} cannot be installed: {_reason(output)}")
    lines = (line.strip() for line in output.splitlines())
    pins = tuple(sorted(line for line in lines if line and not line.startswith(("#", "-"))))
    pinned = {line.partition(";")[0].strip() for line in allowed.splitlines()}
    if pinned.issuperset(pin.partition(";")[0].strip() for pin in pins):
        cache.mkdir(parents=True, exist_ok=True)
        making = kept.with_suffix(f".{os.getpid()}")
        making.write_text("\n".join(pins))
        making.replace(kept)
    return pins


async def install(pins: tuple[str, ...], interpreter: Interpreter, cache: Path) -> Path:
    """Make the environment that holds exactly `pins`, if it is not there; return its Python.

    It is made beside its place and moved there whole, so that one that is there is good.
    Raises UserError if a package cannot be installed.
    """
    content = "\n".join([interpreter.path, interpreter.version, platform.platform(), *pins])
    place = cache / hashlib.sha256(content.encode()).hexdigest()[:16]
    python = place / "bin" / "python"
    if python.exists():
        return python
    making = cache / f"{place.name}.{secrets.token_hex(4)}"
    try:
        code, output = await _uv(
            "venv", "--quiet", "--no-project", "--python", interpreter.path, str(making)
        )
        if code == 0 and pins:
            code, output = await _uv(
                "pip", "install", "--quiet", "--no-deps", "--python", str(making), *pins
            )
        if code != 0:
            raise UserError(f"An environment cannot be made: {_reason(output)}")
        try:
            making.rename(place)
        except OSError:  # another harness, or another app that is given the same, was faster
            if not python.exists():
                raise
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return python


async def fetch(release: str, python: str, kept: Path) -> Path:
    """The directory with the files of a release, `name==version`, fetched if need be.

    They are those for the feature version `python`, which need not be there: they are for
    reading. Raises UserError if they cannot be had.
    """
    place = kept / release.replace("==", "-")
    if place.exists():
        return place
    making = kept / f"{place.name}.{secrets.token_hex(4)}"
    try:
        command = ["pip", "install", "--quiet", "--no-deps", "--only-binary", ":all:"]
        command += ["--python-version", python, "--target", str(making), release]
        code, output = await _uv(*command)
        if code != 0:
            raise UserError(f"{release} cannot be had: {_reason(output)}")
        making.rename(place)
    finally:
        shutil.rmtree(making, ignore_errors=True)
    return place


def versions_of(pins: tuple[str, ...]) -> dict[str, str]:
    """Name to version."""
    requirements = [Requirement(pin) for pin in pins]
    return {each.name: str(each.specifier).removeprefix("==") for each in requirements}


async def _uv(*arguments: str, stdin: str = "") -> tuple[int, str]:
    """Run uv; its exit code and what it printed."""
    process = await asyncio.create_subprocess_exec(
        uv.find_uv_bin(),
        *arguments,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env=os.environ | {"NO_COLOR": "1", "UV_PYTHON_DOWNLOADS": "never"},
    )
    try:
        stdout, _ = await process.communicate(stdin.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode or 0, stdout.decode()


def _reason(output: str) -> str:
    """What uv gives as its reason, in one line."""
    lines = [line.strip(" ×╰─▶│└├") for line in output.splitlines()]  # noqa: RUF001
    said = [line for line in lines if line and not line.startswith(("hint:", "warning:"))]
    return " ".join(said)[:400] or "uv gave no reason."
