"""The options and arguments that several commands have, and where results are by default."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from hangup.cli.messages import displayed, print_message
from hangup.errors import UserError
from hangup.store.results import TRACES

WRITTEN = Path("hangup-results")
"""Where a run puts its results by default."""
READ = (WRITTEN, Path("results"))
"""Where results are looked for, one after the other; the second is a clone's own."""

OwnApps = Annotated[
    Path | None,
    typer.Option(
        "--apps",
        metavar="DIRECTORY",
        help="Directory with app files of your own, added to the built-in ones. "
        "A file of the same name replaces a built-in app.",
    ),
]


def only(kind: str, panel: str) -> Any:
    """The option that names what there is to be alone of a kind, such as an app."""
    help_ = f"Only this {kind}. May be repeated."
    return typer.Option(f"--{kind}", help=help_, rich_help_panel=panel)


ResultsToRead = Annotated[
    Path | None,
    typer.Option(
        "--results",
        metavar="DIRECTORY",
        help="Results to read. By default ./hangup-results if it is there, else ./results.",
        show_default=False,
    ),
]
Json = Annotated[
    bool,
    typer.Option("--json", help="Print JSON, for other programs to read: one document a line."),
]
AppName = Annotated[
    str, typer.Argument(metavar="APP", help="An app, such as starlette.", show_default=False)
]
ServerName = Annotated[
    str, typer.Argument(metavar="SERVER", help="A server, such as uvicorn.", show_default=False)
]
ScenarioName = Annotated[
    str, typer.Argument(metavar="SCENARIO", help="A scenario, such as idle.", show_default=False)
]


def results_to_read(named: Path | None) -> Path:
    """The results a command reads; says which, if they were not named.

    Raises UserError if they were not, and there are none where they are looked for.
    """
    if named is not None:
        return named
    for directory in READ:
        if (directory / TRACES).is_dir():
            print_message(f"Reading {displayed(directory)}/")
            return directory
    directories = " or ".join(f"./{directory}" for directory in READ)
    raise UserError(
        f"There are no results in {directories}; `hangup run` makes some, --results names others."
    )
