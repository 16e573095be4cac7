"""The headers of app files: `# /// script` blocks with TOML in them (PEP 723).

Standard library only: the noxfile reads headers too, and has nothing of the harness installed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any


class HeaderError(ValueError):
    """A file that cannot be read, or has not exactly one block of TOML; says what is wrong."""


def read_header(path: Path) -> dict[str, Any]:
    """The table in a file's only `script` block; raises HeaderError if there is not one."""
    try:
        blocks = list(_script_blocks(path.read_text(encoding="utf-8")))
    except OSError as error:
        raise HeaderError(f"{path} cannot be read: {error.strerror}.") from None
    except UnicodeDecodeError as error:
        raise HeaderError(f"{path} is not UTF-8: {error.reason} in byte {error.start}.") from None
    if len(blocks) != 1:
        raise HeaderError(
            f"{path} has {len(blocks) or 'no'} `# /// script` blocks; an app declares its "
            "dependencies in exactly one (PEP 723)."
        )
    try:
        return tomllib.loads(blocks[0])
    except tomllib.TOMLDecodeError as error:
        raise HeaderError(f"The `# /// script` block of {path} is wrong: {error}.") from None


def app_id(path: PurePath) -> str:
    """The id of an app: its file's name, with hyphens."""
    return path.stem.replace("_", "-")


def app_files(directory: Path) -> list[Path]:
    """The app files of a directory, sorted: its modules that are neither helpers nor tests'."""
    return [
        path
        for path in sorted(directory.glob("*.py"))
        if not path.name.startswith("_") and path.name != "conftest.py"
    ]


def helper_modules(directory: Path) -> list[Path]:
    """The modules of a directory that are for its app files to import: `_name.py`, sorted."""
    return [path for path in sorted(directory.glob("_*.py")) if path.name != "__init__.py"]


def app_ids_by_session(directory: Path) -> dict[str, list[str]]:
    """The apps of a directory and their variants by the nox session that runs them, both sorted.

    Raises HeaderError for a file that does not say.
    """
    sessions: dict[str, list[str]] = {}
    for path in app_files(directory):
        try:
            about = read_header(path)["tool"]["hangup"]
            session = about["session"]
        except (KeyError, TypeError):
            raise HeaderError(f"The `# /// script` block of {path} names no session.") from None
        app = app_id(path)
        # As `hangup.model.variants` has it, which the noxfile cannot import.
        variants = (f"{app}+{name.rpartition('/')[2]}" for name in about.get("variants", ()))
        sessions.setdefault(session, []).extend([app, *variants])
    return dict(sorted(sessions.items()))


def _script_blocks(text: str) -> Iterator[str]:
    """The content of every `script` block; https://peps.python.org/pep-0723/."""
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
