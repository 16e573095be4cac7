"""The agent and what apps share are imported with nothing but the standard library installed."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import apps.common
import hangup.agent

AGENT = Path(hangup.agent.__file__).parent
APPS = Path(apps.common.__file__).parent.parent

IMPORT = """
import importlib, json, sys

sys.path.insert(0, sys.argv[1])
for name in sys.argv[2:]:
    importlib.import_module(name)
print(json.dumps(sorted({name.partition(".")[0] for name in sys.modules})))
print(json.dumps(sorted(sys.stdlib_module_names)))
"""
SPECIFIC = {
    "3.11": "hangup.agent.exception_tracer.monitoring",
    "3.12": "hangup.agent.exception_tracer.tracing",
    "3.13": "hangup.agent.exception_tracer.tracing",
}
"""The module that is not for this Python."""
MAIN = "hangup.agent.main"
"""It imports the app that the environment names."""


def modules_below(root: Path, package: str) -> list[str]:
    files = sorted((root / package.replace(".", "/")).rglob("*.py"))
    names = (".".join(file.relative_to(root).with_suffix("").parts) for file in files)
    return [name.removesuffix(".__init__") for name in names]


def imported(python: Path, root: Path, *modules: str, **environment: str) -> set[str]:
    """Import modules in an interpreter without `site-packages`; all top-level modules then.

    What belongs to the standard library is left out.
    """
    done = subprocess.run(
        [python, "-I", "-S", "-c", IMPORT, root, *modules],
        env=os.environ | environment,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    names, standard_library = map(json.loads, done.stdout.splitlines())
    return set(names) - set(standard_library) - {"__main__"}


def feature_version(python: Path) -> str:
    code = "import sys; print(*sys.version_info[:2], sep='.')"
    return subprocess.run([python, "-c", code], capture_output=True, text=True).stdout.strip()


def test_there_are_modules_to_import(staged: Path) -> None:
    assert "hangup.agent.exception_tracer.paths" in modules_below(staged, "hangup.agent")
    assert "apps.common.service" in modules_below(staged, "apps.common")
    assert "apps.recipes.try_finally" in modules_below(staged, "apps.recipes")


def test_each_module_of_the_agent_imports_the_standard_library_only(
    python: Path, staged: Path
) -> None:
    others = {MAIN, SPECIFIC[feature_version(python)]}
    modules = [name for name in modules_below(staged, "hangup") if name not in others]
    assert imported(python, staged, *modules) == {"hangup"}


def test_what_apps_share_is_imported_without_anyio_and_httpx(python: Path, staged: Path) -> None:
    modules = modules_below(staged, "apps.common")
    assert imported(python, staged, *modules) <= {"apps", "hangup"}


def test_an_app_without_a_framework_is_served_with_the_standard_library_only(
    python: Path, staged: Path, tmp_path: Path
) -> None:
    root = shutil.copytree(staged, tmp_path / "root")
    app = shutil.copy(APPS / "bare.py", root / "apps")
    found = imported(python, root, MAIN, HANGUP_APP=str(app), HANGUP_TRACE_EXCEPTIONS="1")
    assert found == {"apps", "hangup"}


def test_every_file_of_the_agent_is_staged(staged: Path) -> None:
    own = {file.relative_to(AGENT) for file in AGENT.rglob("*.py")}
    copied = staged / "hangup" / "agent"
    assert {file.relative_to(copied) for file in copied.rglob("*.py")} == own
