"""The directory that is on the path of a server under test: apps and agent, and nothing else.

Installed, the apps and the agent stand in `site-packages` beside the harness's own httpx, h11
and anyio, which must not shadow those that are pinned for the server. So they are copied to a
directory of their own; app files import the same names in a clone, from a wheel and with
`--apps`.
"""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Iterable
from pathlib import Path

import hangup.agent

AGENT = Path(hangup.agent.__file__).parent
_SHARED = ("common", "recipes")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")


def built_in_apps() -> Path:
    """The directory of the apps that travel with hangup: in its wheel, or in its clone."""
    package = AGENT.parent
    installed = package / "apps"
    return installed if installed.is_dir() else package.parent.parent / "apps"


def stage(destination: Path, app_files: Iterable[Path]) -> Path:
    """Copy the agent, what apps share and these app files below `destination`; return it.

    App files that come later replace those of the same name.
    """
    (destination / "hangup").mkdir(parents=True)
    (destination / "hangup" / "__init__.py").touch()
    shutil.copytree(AGENT, destination / "hangup" / "agent", ignore=_IGNORED)
    for name in _SHARED:
        shutil.copytree(built_in_apps() / name, destination / "apps" / name, ignore=_IGNORED)
    for file in app_files:
        shutil.copy(file, destination / "apps" / file.name)
    return destination


def staged_app(directory: Path, file: Path) -> Path:
    """Where an app file is in a staged directory."""
    return directory / "apps" / file.name


def code_hash(app: Path) -> str:
    """A hash of an app's file and of all the code that runs in the server beside it."""
    digest = hashlib.sha256(app.read_bytes())
    for file in _shared_code():
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _shared_code() -> list[Path]:
    """The files of all that runs in the server beside an app, sorted by name."""
    directories = [AGENT, *(built_in_apps() / name for name in _SHARED)]
    return [file for directory in directories for file in sorted(directory.rglob("*.py"))]
