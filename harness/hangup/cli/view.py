"""`hangup view`: the page to explore and compare, for results at hand."""

from __future__ import annotations

import os
import sys
import webbrowser
from functools import partial
from http import HTTPStatus
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Annotated, Any

import typer

from hangup.cli.options import ResultsToRead, results_to_read
from hangup.errors import UserError
from hangup.report.explorer import PAGE

_HOST = "127.0.0.1"
_AS_TEXT = dict.fromkeys((".md", ".csv"), "text/plain; charset=utf-8")


def view(
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Do not open the browser.")
    ] = False,
    port: Annotated[
        int, typer.Option(min=0, max=65535, help="The port to serve at; 0 for one that is free.")
    ] = 0,
    results: ResultsToRead = None,
) -> None:
    """Serve the results to this machine, and open the page to explore in the browser.

    Prints the page's address, and ends with Ctrl-C.
    """
    directory = results_to_read(results)
    if not (directory / PAGE).is_file():
        raise UserError(f"{directory} has no {PAGE}; `hangup report` writes it.")
    with _server(directory, port) as server:
        address = f"http://{_HOST}:{server.server_port}/{PAGE}"
        try:
            sys.stdout.write(f"{address}\n")
            sys.stdout.flush()
            if not no_browser:
                webbrowser.open(address)
            server.serve_forever()
        except KeyboardInterrupt:
            return


def _server(directory: Path, port: int) -> ThreadingHTTPServer:
    try:
        return ThreadingHTTPServer((_HOST, port), partial(_Files, directory=str(directory)))
    except OSError as error:
        raise UserError(f"Port {port} cannot be served at: {error.strerror}.") from None


class _Files(SimpleHTTPRequestHandler):
    """The files of the results, with their Markdown as text that a browser shows."""

    extensions_map = SimpleHTTPRequestHandler.extensions_map | _AS_TEXT

    def list_directory(self, path: str | os.PathLike[str]) -> None:
        """There is no page for a directory."""
        self.send_error(HTTPStatus.NOT_FOUND)

    def send_head(self) -> Any:
        """Serve what is below the results, and nothing that a link leads out to."""
        path = Path(self.translate_path(self.path)).resolve()
        if not path.is_relative_to(Path(self.directory).resolve()):
            self.send_error(HTTPStatus.NOT_FOUND)
            return None
        return super().send_head()

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - as it is called there
        """Requests are not worth a line each."""
