"""The cache: environments and downloaded sources, which every run on this machine shares.

It is in the platform's cache directory, or in `HANGUP_HOME`; all of it can be made again.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import platformdirs

from hangup.errors import UserError
from hangup.files import locked

_LOCK = "lock"


def cache_directory() -> Path:
    """Where the cache is; it need not be there yet."""
    home = os.environ.get("HANGUP_HOME")
    return Path(home).resolve() if home else platformdirs.user_cache_path("hangup")


def environments(cache: Path) -> Path:
    """Where the environments are in a cache."""
    return cache / "environments"


def sources(cache: Path) -> Path:
    """Where the downloaded sources are in a cache."""
    return cache / "sources"


def size_bytes(cache: Path) -> int:
    """How much the files in a cache hold; those that are linked to several times count once."""
    sizes = {}
    for directory, _, names in os.walk(cache):
        for name in names:
            try:
                status = os.lstat(os.path.join(directory, name))  # noqa: PTH118 (many files)
            except FileNotFoundError:  # something is being made there
                continue
            sizes[status.st_dev, status.st_ino] = status.st_size
    return sum(sizes.values())


@contextmanager
def in_use(cache: Path) -> Iterator[None]:
    """Keep the cache from being cleared; raises UserError if it is just being cleared."""
    with ExitStack() as held:
        try:
            held.enter_context(locked(cache / _LOCK, shared=True))
        except BlockingIOError:
            raise UserError(f"{cache} is being cleared; try again in a moment.") from None
        yield


def clear(cache: Path) -> None:
    """Remove all that is in the cache; raises UserError while anything uses it."""
    if not cache.exists():
        return
    try:
        with locked(cache / _LOCK):
            for directory in (environments(cache), sources(cache)):
                shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:
        raise UserError(
            f"A run is using {cache}; clear it when that has ended (`hangup cache --clear`)."
        ) from None
