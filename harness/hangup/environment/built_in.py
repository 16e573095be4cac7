"""Where the code is that travels with hangup and is run in the server under test.

In a wheel the apps are below the package, in a clone they are at the repository's top.
"""

from __future__ import annotations

from pathlib import Path

import hangup

PACKAGE = Path(hangup.__file__).resolve().parent
AGENT = PACKAGE / "agent"
VARIANTS = "variants"
"""The directory of the variants' files, beside the app files."""


def built_in_apps() -> Path:
    """The directory of the app files, with `common`, `recipes` and `versions` below it."""
    installed = PACKAGE / "apps"
    return installed if installed.is_dir() else PACKAGE.parent.parent / "apps"


def built_in_version_sets() -> Path:
    """The directory of the version sets' constraint files."""
    return built_in_apps() / "versions"
