"""What machine this is, as far as it bears on results, and nothing that tells whose."""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

from hangup.errors import UserError


def check_platform() -> None:
    """Raise UserError on a system the harness does not run on."""
    if sys.platform not in ("linux", "darwin"):
        raise UserError(
            f"hangup runs on Linux and macOS, not on {sys.platform}: it needs POSIX process "
            "groups and named pipes."
        )


def os_name() -> str:
    """The operating system, its version and the processor's architecture."""
    return platform.platform()


def cpu() -> str:
    """The processor's name."""
    if sys.platform == "darwin":
        command = ["/usr/sbin/sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True).stdout.strip()
    info = Path("/proc/cpuinfo")
    names = re.findall(r"(?m)^model name\s*: (.*)$", info.read_text()) if info.exists() else []
    return names[0] if names else platform.machine()


def cores() -> int:
    """How many processors this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def python_version() -> str:
    """The Python that runs this, as `Interpreter.version` has it."""
    return f"{platform.python_implementation()} {platform.python_version()}"
