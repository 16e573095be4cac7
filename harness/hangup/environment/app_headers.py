"""The headers of app files: `# /// script` blocks with TOML in them (PEP 723).

Standard library only: the noxfile reads headers too, and has nothing of the harness installed.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path, PurePath
from typing import Any


class HeaderError(ValueError):
    """A file without exactly one block, or with one that is not TOML; says what is wrong."""


def read_header(path: Path) -> dict[str, Any]:
    """The table in a file's only `script` block; raises HeaderError if there is not one."""
    blocks = list(_script_blocks(path.read_text(encoding="utf-8")))
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


def app_ids_by_session(directory: Path) -> dict[str, list[str]]:
    """The apps of a directory by the nox session that runs them, both sorted.

    Raises HeaderError for a file that does not say.
    """
    sessions: dict[str, list[str]] = {}
    for path in sorted(directory.glob("*.py")):
        try:
            session = read_header(path)["tool"]["hangup"]["session"]
        except (KeyError, TypeError):
            raise HeaderError(f"The `# /// script` block of {path} names no session.") from None
        sessions.setdefault(session, []).append(app_id(path))
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
