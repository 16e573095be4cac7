"""The lines of source code that an exception came through, to show them beside its path.

Released packages are read from copies in the cache, apps and agent from where they were staged
from, as long as they are still what the trials ran.
"""

from __future__ import annotations

import asyncio
import linecache
import sysconfig
from collections.abc import Mapping
from pathlib import Path

from hangup.environment.cache import environments, sources
from hangup.environment.installations import fetch
from hangup.environment.machine import python_version
from hangup.environment.staging import original_code_hash, originals
from hangup.errors import UserError
from hangup.model.apps import App
from hangup.model.exception_path import SITE_PACKAGES, Location
from hangup.model.trace import Distribution, StackResult


class SourceLines:
    """The lines of the code that a stack ran; releases that are not there are downloaded once.

    `apps` are the apps there are now, by id.
    """

    def __init__(self, stack_result: StackResult, apps: Mapping[str, App], cache: Path) -> None:
        self._stack_result = stack_result
        self._originals = originals(apps.values())
        self._cache = cache
        app = apps.get(stack_result.stack.app)
        self._same_code = (
            app is not None and original_code_hash(app, apps.values()) == stack_result.code_hash
        )
        self.missing: set[str] = set()
        """What is not available: releases, Pythons, and apps that have changed."""

    def __call__(self, location: Location) -> str | None:
        """The line at a location; None if it is not there."""
        path = self._path(location.file)
        return linecache.getline(str(path), location.line).strip() or None if path else None

    def _path(self, file: str) -> Path | None:
        distribution = self._stack_result.distributions.get(file)
        if distribution is not None:
            directory = self._directory(distribution)
            return directory / file.removeprefix(SITE_PACKAGES) if directory else None
        if file.startswith("python3."):
            library = self._library(self._stack_result.environment.python)
            return library / file.partition("/")[2] if library else None
        if not self._same_code:
            self.missing.add(f"the app {self._stack_result.stack.app} as it was run")
            return None
        return self._originals.get(file)

    def _library(self, python: str) -> Path | None:
        """The standard library of a Python: this one's, or that of an environment."""
        if python == python_version():
            return Path(sysconfig.get_path("stdlib"))
        for configuration in environments(self._cache).glob("*/pyvenv.cfg"):
            lines = (line.partition(" = ") for line in configuration.read_text().splitlines())
            settings = {key: value for key, _, value in lines}
            if f"{settings.get('implementation')} {settings.get('version_info')}" == python:
                feature = ".".join(settings["version_info"].split(".")[:2])
                return Path(settings["home"]).parent / "lib" / f"python{feature}"
        self.missing.add(python)
        return None

    def _directory(self, distribution: Distribution) -> Path | None:
        release = f"{distribution.name}=={distribution.version}"
        if release in self.missing:
            return None
        try:
            python = self._stack_result.stack.python
            return asyncio.run(fetch(release, python, sources(self._cache)))
        except (UserError, OSError):  # no such release, no network, or a cache that is read-only
            self.missing.add(release)
            return None
