"""What is printed beside a command's output: on standard error, a sentence at a time.

Colours are left out where standard error is not a terminal, and where `NO_COLOR` is set.
"""

from __future__ import annotations

from pathlib import Path

from rich.console import Console

console = Console(stderr=True)


def print_message(text: str, style: str | None = None) -> None:
    """Print a sentence as it is: not wrapped, and with nothing in it taken for markup."""
    console.print(text, style=style, soft_wrap=True, highlight=False, markup=False)


def displayed(path: Path) -> str:
    """A path as a user would type it: relative to the current directory if it is below it."""
    here = Path.cwd()
    return str(path.relative_to(here) if path.is_relative_to(here) else path)
