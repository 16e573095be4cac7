"""Source lines of released packages, from copies kept beside the environments."""

from __future__ import annotations

import asyncio
import linecache
import sysconfig
from pathlib import Path

from hangup.environment.installations import fetch
from hangup.environment.machine import python_version
from hangup.errors import UserError
from hangup.model.exception_path import SITE_PACKAGES, Location
from hangup.model.trace import Distribution, StackResult


class SourceLines:
    """The lines of what a part ran; packages that are not at hand are fetched once.

    `same_apps` says whether the apps there are now are those that were run.
    """

    def __init__(
        self, stack_result: StackResult, root: Path, home: Path, *, same_apps: bool
    ) -> None:
        self.stack_result = stack_result
        self.root = root
        self.kept = home / "sources"
        self.environments = home / "environments"
        self.same_apps = same_apps
        self.missing: set[str] = set()
        """What could not be had."""

    def __call__(self, location: Location) -> str | None:
        path = self._path(location.file)
        return linecache.getline(str(path), location.line).strip() or None if path else None

    def _path(self, file: str) -> Path | None:
        origin = self.stack_result.distributions.get(file)
        if origin is not None:
            directory = self._directory(origin)
            return directory / file.removeprefix(SITE_PACKAGES) if directory else None
        if file.startswith("python3."):
            library = self._library(self.stack_result.environment.python)
            return library / file.partition("/")[2] if library else None
        return self.root / file if self.same_apps else None

    def _library(self, python: str) -> Path | None:
        """The standard library of a Python: this one's, or that of an environment."""
        if python == python_version():
            return Path(sysconfig.get_path("stdlib"))
        for configuration in self.environments.glob("*/pyvenv.cfg"):
            lines = (line.partition(" = ") for line in configuration.read_text().splitlines())
            settings = {key: value for key, _, value in lines}
            if f"{settings.get('implementation')} {settings.get('version_info')}" == python:
                feature = ".".join(settings["version_info"].split(".")[:2])
                return Path(settings["home"]).parent / "lib" / f"python{feature}"
        self.missing.add(python)
        return None

    def _directory(self, origin: Distribution) -> Path | None:
        release = f"{origin.name}=={origin.version}"
        if release in self.missing:
            return None
        try:
            return asyncio.run(fetch(release, self.stack_result.stack.python, self.kept))
        except UserError:
            self.missing.add(release)
            return None
