"""`hangup cache`: the environments and sources that are kept between runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.filesize import decimal

from hangup.cli.messages import print_message
from hangup.environment.cache import cache_directory, clear, size_bytes


def cache(
    empty: Annotated[
        bool, typer.Option("--clear", help="Remove everything in it; the next run makes it anew.")
    ] = False,
) -> None:
    """Show where environments and downloaded sources are kept, and how large they are.

    The directory is the platform's for caches; the environment variable HANGUP_HOME names
    another one.
    """
    directory = cache_directory()
    size = decimal(size_bytes(directory))
    if not empty:
        sys.stdout.write(f"{directory}\n{size}\n")
        return
    clear(directory)
    print_message(f"Removed {size} from {directory}.")
