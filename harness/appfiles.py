"""The apps: what an app file says of itself in its PEP 723 block."""

from __future__ import annotations

import hashlib
import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from harness.errors import UserError


class About(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[tool.hangup]` of an app file's block."""

    title: str
    session: str
    """The nox session that runs it: its framework."""
    surfaces: tuple[str, ...] = ()
    """What it installs beyond what every app has: handlers, hooks, middleware ..."""
    lacks: tuple[str, ...] = ()
    """The capabilities it does not have, such as `sync`."""


class AppFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file in `apps/`."""

    id: str
    path: Path
    dependencies: tuple[str, ...]
    requires_python: str = ""
    """The Pythons it runs under, such as `>=3.11`; all, if it does not say."""
    about: About


class _Tools(msgspec.Struct, frozen=True):
    hangup: About


class _Block(msgspec.Struct, frozen=True, kw_only=True):
    requires_python: str = msgspec.field(name="requires-python", default="")
    dependencies: tuple[str, ...]
    tool: _Tools


def app_id(path: Path) -> str:
    """An app is called as its file is, with hyphens."""
    return path.stem.replace("_", "-")


def _script_blocks(text: str) -> Iterator[str]:
    """Every `# /// script` block's content; https://peps.python.org/pep-0723/."""
    block: list[str] | None = None
    for line in text.splitlines():
        if line == "# /// script":
            block = []
        elif block is not None and line == "# ///":
            yield "\n".join(block)
            block = None
        elif block is not None and line.startswith("#"):
            block.append(line[2:])
        else:
            block = None


def read_app(path: Path) -> AppFile:
    """Read an app file's block; raises UserError where there is none or it is wrong."""
    blocks = list(_script_blocks(path.read_text(encoding="utf-8")))
    if len(blocks) != 1:
        raise UserError(
            f"{path} has {len(blocks) or 'no'} `# /// script` blocks; an app declares its "
            "dependencies in exactly one (PEP 723)."
        )
    try:
        block = msgspec.convert(tomllib.loads(blocks[0]), _Block)
        SpecifierSet(block.requires_python)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError, InvalidSpecifier) as error:
        raise UserError(f"The `# /// script` block of {path} is wrong: {error}.") from None
    return AppFile(
        id=app_id(path),
        path=path,
        dependencies=block.dependencies,
        requires_python=block.requires_python,
        about=block.tool.hangup,
    )


def find_apps(directory: Path) -> dict[str, AppFile]:
    """All apps of a directory by id, the reference `bare` first."""
    apps = [read_app(path) for path in sorted(directory.glob("*.py"))]
    if not apps:
        raise UserError(
            f"There are no app files in {directory}; hangup works in a clone of its "
            "repository, installed with `pip install -e .`."
        )
    return {app.id: app for app in sorted(apps, key=lambda app: (app.id != "bare", app.id))}


def sources_hash(app: Path, shared: Path) -> str:
    """A hash of an app's file and of the package that all apps share."""
    digest = hashlib.sha256(app.read_bytes())
    for path in sorted(shared.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:16]
