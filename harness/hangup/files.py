"""Files and directories that nobody ever finds half made, and locks on them.

Several processes may write to one place at once: what is made is made beside its place and moved
there whole.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path


def write_whole(path: Path, data: bytes) -> None:
    """Put a file in its place whole, or leave what is there; makes its directory if need be."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(path)
    try:
        unfinished.write_bytes(data)
        unfinished.replace(path)
    except OSError as error:
        error.filename = str(path)  # which is what the caller has asked for
        raise
    finally:
        unfinished.unlink(missing_ok=True)


@contextmanager
def new_directory(path: Path) -> Iterator[Path]:
    """Make a directory whole: what the body puts into the one it is given is then at `path`.

    Whoever is first wins: if `path` has come to be there meanwhile, that one stays and what the
    body made is dropped. Nothing is left if the body raises. The body need not make the directory
    itself, only what is in it; it may leave the making of the directory to others.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = _beside(path)
    try:
        yield unfinished
        try:
            unfinished.rename(path)
        except OSError:  # it is there and not empty: ENOTEMPTY or EEXIST, as the system has it
            if not path.is_dir():
                raise
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)


def discard(path: Path) -> None:
    """Remove a directory, which is gone from its place at once."""
    aside = _beside(path)
    with suppress(FileNotFoundError):  # somebody else has done so
        path.rename(aside)
    shutil.rmtree(aside, ignore_errors=True)


@contextmanager
def locked(path: Path, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock on a file, which is made if need be; the system releases it with the process.

    Any number of processes may hold it `shared`. Raises BlockingIOError if somebody else holds it.
    """
    import fcntl  # not on Windows, where `hangup.environment.machine.check_platform` says so

    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
    try:
        fcntl.flock(descriptor, (fcntl.LOCK_SH if shared else fcntl.LOCK_EX) | fcntl.LOCK_NB)
        yield
    finally:
        os.close(descriptor)


def _beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
