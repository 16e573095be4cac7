"""The directory that is on the path of a server under test: apps and agent, and nothing else.

Installed, the apps and the agent are in `site-packages` beside the harness's own httpx, h11
and anyio, which must not shadow those that are pinned for the server. So they are copied to a
directory of their own; app files import the same names in a clone, from a wheel and with
`--apps`.
"""

from __future__ import annotations

import ast
import hashlib
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path, PurePosixPath

from hangup.environment.app_headers import app_id
from hangup.environment.built_in import AGENT, built_in_apps
from hangup.files import new_directory
from hangup.model.apps import App

_SHARED = ("common", "recipes")
_IGNORED = shutil.ignore_patterns("__pycache__", "*.pyc")
_APPS = "apps"
_AGENT = "hangup/agent"


def stage(root: Path, apps: Iterable[App]) -> None:
    """Copy the agent, what apps share and the files of these apps below `root`.

    A file is called as its app is, so that others can import it as `apps.NAME`. Does nothing if
    `root` is there.
    """
    if root.exists():
        return
    with new_directory(root) as directory:
        shutil.copytree(AGENT, directory / _AGENT, ignore=_IGNORED)
        (directory / _AGENT).with_name("__init__.py").touch()
        for name in _SHARED:
            shutil.copytree(built_in_apps() / name, directory / _APPS / name, ignore=_IGNORED)
        for app in apps:
            shutil.copy(app.path, directory / _APPS / f"{_module_name(app.id)}.py")


def staged_directory(run_directory: Path) -> Path:
    """Where a run has its staged directory, which it keeps when it is resumed."""
    return run_directory / "staged"


def staged_apps(root: Path) -> Path:
    """Where the app files are in a staged directory."""
    return root / _APPS


def staged_app(root: Path, app_file: Path) -> Path:
    """Where an app file is in a staged directory."""
    return staged_apps(root) / f"{_module_name(app_file.stem)}.py"


def original(file: str, apps: Mapping[str, App]) -> Path | None:
    """The file that `file`, a path below a staged directory, is a copy of; None if it is of none.

    `apps` are those that were staged, by id.
    """
    path = PurePosixPath(file)
    if path.is_relative_to(_AGENT):
        return AGENT / path.relative_to(_AGENT)
    if path.parent == PurePosixPath(_APPS):
        app = apps.get(app_id(path))
        return app.path if app is not None else None
    if path.is_relative_to(_APPS):
        return built_in_apps() / path.relative_to(_APPS)
    return None


def code_hash(app_file: Path) -> str:
    """A hash of an app's file, of the app files it imports, and of all that apps share."""
    digest = hashlib.sha256()
    shared = (AGENT, *(built_in_apps() / name for name in _SHARED))
    files = _with_imported_apps(app_file)
    files += [file for directory in shared for file in sorted(directory.rglob("*.py"))]
    for file in files:
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def imported_apps(app_file: Path) -> list[Path]:
    """The app files that an app file imports, as in `from apps.starlette import app`.

    They are those beside it, or else built-in ones; none if it cannot be parsed.
    """
    try:
        tree = ast.parse(app_file.read_bytes())
    except (SyntaxError, ValueError):  # the trials will say so
        return []
    modules = [node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)]
    names = {name for name in modules if name.startswith(f"{_APPS}.") and name.count(".") == 1}
    files = [f"{name.removeprefix(f'{_APPS}.')}.py" for name in sorted(names)]
    directories = (app_file.parent, built_in_apps())
    places = [[d / file for d in directories if (d / file).is_file()] for file in files]
    return [found[0] for found in places if found]


def _with_imported_apps(app_file: Path) -> list[Path]:
    files: list[Path] = []
    waiting = [app_file]
    while waiting:
        file = waiting.pop()
        if file not in files:
            files.append(file)
            waiting += imported_apps(file)
    return files


def _module_name(name: str) -> str:
    return name.replace("-", "_")
