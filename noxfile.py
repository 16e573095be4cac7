"""Sessions: one per framework, `report`, `tests`, `lint`; plain `nox` compares everything.

The frameworks are read from the apps' own headers, so that a new app file has its session.
"""

from collections import defaultdict
from pathlib import Path

import nox
from nox.command import CommandFailed

nox.options.default_venv_backend = "uv|virtualenv"
nox.options.reuse_existing_virtualenvs = True
nox.options.sessions = ["comparison"]

REFERENCE = "bare"
ARTICLE_PYTHON = "3.11"
"""The Python that the version set `article` is for."""


def apps_by_session() -> dict[str, list[str]]:
    """Which apps each framework's session runs."""
    apps = defaultdict(list)
    for path in sorted(Path("apps").glob("*.py")):
        session = nox.project.load_toml(path)["tool"]["hangup"]["session"]
        apps[session].append(path.stem.replace("_", "-"))
    return apps


@nox.session
def comparison(session: nox.Session) -> None:
    """Run the whole comparison, under today's versions and the article's; write the report."""
    session.install("-e", ".")
    if "--resume" in session.posargs:
        session.run("hangup", "run", *session.posargs)
        return
    session.run("hangup", "run", "--thorough", *session.posargs)
    find = ("uv", "python", "find", "--no-project", "--system", ARTICLE_PYTHON)
    try:
        session.run(*find, silent=True, env={"UV_PYTHON_DOWNLOADS": "never"})
    except CommandFailed:
        session.warn(f"The version set article is left out: no Python {ARTICLE_PYTHON} was found.")
        return
    # What comes last counts: the article's Python is not to be had from the command line.
    article = ("--versions", "article", "--python", ARTICLE_PYTHON)
    session.run("hangup", "run", "--thorough", *session.posargs, *article)


@nox.session
def report(session: nox.Session) -> None:
    """Build the report anew from the recorded traces."""
    session.install("-e", ".")
    session.run("hangup", "report", *session.posargs)


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
        session.run("hangup", "run", "--thorough", *chosen, *session.posargs)

    framework.__doc__ = f"Run {', '.join(apps)} and update their part of the results."


for name, apps in apps_by_session().items():
    if name != REFERENCE:
        _add_framework(name, apps)
