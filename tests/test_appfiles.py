"""App files: what their blocks say, and what is said where one is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from apps.common.script import Script
from hangup.environment.apps import app_id, find_apps, read_app
from hangup.errors import UserError
from hangup.model.scenario import Scenario
from hangup.model.scenarios import SCENARIOS
from hangup.model.vocabulary import HOOK, OPTIONAL

APPS = Path(__file__).parent.parent / "apps"

BLOCK = """\
# /// script
# requires-python = ">=3.11"
# dependencies = ["anyio"]
#
# [tool.hangup]
# title = "a title"
# session = "mine"
# ///
"""


def written(directory: Path, text: str, name: str = "my_own.py") -> Path:
    path = directory / name
    path.write_text(text)
    return path


def test_an_app_is_what_its_file_says(tmp_path: Path) -> None:
    app = read_app(written(tmp_path, f"#!/usr/bin/env python\n{BLOCK}\nimport x\n"))
    assert (app.id, app.dependencies) == ("my-own", ("anyio",))
    assert app.requires_python == ">=3.11"
    assert (app.about.title, app.about.session) == ("a title", "mine")
    assert (app.about.surfaces, app.about.unsupported) == ((), ())


WRONG: list[tuple[str, str, str]] = [
    ("no block", "import this\n", "has no `# /// script` blocks"),
    ("a block of another kind", BLOCK.replace("/// script", "/// pyproject"), "has no "),
    ("a block that is never closed", BLOCK.removesuffix("# ///\n"), "has no "),
    ("two blocks", BLOCK + "\n" + BLOCK, "has 2 `# /// script` blocks"),
    ("not TOML", BLOCK.replace("= [", "= [["), "is wrong: "),
    ("no version of Python", BLOCK.replace(">=3.11", "a new one"), "'a new one'"),
    ("no dependencies", BLOCK.replace("dependencies", "depends"), "`dependencies`"),
    ("dependencies of another kind", BLOCK.replace('["anyio"]', '"anyio"'), "array"),
    ("no table", BLOCK.replace("[tool.hangup]", "[tool.other]"), "`hangup`"),
    ("no title", BLOCK.replace("title", "# title"), "`title`"),
    ("an unknown field", BLOCK.replace("session", "sesion"), "sesion"),
]


@pytest.mark.parametrize(
    ("text", "said"), [each[1:] for each in WRONG], ids=[each[0] for each in WRONG]
)
def test_a_wrong_block_costs_a_sentence_naming_the_file(
    tmp_path: Path, text: str, said: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(UserError) as raised:
        read_app(path)
    assert str(path) in str(raised.value)
    assert said in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_directory_without_apps_is_named(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="There are no app files in"):
        find_apps(tmp_path)


def test_the_reference_comes_first_and_the_others_by_name(tmp_path: Path) -> None:
    for name in ("zebra.py", "aardvark.py", "bare.py"):
        written(tmp_path, BLOCK, name)
    assert list(find_apps(tmp_path)) == ["bare", "aardvark", "zebra"]


def test_an_app_is_called_as_its_file_with_hyphens() -> None:
    assert app_id(Path("apps/fastapi_events.py")) == "fastapi-events"


@pytest.mark.parametrize("path", sorted(APPS.glob("*.py")), ids=lambda path: str(path.name))
def test_every_app_declares_only_what_there_is(path: Path) -> None:
    app = read_app(path)
    known = {*OPTIONAL, *(s for s in app.about.surfaces if s.startswith(HOOK))}
    assert set(app.about.surfaces) <= known
    assert set(app.about.unsupported) <= {scenario.needs for scenario in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[each.id for each in SCENARIOS])
def test_every_scenarios_script_is_one_that_streams_can_follow(scenario: Scenario) -> None:
    script = Script.from_json(scenario.script.json())
    assert dataclasses.asdict(script) == msgspec.structs.asdict(scenario.script)


def test_a_script_with_a_step_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="evnts"):
        Script.from_json('{"evnts": 3}')
