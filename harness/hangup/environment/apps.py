"""The apps: what an app file says of itself in its PEP 723 block."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hangup.errors import UserError
from hangup.model.apps import REFERENCE, App, AppMetadata


class _Tools(msgspec.Struct, frozen=True):
    hangup: AppMetadata


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


def read_app(path: Path) -> App:
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
    return App(
        id=app_id(path),
        path=path,
        dependencies=block.dependencies,
        requires_python=block.requires_python,
        about=block.tool.hangup,
    )


def find_apps(directory: Path) -> dict[str, App]:
    """All apps of a directory by id, the reference `bare` first."""
    apps = [read_app(path) for path in sorted(directory.glob("*.py"))]
    if not apps:
        raise UserError(
            f"There are no app files in {directory}; hangup works in a clone of its "
            "repository, installed with `pip install -e .`."
        )
    return {app.id: app for app in sorted(apps, key=lambda app: (app.id != REFERENCE, app.id))}
