"""What is recorded of messages and file names: nothing that tells whose machine it was.

A run's directory, the cache and the home directory of whoever runs hangup are taken out, and so are
the addresses of a process.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from pathlib import Path

from hangup.environment.cache import cache_directory
from hangup.errors import UserError

MESSAGE = 300
"""How many characters of a message are kept at most."""


def scrub(text: str, staged: Path) -> str:
    """Shorten a message, and take a machine's paths and a process's addresses out of it.

    `staged` is the staged directory, in the run's: what is below either is named from there on.
    """
    return _scrub(text, _private_directories(staged))


def scrub_file(file: str, staged: Path) -> str:
    """The file of a line of code: below `site-packages/`, `python3.x/` or the staged directory."""
    found = re.fullmatch(r".*/(site-packages/.*)", file) or re.fullmatch(
        r".*/lib/(python3\.\d+/.*)", file
    )
    if found:
        return found[1]
    path = Path(file)
    return str(path.relative_to(staged)) if path.is_relative_to(staged) else path.name


@lru_cache(maxsize=10_000)
def _scrub(text: str, private: tuple[tuple[str, str], ...]) -> str:
    text = re.sub(r" by <Task .*", "", text)  # AnyIO says who cancelled, with paths
    for directory, instead in private:
        name = rf"(?<![\w.-]){re.escape(directory)}"
        text = re.sub(rf"{name}/", f"{instead}/" if instead else "", text)
        text = re.sub(rf"{name}(?![\w-]|\.\w)", instead or ".", text)
    text = re.sub(r"[^\s'\"]*/site-packages/", "site-packages/", text)
    text = re.sub(r"[^\s'\"]*/lib/(python3\.\d+)/", r"\1/", text)
    return re.sub(r"\b(0x)?[0-9a-f]{8,}\b", "…", text)[:MESSAGE]


@lru_cache
def _private_directories(staged: Path) -> tuple[tuple[str, str], ...]:
    """The directories that are not named in records, the longest first, with what is instead."""
    named = {staged: "", staged.parent: ""}
    with suppress(UserError):
        named[cache_directory()] = "CACHE"
    with suppress(RuntimeError):  # there may be no home directory
        named[Path.home()] = "~"
    paths = {
        str(path): instead
        for directory, instead in reversed(named.items())
        for path in (directory, directory.resolve())
        if len(path.parts) > 1
    }
    return tuple(sorted(paths.items(), key=lambda item: -len(item[0])))
