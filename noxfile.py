"""Sessions: one for each framework, `report`, `tests`, `lint`; plain `nox` compares everything.

The frameworks are read from the apps' own headers, so that a new app file has its session.
"""

import sys
from pathlib import Path

import nox
from nox.command import CommandFailed

ROOT = Path(__file__).parent
sys.path.insert(0, str(ROOT / "harness"))

from hangup.environment.app_headers import app_ids_by_session  # noqa: E402 (standard library only)

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["comparison"]

RUN = ("hangup", "run", "--results", "results")
"""These sessions are what the results of this repository are made with."""
ARTICLE_PYTHON = "3.11"
"""The Python that the version set `article` is for."""


@nox.session
def comparison(session: nox.Session) -> None:
    """Run the whole comparison, under today's versions and the article's; write the report."""
    session.install("-e", ".")
    if "--resume" in session.posargs:
        session.run(*RUN, *session.posargs)
        return
    session.run(*RUN, "--thorough", *session.posargs)
    find = (
        "import asyncio; from hangup.environment.interpreters import find_interpreter; "
        f"asyncio.run(find_interpreter({ARTICLE_PYTHON!r}))"
    )
    try:
        session.run("python", "-c", find, silent=True)
    except CommandFailed:
        session.warn(f"The version set article is left out: no Python {ARTICLE_PYTHON} was found.")
        return
    # What comes last counts: the article's Python cannot be chosen on the command line.
    article = ("--versions", "article", "--python", ARTICLE_PYTHON)
    session.run(*RUN, "--thorough", *session.posargs, *article)


@nox.session
def report(session: nox.Session) -> None:
    """Build the report of this repository from its recorded traces."""
    session.install("-e", ".")
    session.run("hangup", "report", "--results", "results", *session.posargs)


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests."""
    session.install("-e", ".[dev]")
    session.run("pytest", *session.posargs)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and types."""
    session.install("-e", ".[dev]")
    session.run("ruff", "check")
    session.run("ruff", "format", "--check")
    session.run("mypy")


def _add_framework(name: str, apps: list[str]) -> None:
    @nox.session(name=name)
    def framework(session: nox.Session) -> None:
        session.install("-e", ".")
        chosen = (argument for app in apps for argument in ("--app", app))
        session.run(*RUN, "--thorough", *chosen, *session.posargs)

    framework.__doc__ = f"Run {', '.join(apps)} and update the results of this repository."


for _session_name, _app_ids in app_ids_by_session(ROOT / "apps").items():
    _add_framework(_session_name, _app_ids)
