"""Lines of source code beside an exception's path: those that were run, or none."""

from __future__ import annotations

import asyncio
import inspect
from pathlib import Path

import msgspec
import pytest

from hangup.environment import source_lines
from hangup.environment.apps import find_apps
from hangup.environment.cache import environments, sources
from hangup.environment.machine import python_version
from hangup.environment.source_lines import SourceLines
from hangup.environment.staging import original_code_hash
from hangup.errors import UserError
from hangup.model.exception_path import Location
from hangup.model.trace import Distribution, StackResult
from tests.traces import stack_result

APPS = find_apps()
PACKAGE_FILE = "site-packages/package/module.py"


def result(python: str = python_version()) -> StackResult:
    """What a stack of `starlette` as it is now gave."""
    made = stack_result()
    return msgspec.structs.replace(
        made,
        code_hash=original_code_hash(APPS["starlette"], APPS.values()),
        environment=msgspec.structs.replace(made.environment, python=python),
        distributions={PACKAGE_FILE: Distribution(name="package", version="1.0")},
    )


def at(file: str, line: int = 1) -> Location:
    return Location(function="f", file=file, line=line)


@pytest.mark.parametrize(
    "file", ["apps/starlette.py", "apps/common/service.py", "hangup/agent/probe.py"]
)
def test_a_line_of_an_app_or_of_the_agent_is_the_one_there_is(tmp_path: Path, file: str) -> None:
    root = Path(__file__).parent.parent
    source = root / ("harness" if file.startswith("hangup") else "") / file
    lines = SourceLines(result(), APPS, tmp_path)
    assert lines(at(file)) == source.read_text().splitlines()[0]
    assert lines.missing == set()


def test_a_line_of_an_app_that_has_changed_is_left_out_and_that_is_said(tmp_path: Path) -> None:
    changed = msgspec.structs.replace(result(), code_hash="of another time")
    lines = SourceLines(changed, APPS, tmp_path)
    assert lines(at("apps/starlette.py")) is None
    assert lines.missing == {"the app starlette as it was run"}


def test_an_app_that_is_not_there_is_as_one_that_has_changed(tmp_path: Path) -> None:
    lines = SourceLines(result(), {}, tmp_path)
    assert lines(at("apps/starlette.py")) is None
    assert lines.missing == {"the app starlette as it was run"}


def test_a_line_of_a_release_is_read_from_the_cache(tmp_path: Path) -> None:
    file = sources(tmp_path) / "package-1.0" / "package" / "module.py"
    file.parent.mkdir(parents=True)
    file.write_text("one\n    two  \n")
    assert SourceLines(result(), APPS, tmp_path)(at(PACKAGE_FILE, 2)) == "two"


def test_a_release_that_cannot_be_downloaded_is_asked_for_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = []

    async def fail(release: str, python: str, cache: Path) -> Path:
        asked.append((release, python, cache))
        raise UserError("no")

    monkeypatch.setattr(source_lines, "fetch", fail)
    lines = SourceLines(result(), APPS, tmp_path)
    assert lines(at(PACKAGE_FILE)) is None
    assert lines(at(PACKAGE_FILE)) is None
    assert lines.missing == {"package==1.0"}
    assert asked == [("package==1.0", "3.13", sources(tmp_path))]


def test_a_line_of_the_standard_library_is_that_pythons(tmp_path: Path) -> None:
    expected = Path(inspect.getfile(asyncio)).read_text().splitlines()[0]
    assert SourceLines(result(), APPS, tmp_path)(at("python3.13/asyncio/__init__.py")) == expected


def test_a_python_is_found_by_an_environment_that_was_made_from_it(tmp_path: Path) -> None:
    library = tmp_path / "python" / "lib" / "python3.99"
    library.mkdir(parents=True)
    (library / "module.py").write_text("a line\n")
    environment = environments(tmp_path) / "one"
    environment.mkdir(parents=True)
    configuration = f"home = {tmp_path / 'python' / 'bin'}\n"
    configuration += "implementation = CPython\nversion_info = 3.99.1\n"
    (environment / "pyvenv.cfg").write_text(configuration)
    assert SourceLines(result("CPython 3.99.1"), APPS, tmp_path)(at("python3.99/module.py"))
    other = SourceLines(result("CPython 3.99.2"), APPS, tmp_path)
    assert other(at("python3.99/module.py")) is None
    assert other.missing == {"CPython 3.99.2"}
