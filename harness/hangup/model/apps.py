"""What an app file and a variant's file say of themselves: what to install, what there is."""

from __future__ import annotations

from pathlib import Path

import msgspec

REFERENCE = "bare"
"""The app that others are compared with: plain ASGI, no framework."""


class AppMetadata(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[tool.hangup]` of an app file's block."""

    title: str
    session: str = ""
    """The nox session that runs it: its framework; for the built-in apps only."""
    surfaces: tuple[str, ...] = ()
    """What it installs beyond what every app has: handlers, hooks, middleware ..."""
    unsupported: tuple[str, ...] = ()
    """The capabilities it does not have, such as `sync`."""
    variants: tuple[str, ...] = ()
    """The variants it has, by their files below `variants/`, such as `starlette/gzip`."""


class VariantMetadata(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[tool.hangup]` of a variant's file: what it adds to an app's."""

    title: str
    surfaces: tuple[str, ...] = ()
    recipes: bool = False
    """Whether recipes are tried on it too, and not only on the baseline."""


class Variant(msgspec.Struct, frozen=True, kw_only=True):
    """One file below `variants/`: it changes one thing of the apps that name it."""

    name: str
    """Where it is below `variants/`, such as `starlette/gzip`."""
    path: Path
    dependencies: tuple[str, ...] = ()
    about: VariantMetadata


class App(msgspec.Struct, frozen=True, kw_only=True):
    """An app file in `apps/`, as it is or with a variant."""

    id: str
    path: Path
    dependencies: tuple[str, ...]
    requires_python: str = ""
    """The Pythons it runs under, such as `>=3.11`; all, if it does not say."""
    about: AppMetadata
    variant: Variant | None = None
    """None for a baseline."""

    @property
    def tries_recipes(self) -> bool:
        """Whether recipes for clean-up are tried on it."""
        return self.variant is None or self.variant.about.recipes
