"""What an app file says of itself: what to install, and what the app has."""

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


class App(msgspec.Struct, frozen=True, kw_only=True):
    """One file in `apps/`."""

    id: str
    path: Path
    dependencies: tuple[str, ...]
    requires_python: str = ""
    """The Pythons it runs under, such as `>=3.11`; all, if it does not say."""
    about: AppMetadata
