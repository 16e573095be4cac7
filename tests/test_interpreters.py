"""The Pythons that are found for servers, wherever a user has them."""

from __future__ import annotations

import asyncio
import platform
import sys
from pathlib import Path

import pytest

from hangup.environment.interpreters import find_interpreter, pyenv_directories
from hangup.environment.machine import python_version
from hangup.errors import UserError
from hangup.model.plan import Interpreter

BASE = Path(getattr(sys, "_base_executable", sys.executable))
NUMBER = platform.python_version()
FEATURE = ".".join(NUMBER.split(".")[:2])

SHIM = f"""\
#!/bin/sh
echo "pyenv: $0: command not found" >&2
echo >&2
echo "The '$0' command exists in these Python versions:" >&2
echo "  {NUMBER}" >&2
exit 127
"""


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The only directory on the PATH; no Python is anywhere else either."""
    directory = tmp_path / "path"
    directory.mkdir()
    monkeypatch.setenv("PATH", str(directory))
    monkeypatch.setenv("PYENV_ROOT", str(tmp_path / "pyenv"))
    monkeypatch.setenv("UV_PYTHON_INSTALL_DIR", str(tmp_path / "none of uv's own"))
    return directory


def install_in_pyenv(root: Path, version: str) -> Path:
    directory = root / "versions" / version / "bin"
    directory.mkdir(parents=True)
    for name in ("python", "python3", f"python{FEATURE}"):
        (directory / name).symlink_to(BASE)
    return directory


def install_shim(directory: Path) -> None:
    shim = directory / f"python{FEATURE}"
    shim.write_text(SHIM)
    shim.chmod(0o755)


def find(wanted: str | None) -> Interpreter:
    return asyncio.run(find_interpreter(wanted))


def test_without_a_wish_it_is_the_one_that_runs_this() -> None:
    assert find(None).version == python_version()


def test_one_on_the_path_is_found_by_version(path: Path) -> None:
    (path / f"python{FEATURE}").symlink_to(BASE)
    assert find(FEATURE).version == python_version()


def test_one_is_found_by_its_path(path: Path) -> None:
    assert find(str(BASE)).version == python_version()


@pytest.mark.parametrize("with_shim", [False, True])
def test_one_of_pyenvs_is_found_though_it_is_not_selected(
    path: Path, tmp_path: Path, *, with_shim: bool
) -> None:
    directory = install_in_pyenv(tmp_path / "pyenv", NUMBER)
    if with_shim:
        install_shim(path)
    found = find(FEATURE)
    assert found.version == python_version()
    assert Path(found.path).parent == directory


def test_pyenv_is_looked_for_in_the_home_directory(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = install_in_pyenv(tmp_path / ".pyenv", NUMBER)
    monkeypatch.delenv("PYENV_ROOT")
    monkeypatch.setenv("HOME", str(tmp_path))
    assert pyenv_directories() == [directory]


def test_the_newest_of_pyenvs_comes_first(path: Path, tmp_path: Path) -> None:
    for version in ("3.9.18", "pypy3.11-7.3.17", "3.13.0", "3.13.0rc1", "3.12.1"):
        install_in_pyenv(tmp_path / "pyenv", version)
    names = [directory.parent.name for directory in pyenv_directories()]
    assert names == ["3.13.0", "3.13.0rc1", "3.12.1", "3.9.18", "pypy3.11-7.3.17"]


def test_where_pyenvs_command_fails_and_nothing_else_is_found_it_is_said_what_to_set(
    path: Path,
) -> None:
    install_shim(path)
    with pytest.raises(UserError, match=f"PYENV_VERSION={NUMBER}") as raised:
        find(FEATURE)
    assert f"No Python '{FEATURE}' was found" in str(raised.value)
    assert "\n" not in str(raised.value)


def test_one_that_is_nowhere_costs_a_sentence(path: Path) -> None:
    with pytest.raises(UserError, match=r"No Python '2\.3' was found; give --python the path"):
        find("2.3")
