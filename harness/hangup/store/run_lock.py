"""What a run keeps beside its results while it is under way: `RESULTS/.hangup/`.

It holds the journals of runs with their servers' logs (`hangup.store.journal`), and the lock by
which no two runs go into the same results. Git ignores it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from hangup.errors import UserError
from hangup.files import locked, write_whole

RUN_DIRECTORY = ".hangup"
_GITIGNORE = "# Made by hangup.\n*\n"


def check_writable(results: Path) -> None:
    """Raise UserError if a directory for results can neither be made nor written."""
    nearest = next(path for path in (results, *results.parents) if path.exists())
    if not nearest.is_dir() or not os.access(nearest, os.W_OK):
        raise UserError(f"{results} cannot be made or written; give another --results.")


def runs_directory(results: Path) -> Path:
    """Where the journals of runs into these results are."""
    return results / RUN_DIRECTORY / "runs"


@contextmanager
def only_run_into(results: Path) -> Iterator[Path]:
    """Be the only run into these results; the directory for its journal.

    Raises UserError if there is another one. The system ends this with the process.
    """
    directory = results / RUN_DIRECTORY
    with ExitStack() as held:
        try:
            held.enter_context(locked(directory / "lock"))
            ignore = directory / ".gitignore"
            if not ignore.exists():
                write_whole(ignore, _GITIGNORE.encode())
        except BlockingIOError:
            raise UserError(
                f"Another run into {results} is under way; wait for it, or give another --results."
            ) from None
        except OSError as error:
            raise UserError(
                f"{directory} cannot be made or written ({error.strerror}); give another --results."
            ) from None
        yield runs_directory(results)
