"""Sessions: one for each framework, `report`, `tests`, `lint`; plain `nox` compares everything.

The frameworks are read from the apps' own headers, so that a new app file has its session.
"""

import base64
import hashlib
import json
import sys
import tarfile
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
OTHERS = (("current", "3.11"), ("article", "3.11"), ("article", "3.13"))
"""What the baselines are also run under, so that a version set is compared with another under the
same Python, and a Python with another under the same versions."""
FIRST = f"current-py{sys.version_info.major}.{sys.version_info.minor}"
"""What the whole comparison is run under."""


def _measured_s(group: str) -> float:
    """When the first stack of a group was written, in the clock of files; 0 if there is none."""
    found = (ROOT / "results" / "traces" / group).rglob("*")
    return min((path.stat().st_mtime for path in found if path.is_file()), default=0.0)


@nox.session
def comparison(session: nox.Session) -> None:
    """Run the whole comparison, and the baselines under other versions; write the report."""
    session.install("-e", ".")
    resumes = "--resume" in session.posargs
    session.run(*RUN, *(() if resumes else ("--thorough",)), *session.posargs)
    if any(option.startswith(("--versions", "--python")) for option in session.posargs):
        return
    for versions, python in OTHERS:
        find = (
            "import asyncio; from hangup.environment.interpreters import find_interpreter; "
            f"asyncio.run(find_interpreter({python!r}))"
        )
        if resumes and _measured_s(f"{versions}-py{python}") > _measured_s(FIRST):
            continue  # it was measured after the first, and so before the interruption
        try:
            session.run("python", "-c", find, silent=True)
        except CommandFailed:
            session.warn(f"{versions} under Python {python} is left out: there is no such Python.")
            continue
        other = ("--baselines", "--versions", versions, "--python", python)
        chosen = () if resumes else session.posargs
        session.run(*RUN, "--thorough", *chosen, *other)


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


@nox.session(venv_backend="none")
def vendor(session: nox.Session) -> None:
    """Fetch what the page to explore is built with from npm, as `vendor.json` pins it.

    For another release, change its version there and run this with `--renew`.
    """
    renew = "--renew" in session.posargs
    directory = ROOT / "harness" / "hangup" / "report" / "explorer" / "vendor"
    libraries = json.loads((directory / "vendor.json").read_text(encoding="utf-8"))
    for library in libraries:
        temporary = session.create_tmp()
        name = f"{library['name']}@{library['version']}"
        session.run(
            *("npm", "pack", "--silent", "--pack-destination", temporary, name), external=True
        )
        archive = Path(temporary) / f"{name.replace('@', '-')}.tgz"
        integrity = _integrity("sha512", archive.read_bytes())
        if renew:
            library["integrity"] = integrity
        elif integrity != library["integrity"]:
            session.error(f"{name} is not what vendor.json says")
        with tarfile.open(archive) as package:
            for file in library["files"]:
                content = package.extractfile(f"package/{file}")
                assert content is not None
                data = content.read()
                library["files"][file] = _integrity("sha256", data)
                to = directory / library["name"] / Path(file).name
                to.parent.mkdir(exist_ok=True)
                to.write_bytes(data)
    pinned = json.dumps(libraries, indent=2) + "\n"
    (directory / "vendor.json").write_text(pinned, encoding="utf-8")


def _integrity(algorithm: str, data: bytes) -> str:
    """A hash as npm and browsers write it."""
    digest = hashlib.new(algorithm, data).digest()
    return f"{algorithm}-{base64.b64encode(digest).decode()}"


def _add_framework(name: str, apps: list[str]) -> None:
    @nox.session(name=name)
    def framework(session: nox.Session) -> None:
        session.install("-e", ".")
        chosen = (argument for app in apps for argument in ("--app", app))
        session.run(*RUN, "--thorough", *chosen, *session.posargs)

    framework.__doc__ = f"Run {', '.join(apps)} and update the results of this repository."


for _session_name, _app_ids in app_ids_by_session(ROOT / "apps").items():
    _add_framework(_session_name, _app_ids)
