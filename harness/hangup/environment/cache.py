"""The cache: environments and downloaded sources, which every run on this machine shares.

It is in the platform's cache directory, or in `HANGUP_HOME`; all of it can be made again. What
hangup has made there is marked by a `CACHEDIR.TAG` (https://bford.info/cachedir/).
"""

from __future__ import annotations

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import platformdirs

from hangup.errors import UserError
from hangup.files import locked, new_directory

_LOCK = "lock"
_TAG = "CACHEDIR.TAG"
_TAG_TEXT = (
    "Signature: 8a477f597d28d172789f06886806bc55\n"
    "# Made by hangup; `hangup cache --clear` removes this directory.\n"
)


def cache_directory() -> Path:
    """Where the cache is; it need not be there yet.

    Raises UserError if that depends on a home directory and there is none.
    """
    named = os.environ.get("HANGUP_HOME")
    try:
        path = (
            Path(named).expanduser().resolve() if named else platformdirs.user_cache_path("hangup")
        )
    except RuntimeError:
        path = Path()
    if not path.is_absolute():
        raise UserError(
            "There is no home directory to keep environments in; set HANGUP_HOME to a directory."
        )
    return path


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
def in_use(cache: Path, *, read_only: bool = False) -> Iterator[None]:
    """Keep the cache from being cleared; makes it if need be.

    With `read_only`, one that cannot be written is used all the same. Raises UserError if it is
    just being cleared, or cannot be made or written.
    """
    with ExitStack() as held:
        try:
            held.enter_context(locked(cache / _LOCK, shared=True))
            for directory in (environments(cache), sources(cache)):
                _make(directory)
        except BlockingIOError:
            raise UserError(f"{cache} is being cleared; try again in a moment.") from None
        except OSError as error:
            if not (read_only and error.errno in (errno.EACCES, errno.EROFS)):
                raise _unusable(cache, error) from None
        yield


def clear(cache: Path) -> list[Path]:
    """Remove what hangup has made in the cache; what is left of it, because it has not or cannot.

    Raises UserError while anything uses it, or if it cannot be written.
    """
    there = [path for path in (environments(cache), sources(cache)) if path.exists()]
    if not there:
        return []
    try:
        with locked(cache / _LOCK):
            for directory in there:
                if (directory / _TAG).exists():
                    shutil.rmtree(directory, ignore_errors=True)
    except BlockingIOError:
        raise UserError(
            f"A run is using {cache}; clear it when that has ended (`hangup cache --clear`)."
        ) from None
    except OSError as error:
        raise _unusable(cache, error) from None
    return [directory for directory in there if directory.exists()]


def _make(directory: Path) -> None:
    """Make a directory of the cache; one that is there is not ours unless it is marked."""
    if not directory.exists():
        with new_directory(directory) as made:
            made.mkdir()
            (made / _TAG).write_text(_TAG_TEXT)


def _unusable(cache: Path, error: OSError) -> UserError:
    return UserError(
        f"The cache {cache} cannot be made or written ({error.strerror}); set HANGUP_HOME to a "
        "directory that can."
    )
