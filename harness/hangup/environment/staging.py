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
from pathlib import Path

from hangup.environment.app_headers import app_files, app_id, helper_modules
from hangup.environment.built_in import AGENT, VARIANTS, built_in_apps
from hangup.files import new_directory
from hangup.model.apps import App, Variant
from hangup.model.variants import baseline_id

_SHARED = ("common", "recipes")
_APPS = "apps"
_VARIANTS = f"{_APPS}/{VARIANTS}"
_AGENT = "hangup/agent"
_SHARED_BELOW = tuple(f"{_APPS}/{name}/" for name in _SHARED)


def stage(root: Path, apps: Iterable[App]) -> None:
    """Copy the agent, what apps share and the files of these apps below `root`.

    A file is called as its app is, so that others can import it as `apps.NAME`. Does nothing if
    `root` is there.
    """
    if root.exists():
        return
    with new_directory(root) as directory:
        for name, source in originals(apps).items():
            (directory / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, directory / name)
        (directory / _AGENT).with_name("__init__.py").touch()


def originals(apps: Iterable[App]) -> dict[str, Path]:
    """What is staged for these apps: the files, by where they come below a staged directory.

    They are the agent's, what all apps share, the apps' own, and the modules beside these whose
    names begin with `_`, which are helpers.
    """
    apps = list(apps)
    files = _modules(AGENT, _AGENT)
    for name in _SHARED:
        files |= _modules(built_in_apps() / name, f"{_APPS}/{name}")
    for directory in dict.fromkeys(app.path.parent for app in apps):
        files |= {f"{_APPS}/{helper.name}": helper for helper in helper_modules(directory)}
    files |= _modules(built_in_apps() / VARIANTS, _VARIANTS, "_*.py")
    for app in apps:
        files[f"{_APPS}/{_module_name(baseline_id(app.id))}.py"] = app.path
        if app.variant is not None:
            files[_staged_variant(app.variant)] = app.variant.path
    return files


def staged_directory(run_directory: Path) -> Path:
    """Where a run has its staged directory, which it keeps when it is resumed."""
    return run_directory / "staged"


def staged_apps(root: Path) -> Path:
    """Where the app files are in a staged directory."""
    return root / _APPS


def staged_app(root: Path, app_file: Path) -> Path:
    """Where an app file is in a staged directory."""
    return staged_apps(root) / f"{_module_name(app_file.stem)}.py"


def staged_variant(root: Path, variant: Variant) -> Path:
    """Where a variant's file is in a staged directory."""
    return root / _staged_variant(variant)


def replaced_apps(root: Path) -> set[str]:
    """The built-in apps that a user's own ones were staged instead of, by id."""
    return {
        app_id(path)
        for path in app_files(built_in_apps())
        if (staged := staged_app(root, path)).exists() and staged.read_bytes() != path.read_bytes()
    }


def code_hash(app: App, root: Path) -> str:
    """A hash of the code that an app staged below `root` runs with.

    That is its file, its variant's, the app files it imports, and all that is staged for every
    app.
    """
    files = {str(path.relative_to(root)): path for path in sorted(root.rglob("*.py"))}
    return _code_hash(app, files)


def original_code_hash(app: App, apps: Iterable[App]) -> str:
    """What `code_hash` will be of an app when these apps are staged as they are now."""
    return _code_hash(app, originals(apps))


def _code_hash(app: App, files: Mapping[str, Path]) -> str:
    """The hash for an app, of the files of a staged directory by where they are in it."""
    names = {name for name in files if name.startswith((f"{_AGENT}/", *_SHARED_BELOW))}
    if app.variant is not None:
        helpers = {name for name in files if name.startswith(f"{_VARIANTS}/_")}
        names |= {_staged_variant(app.variant), *helpers}
    waiting = [_module_name(baseline_id(app.id))]
    while waiting:
        name = f"{_APPS}/{waiting.pop()}.py"
        if name in files and name not in names:
            names.add(name)
            waiting += _imported_modules(files[name])
    digest = hashlib.sha256()
    for name in sorted(names):
        digest.update(f"{name}\0".encode())
        digest.update(files[name].read_bytes())
    return digest.hexdigest()[:16]


def imported_apps(app_file: Path) -> list[Path]:
    """The app files that an app file imports, as in `from apps.starlette import app`.

    They are those beside it, or else built-in ones; none if it cannot be parsed.
    """
    directories = (app_file.parent, built_in_apps())
    modules = _imported_modules(app_file)
    found = ([d / f"{name}.py" for d in directories] for name in modules)
    existing = ([path for path in paths if path.is_file()] for paths in found)
    return [paths[0] for paths in existing if paths]


def _imported_modules(app_file: Path) -> list[str]:
    """The modules directly below `apps` that a file imports; none if it cannot be parsed."""
    try:
        tree = ast.parse(app_file.read_bytes())
    except (SyntaxError, ValueError):  # the trials will say so
        return []
    modules = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == _APPS:
            modules += [f"{_APPS}.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules.append(node.module or "")
    names = {name for name in modules if name.startswith(f"{_APPS}.") and name.count(".") == 1}
    return [name.removeprefix(f"{_APPS}.") for name in sorted(names)]


def _modules(directory: Path, name: str, pattern: str = "*.py") -> dict[str, Path]:
    """The modules in and below a directory, by where they are if that is called `name`."""
    return {
        f"{name}/{path.relative_to(directory).as_posix()}": path
        for path in sorted(directory.rglob(pattern))
    }


def _staged_variant(variant: Variant) -> str:
    """Where a variant's file comes below a staged directory."""
    return f"{_VARIANTS}/{_module_name(variant.name)}.py"


def _module_name(name: str) -> str:
    return name.replace("-", "_")
