"""hangup as it is installed: from a wheel, in an empty environment, away from the clone."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

import hangup as package
from hangup.environment.apps import find_apps
from hangup.environment.cache import environments
from hangup.environment.staging import stage, staged_app
from hangup.environment.version_sets import version_sets
from tests.command import ROOT, Hangup, a_short_run, contents, write_app

OWN_APP = """\
# /// script
# requires-python = ">=3.11"
# dependencies = ["starlette", "httpx"]
#
# [tool.hangup]
# title = "Starlette, in an app file of one's own"
# session = "own"
# surfaces = ["background", "handler", "handler-app-error", "handler-cancelled", "middleware"]
# ///

import importlib.metadata
import json
import pathlib

import anyio
import h11

from apps.common import probe, service
from apps.starlette import app

found = {{module.__name__: [module.__file__, importlib.metadata.version(module.__name__)]
         for module in (anyio, h11)}}
pathlib.Path({file!r}).write_text(json.dumps(found))
"""
"""An app that reports where it has its packages from."""


@dataclass(frozen=True)
class Distributions:
    """What is published of hangup."""

    sdist: Path
    wheel: Path


def run_uv(*arguments: str | Path) -> None:
    done = subprocess.run(
        [uv.find_uv_bin(), *map(str, arguments)], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Distributions:
    """The sdist, and the wheel made of it."""
    directory = tmp_path_factory.mktemp("dist")
    run_uv("build", "--quiet", "--python", sys.executable, "--out-dir", directory)
    (sdist,) = directory.glob("*.tar.gz")
    (wheel,) = directory.glob("*.whl")
    return Distributions(sdist, wheel)


@pytest.fixture(scope="module")
def installed(
    built: Distributions, hangup: Hangup, tmp_path_factory: pytest.TempPathFactory
) -> Hangup:
    """The command of an environment that the wheel is installed in."""
    environment = tmp_path_factory.mktemp("installed") / "environment"
    run_uv("venv", "--quiet", "--no-project", "--python", sys.executable, environment)
    run_uv("pip", "install", "--quiet", "--python", environment, built.wheel)
    return Hangup(home=hangup.home, command=environment / "bin" / "hangup")


def _apps_of_the_clone() -> set[str]:
    return {f"hangup/{path.relative_to(ROOT)}" for path in (ROOT / "apps").rglob("*.py")}


def test_apps_version_sets_and_templates_travel_in_the_wheel(built: Distributions) -> None:
    names = set(zipfile.ZipFile(built.wheel).namelist())
    assert _apps_of_the_clone() <= names
    assert {"hangup/apps/versions/current.txt", "hangup/apps/versions/article.txt"} <= names
    report = ROOT / "harness" / "hangup" / "report"
    for directory in ("templates", "explorer", "schemas"):
        files = (path for path in (report / directory).rglob("*.*") if path.suffix != ".pyc")
        assert {f"hangup/report/{path.relative_to(report)}" for path in files} <= names
    assert any(
        name.endswith("licenses/harness/hangup/report/explorer/vendor/htm/LICENSE")
        for name in names
    )
    assert "hangup/agent/probe.py" in names
    assert {name.partition("/")[0].partition("-")[0] for name in names} == {"hangup"}


def test_the_sdist_has_what_the_wheel_is_made_of_and_no_results(built: Distributions) -> None:
    with tarfile.open(built.sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {"apps/starlette.py", "harness/hangup/__init__.py", "pyproject.toml"} <= names
    assert not any(name.startswith("results") for name in names)


def test_the_version_is_the_packages(built: Distributions, installed: Hangup) -> None:
    assert built.wheel.name.startswith(f"hangup-{package.__version__}-")
    assert installed("--version").stdout == f"hangup {package.__version__}\n"
    python = installed.command.with_name("python")
    done = subprocess.run([python, "-m", "hangup", "--version"], capture_output=True, text=True)
    assert done.stdout == f"hangup {package.__version__}\n"


def test_it_names_the_apps_that_travel_with_it(installed: Hangup, tmp_path: Path) -> None:
    listed = json.loads(installed("list", "--json", cwd=tmp_path).stdout)
    assert listed["apps"].keys() == find_apps().keys()
    assert listed["versions"] == version_sets()


def test_it_compares_shows_and_reports_in_an_empty_directory(
    installed: Hangup, tmp_path: Path
) -> None:
    done = installed(*a_short_run("starlette", "--scenario", "idle"), cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stderr.endswith("the report: hangup-results/README.md\n")
    assert [path.name for path in tmp_path.iterdir()] == ["hangup-results"]
    results = tmp_path / "hangup-results"
    assert (results / ".hangup" / ".gitignore").read_text().splitlines()[-1] == "*"

    shown = installed("show", "starlette", "uvicorn", "idle", cwd=tmp_path)
    assert shown.returncode == 0, shown.stderr
    assert shown.stderr == "Reading hangup-results/\n"
    assert "stream-end" in shown.stdout

    before = contents(results)
    (results / "README.md").unlink()
    (results / "outcomes.csv").unlink()
    reported = installed("report", cwd=tmp_path)
    assert reported.returncode == 0, reported.stderr
    assert contents(results) == before


def test_a_server_has_its_own_packages_and_not_those_that_hangup_is_installed_with(
    installed: Hangup, tmp_path: Path
) -> None:
    reported = tmp_path / "reported.json"
    (tmp_path / "apps").mkdir()
    (tmp_path / "apps" / "own.py").write_text(OWN_APP.format(file=str(reported)))
    run = a_short_run("own", "--scenario", "idle", "--versions", "article", "--apps", "apps")
    done = installed(*run, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    pins = (ROOT / "apps" / "versions" / "article.txt").read_text().splitlines()
    found = json.loads(reported.read_text())
    for name, (file, version) in found.items():
        assert Path(file).is_relative_to(environments(installed.home))
        assert f"{name}=={version}" in pins
    ask = "import importlib.metadata as m; print(m.version('anyio'))"
    python = installed.command.with_name("python")
    ours = subprocess.run([python, "-c", ask], capture_output=True, text=True).stdout.strip()
    assert ours != found["anyio"][1], "the version set has to differ for this to show anything"


def test_the_agent_needs_nothing_to_be_installed(tmp_path: Path) -> None:
    own = tmp_path / "own"
    changes = "import sys; print(*sorted(name.partition('.')[0] for name in sys.modules))"
    file = write_app(own, "mine", changes, needs="anyio")
    stage(tmp_path / "staged", find_apps(own).values())
    code = f"import sys; sys.path.insert(0, {str(tmp_path / 'staged')!r}); import hangup.agent.main"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code],
        env=os.environ | {"HANGUP_APP": str(staged_app(tmp_path / "staged", file))},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert set(done.stdout.split()) <= sys.stdlib_module_names | {"__main__", "apps", "hangup"}
