"""The apps there are: those that travel with hangup, and a user's own."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

import msgspec
from packaging.specifiers import InvalidSpecifier, SpecifierSet

from hangup.environment.app_headers import HeaderError, app_files, app_id, read_header
from hangup.environment.built_in import VARIANTS, built_in_apps
from hangup.errors import UserError
from hangup.model.apps import REFERENCE, App, AppMetadata, Variant, VariantMetadata
from hangup.model.scenarios import CAPABILITIES
from hangup.model.variants import baseline_id, variant_id
from hangup.model.vocabulary import EVENT_SOURCE_OPTIONS, HOOK, OPTIONAL


class _Tools(msgspec.Struct, frozen=True):
    hangup: AppMetadata


class _VariantTools(msgspec.Struct, frozen=True):
    hangup: VariantMetadata


class _Header(msgspec.Struct, frozen=True, kw_only=True):
    requires_python: str = msgspec.field(name="requires-python", default="")
    dependencies: tuple[str, ...]


class _AppHeader(_Header, frozen=True, kw_only=True):
    tool: _Tools


class _VariantHeader(_Header, frozen=True, kw_only=True):
    tool: _VariantTools


H = TypeVar("H", bound=_Header)


def read_app(path: Path) -> App:
    """Read an app file's header; raises UserError where there is none or it is wrong."""
    header = _read(path, _AppHeader)
    about = header.tool.hangup
    _check_names(path, about.surfaces, about.unsupported)
    return App(
        id=app_id(path),
        path=path,
        dependencies=header.dependencies,
        requires_python=header.requires_python,
        about=about,
    )


def read_variant(name: str, path: Path) -> Variant:
    """Read a variant's header; raises UserError where there is none or it is wrong."""
    header = _read(path, _VariantHeader)
    about = header.tool.hangup
    _check_names(path, about.surfaces, ())
    return Variant(name=name, path=path, dependencies=header.dependencies, about=about)


def _read(path: Path, kind: type[H]) -> H:
    try:
        header = msgspec.convert(read_header(path), kind)
        SpecifierSet(header.requires_python)
    except HeaderError as error:
        raise UserError(str(error)) from None
    except (msgspec.ValidationError, InvalidSpecifier) as error:
        raise UserError(f"The `# /// script` block of {path} is wrong: {error}.") from None
    return header


def _check_names(path: Path, surfaces: Iterable[str], unsupported: Iterable[str]) -> None:
    """Raise UserError for a surface or a capability that there is not.

    What is not declared is not looked at: a misspelt surface would be "not applicable".
    """
    known = (*OPTIONAL, EVENT_SOURCE_OPTIONS)
    unknown = [s for s in surfaces if s not in known and not s.startswith(HOOK)]
    unknown += [c for c in unsupported if c not in CAPABILITIES]
    if unknown:
        raise UserError(
            f"The `# /// script` block of {path} is wrong: there is no {unknown[0]!r}; surfaces "
            f"are {', '.join(known)} and {HOOK}NAME, and unsupported can be "
            f"{', '.join(sorted(CAPABILITIES))}."
        )


def _variants_of(app: App) -> list[App]:
    """An app with each of the variants that it names.

    Their files are below `variants/` beside the app's, or else among the built-in ones. Raises
    UserError if one is not there or has a wrong header.
    """
    found = []
    for name in app.about.variants:
        file = f"{VARIANTS}/{name.replace('-', '_')}.py"
        path = app.path.parent / file
        if not path.is_file():
            path = built_in_apps() / file
        if not path.is_file():
            raise UserError(f"{app.path} names the variant {name!r}, and there is no {file}.")
        variant = read_variant(name, path)
        about = msgspec.structs.replace(
            app.about,
            title=f"{app.about.title}, {variant.about.title}",
            surfaces=app.about.surfaces + variant.about.surfaces,
        )
        found.append(
            msgspec.structs.replace(
                app,
                id=variant_id(app.id, name.rpartition("/")[2]),
                dependencies=app.dependencies + variant.dependencies,
                about=about,
                variant=variant,
            )
        )
    return found


def read_apps(directory: Path) -> dict[str, App]:
    """All apps of a directory and their variants by id, the reference first.

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
    return _in_order([*apps, *(variant for app in apps for variant in _variants_of(app))])


def find_apps(own: Path | None = None) -> dict[str, App]:
    """The built-in apps and those of the directory `own`, with variants; the reference first.

    One's own app replaces the built-in one of the same id, variants included. Raises UserError if
    there are no app files in `own`, or one of them has a wrong header.
    """
    apps = read_apps(built_in_apps())
    if own is not None:
        own_apps = read_apps(own)
        replaced = {baseline_id(app) for app in own_apps}
        apps = {name: app for name, app in apps.items() if baseline_id(name) not in replaced}
        apps |= own_apps
    return _in_order(apps.values())


def _in_order(apps: Iterable[App]) -> dict[str, App]:
    return {app.id: app for app in sorted(apps, key=lambda app: (app.id != REFERENCE, app.id))}
