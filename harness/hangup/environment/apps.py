"""The apps there are: those that travel with hangup, and a user's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hangup.environment.app_headers import HeaderError, app_files, app_id, read_header
from hangup.environment.built_in import built_in_apps
from hangup.errors import UserError
from hangup.model.apps import REFERENCE, App, AppMetadata
from hangup.model.scenarios import CAPABILITIES
from hangup.model.vocabulary import HOOK, OPTIONAL


class _Tools(msgspec.Struct, frozen=True):
    hangup: AppMetadata


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    requires_python: str = msgspec.field(name="requires-python", default="")
    dependencies: tuple[str, ...]
    tool: _Tools


def read_app(path: Path) -> App:
    """Read an app file's header; raises UserError where there is none or it is wrong."""
    try:
        header = msgspec.convert(read_header(path), _Header)
        SpecifierSet(header.requires_python)
    except HeaderError as error:
        raise UserError(str(error)) from None
    except (msgspec.ValidationError, InvalidSpecifier) as error:
        raise UserError(f"The `# /// script` block of {path} is wrong: {error}.") from None
    about = header.tool.hangup
    unknown = [s for s in about.surfaces if s not in OPTIONAL and not s.startswith(HOOK)]
    unknown += [c for c in about.unsupported if c not in CAPABILITIES]
    if unknown:
        # What is not declared is not looked at: a misspelt surface would be "not applicable".
        raise UserError(
            f"The `# /// script` block of {path} is wrong: there is no {unknown[0]!r}; surfaces "
            f"are {', '.join(OPTIONAL)} and {HOOK}NAME, and unsupported can be "
            f"{', '.join(sorted(CAPABILITIES))}."
        )
    return App(
        id=app_id(path),
        path=path,
        dependencies=header.dependencies,
        requires_python=header.requires_python,
        about=about,
    )


def read_apps(directory: Path) -> dict[str, App]:
    """All apps of a directory by id, the reference first.

    Raises UserError if there are none, or two are called the same.
    """
    apps = [read_app(path) for path in app_files(directory)]
    if not apps:
        raise UserError(f"There are no app files in {directory}.")
    for one, other in itertools.combinations(apps, 2):
        if one.id == other.id:
            raise UserError(
                f"{one.path.name} and {other.path.name} in {directory} are both called {one.id}; "
                "give one of them another name."
            )
    return _in_order(apps)


def find_apps(own: Path | None = None) -> dict[str, App]:
    """The built-in apps and those of the directory `own`, by id, the reference first.

    One's own app replaces the built-in one of the same id. Raises UserError if there are no app
    files in `own`, or one of them has a wrong header.
    """
    apps = read_apps(built_in_apps())
    if own is not None:
        apps |= read_apps(own)
    return _in_order(apps.values())


def _in_order(apps: Iterable[App]) -> dict[str, App]:
    return {app.id: app for app in sorted(apps, key=lambda app: (app.id != REFERENCE, app.id))}
