"""What machine this is, as far as it bears on results, and nothing that tells whose.

Messages and file names are recorded without what is particular to a machine or a process.
"""

import os
import platform
import re
import subprocess
import sys
from functools import lru_cache
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


@lru_cache(maxsize=10_000)
def scrub(text: str, root: Path) -> str:
    """Shorten a message, and take a machine's paths and a process's addresses out of it."""
    text = re.sub(r" by <Task .*", "", text)  # AnyIO says who cancelled, with paths
    text = re.sub(r"[^\s'\"]*/site-packages/", "site-packages/", text)
    text = text.replace(f"{root}/", "")
    text = re.sub(r"[^\s'\"]*/lib/(python3\.\d+)/", r"\1/", text)
    return re.sub(r"\b(0x)?[0-9a-f]{8,}\b", "…", text)[:300]


def python_version() -> str:
    """The Python that runs this, as `Interpreter.version` has it."""
    return f"{platform.python_implementation()} {platform.python_version()}"


def scrub_file(file: str, root: Path) -> str:
    """The file of a line of code: below `site-packages/`, `python3.x/` or the staged directory."""
    found = re.fullmatch(r".*/(site-packages/.*)", file) or re.fullmatch(
        r".*/lib/(python3\.\d+/.*)", file
    )
    if found:
        return found[1]
    path = Path(file)
    return str(path.relative_to(root)) if path.is_relative_to(root) else path.name
