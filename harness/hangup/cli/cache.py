"""`hangup cache`: the environments and sources that are kept between runs."""

from __future__ import annotations

import sys
from typing import Annotated

import typer
from rich.filesize import decimal

from hangup.cli.messages import displayed, print_message
from hangup.environment.cache import cache_directory, clear, size_bytes


def cache(
    empty: Annotated[
        bool,
        typer.Option("--clear", help="Remove what hangup has made; the next run makes it anew."),
    ] = False,
) -> None:
    """Show where environments and downloaded sources are kept, and how large they are.

    The directory is the platform's for caches; the environment variable HANGUP_HOME names
    another one.
    """
    directory = cache_directory()
    size = size_bytes(directory)
    if not empty:
        sys.stdout.write(f"{directory}\n{decimal(size)}\n")
        return
    left = clear(directory)
    print_message(f"Removed from the cache: {decimal(size - size_bytes(directory))}")
    for path in left:
        print_message(f"Left, as hangup did not make it or cannot remove it: {displayed(path)}")
