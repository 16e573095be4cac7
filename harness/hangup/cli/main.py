"""The command `hangup`: its commands put together, and what a user's mistake costs.

A mistake costs one sentence on standard error and exit code 2, never a traceback.
"""

from __future__ import annotations

import errno
import sys
from typing import Annotated

import typer

import hangup
from hangup.cli.cache import cache
from hangup.cli.decide import decide
from hangup.cli.diff import diff
from hangup.cli.list import list_available
from hangup.cli.messages import print_message
from hangup.cli.report import report
from hangup.cli.run import run
from hangup.cli.show import show
from hangup.cli.view import view
from hangup.cli.why import why
from hangup.errors import UserError

_DISK = {errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EFBIG, errno.EIO}
"""Errors of a write, which name no file."""

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("run")(run)
app.command("report")(report)
app.command("view")(view)
app.command("show")(show)
app.command("why")(why)
app.command("diff")(diff)
app.command("decide")(decide)
app.command("list")(list_available)
app.command("cache")(cache)


def _print_version(wanted: bool) -> None:
    if wanted:
        sys.stdout.write(f"hangup {hangup.__version__}\n")
        raise typer.Exit


@app.callback()
def hangup_command(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Find out what ASGI frameworks do when a server-sent events client hangs up.

    hangup serves the same event streams with several frameworks under real servers, hangs up on
    them in known ways, and records what sees it, when, and whether clean-up runs.
    """


def main() -> None:
    """Run the command."""
    try:
        app()
    except Exception as error:
        message = mistake(error)
        if message is None:
            raise
        print_message(f"hangup: {message}", style="red")
        sys.exit(UserError.exit_code)


def mistake(error: BaseException) -> str | None:
    """What a user can put right, as a sentence; None if a fault of ours is the error or part of it.

    Of several that were raised at once it is the first.
    """
    if isinstance(error, BaseExceptionGroup):
        messages = [mistake(member) for member in error.exceptions]
        return None if None in messages else messages[0]
    if isinstance(error, UserError):
        return str(error)
    if isinstance(error, OSError) and (error.filename is not None or error.errno in _DISK):
        file = f": {error.filename}" if error.filename is not None else ""
        return f"{error.strerror or error}{file}"
    return None
