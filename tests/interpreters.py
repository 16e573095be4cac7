"""The Pythons that servers may run under, found on this machine."""

from __future__ import annotations

import asyncio
import sys
from functools import cache
from pathlib import Path

from hangup.environment.interpreters import find_interpreter
from hangup.errors import UserError

FEATURE_VERSIONS = ("3.11", "3.12", "3.13")


@cache
def interpreter(feature_version: str) -> Path | None:
    """An interpreter of this version; None if none is installed."""
    if feature_version == f"{sys.version_info.major}.{sys.version_info.minor}":
        return Path(sys.executable)
    try:
        return Path(asyncio.run(find_interpreter(feature_version)).path)
    except UserError:
        return None
