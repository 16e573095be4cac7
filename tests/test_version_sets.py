"""Version sets: one release of each distribution, and the Pythons they are for."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
from packaging.markers import default_environment
from packaging.requirements import Requirement

from hangup.environment.apps import find_apps
from hangup.environment.installations import IncompatibleError
from hangup.environment.version_sets import check_python, required_python, version_sets
from hangup.model.plan import Interpreter
from hangup.model.servers import SERVERS
from tests.command import Hangup, a_short_run
from tests.interpreters import FEATURE_VERSIONS, interpreter

DIRECTORY = Path(__file__).resolve().parent.parent / "apps" / "versions"
FILES = sorted(path for path in DIRECTORY.iterdir() if path.is_file())
SETS = sorted(path.stem for path in FILES if path.suffix == ".txt")


def pins(versions: str) -> list[Requirement]:
    lines = (DIRECTORY / f"{versions}.txt").read_text(encoding="utf-8").splitlines()
    return [Requirement(line) for line in lines if line and not line.startswith("#")]


def python(feature: str) -> Interpreter:
    return Interpreter(path="python", version=f"CPython {feature}.1")


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.name))
def test_version_sets_name_no_registry(path: Path) -> None:
    assert "://" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("versions", SETS)
def test_version_sets_say_what_they_are_compiled_from(versions: str) -> None:
    assert f"{versions}.in -o {versions}.txt" in (DIRECTORY / f"{versions}.in").read_text()


@pytest.mark.parametrize("versions", SETS)
def test_version_sets_have_all_that_apps_and_servers_ask_for(versions: str) -> None:
    wanted = [d for app in find_apps().values() for d in app.dependencies]
    wanted += [requirement for server in SERVERS for requirement in server.requirements]
    has = {pin.name for pin in pins(versions)}
    assert {Requirement(requirement).name for requirement in wanted} <= has


@pytest.mark.parametrize("versions", SETS)
def test_version_sets_hold_one_release_of_each_distribution(versions: str) -> None:
    counts = Counter(pin.name for pin in pins(versions))
    assert [name for name, count in counts.items() if count > 1] == []
    for pin in pins(versions):
        (specifier,) = pin.specifier
        assert specifier.operator == "=="


@pytest.mark.parametrize("platform", ["linux", "darwin"])
@pytest.mark.parametrize("versions", SETS)
def test_a_pin_counts_under_every_python_or_under_none(versions: str, platform: str) -> None:
    marked = [pin for pin in pins(versions) if pin.marker is not None]
    assert marked, "there is nothing to evaluate"
    for pin in marked:
        answers = {
            pin.marker.evaluate(environment(feature, platform))
            for feature in FEATURE_VERSIONS
            if pin.marker is not None and required_python(versions).contains(feature)
        }
        assert len(answers) == 1, pin


def environment(feature: str, platform: str) -> dict[str, str]:
    """What markers are asked about, under another Python and on another platform."""
    own = default_environment()
    return {
        **{name: str(value) for name, value in own.items()},
        "python_version": feature,
        "python_full_version": f"{feature}.1",
        "sys_platform": platform,
    }


def test_what_needs_a_newer_python_stands_in_a_set_of_its_own() -> None:
    runs_on = {
        versions: [f for f in FEATURE_VERSIONS if required_python(versions).contains(f"{f}.1")]
        for versions in SETS
    }
    assert runs_on["newest"] == ["3.13"]
    assert runs_on["current"] == runs_on["article"] == list(FEATURE_VERSIONS)
    assert {pin.name for pin in pins("newest")} == {pin.name for pin in pins("current")}
    assert version_sets()["newest"] == "pinned in newest.txt, for Python >=3.13"
    assert version_sets()["current"] == "pinned in current.txt"


def test_a_version_set_is_refused_to_a_python_that_it_is_not_for() -> None:
    check_python("newest", python("3.13"))
    check_python("current", python("3.11"))
    check_python("latest", python("3.11"))
    with pytest.raises(IncompatibleError, match=r"version set newest needs Python >=3\.13, and"):
        check_python("newest", python("3.12"))


def test_a_run_of_a_version_set_on_another_python_ends_in_a_sentence(
    hangup: Hangup, tmp_path: Path
) -> None:
    other = interpreter("3.12") or interpreter("3.11")
    if other is None:
        pytest.skip("there is no Python older than 3.13")
    results = tmp_path / "results"
    options = ("--versions", "newest", "--python", other, "--results", results)
    done = hangup(*a_short_run("bare", *options))
    assert done.returncode == 2
    assert "version set newest needs Python >=3.13, and the servers' Python is 3.1" in " ".join(
        done.stderr.split()
    )
    assert not results.exists()
