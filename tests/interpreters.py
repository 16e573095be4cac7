"""The Pythons that servers may run under, found on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
from functools import cache
from pathlib import Path

import uv

FEATURE_VERSIONS = ("3.11", "3.12", "3.13")


@cache
def interpreter(feature_version: str) -> Path | None:
    """An interpreter of this version; None if none is installed."""
    if feature_version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    found = subprocess.run(
        [uv.find_uv_bin(), "python", "find", "--no-project", "--system", feature_version],
        env=os.environ | {"UV_PYTHON_DOWNLOADS": "never"},
        capture_output=True,
        text=True,
    )
    return Path(found.stdout.strip()) if found.returncode == 0 else None
