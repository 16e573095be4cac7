"""App files: what their blocks say, and what is said where one is wrong."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import msgspec
import pytest

from apps.common.script import Script
from hangup.environment.app_headers import HeaderError, app_id, app_ids_by_session
from hangup.environment.apps import find_apps, read_app, read_apps
from hangup.environment.built_in import built_in_apps
from hangup.environment.staging import (
    code_hash,
    imported_apps,
    original_code_hash,
    originals,
    replaced_apps,
    stage,
    staged_app,
)
from hangup.errors import UserError
from hangup.model.scenario import Scenario
from hangup.model.scenarios import SCENARIOS
from hangup.model.vocabulary import EVENT_SOURCE_OPTIONS, HOOK, OPTIONAL

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
    (
        "misspelt surface",
        BLOCK.replace("# ///\n", '# surfaces = ["handler", "middlewear"]\n# ///\n'),
        "no 'middlewear'",
    ),
    (
        "capability that is none",
        BLOCK.replace("# ///\n", '# unsupported = ["sink"]\n# ///\n'),
        "no 'sink'",
    ),
    ("no table", BLOCK.replace("[tool.hangup]", "[tool.other]"), "`hangup`"),
    ("no title", BLOCK.replace("title", "# title"), "`title`"),
    ("an unknown field", BLOCK.replace("session", "sesion"), "sesion"),
]


@pytest.mark.parametrize(
    ("text", "said"), [case[1:] for case in WRONG], ids=[case[0] for case in WRONG]
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
    with pytest.raises(UserError, match="There are no app files in"):
        read_apps(tmp_path)


def test_the_reference_comes_first_and_the_others_by_name(tmp_path: Path) -> None:
    for name in ("zebra.py", "aardvark.py", "bare.py"):
        written(tmp_path, BLOCK, name)
    assert list(read_apps(tmp_path)) == ["bare", "aardvark", "zebra"]


def test_ones_own_apps_are_added_to_the_built_in_ones_and_replace_namesakes(
    tmp_path: Path,
) -> None:
    own = written(tmp_path, BLOCK, "sse-starlette.py")
    written(tmp_path, BLOCK, "my_own.py")
    built_in, found = find_apps(), find_apps(tmp_path)
    variants_of_it = {name for name in built_in if name.startswith("sse-starlette+")}
    assert found.keys() == (built_in.keys() | {"my-own"}) - variants_of_it
    assert found["sse-starlette"].path == own
    assert found["starlette"] == built_in["starlette"]


def test_an_app_is_staged_under_the_name_that_others_import_it_by(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir()
    file = written(own, f"{BLOCK}replaced = True\n", "sse-starlette.py")
    apps = find_apps(own)
    stage(tmp_path / "staged", apps.values())
    staged = staged_app(tmp_path / "staged", file)
    assert staged == tmp_path / "staged" / "apps" / "sse_starlette.py"
    assert staged.read_bytes() == file.read_bytes()


def test_nothing_but_apps_and_agent_is_staged(tmp_path: Path) -> None:
    stage(tmp_path / "staged", find_apps().values())
    assert {path.name for path in (tmp_path / "staged").iterdir()} == {"apps", "hangup"}
    package = {path.name for path in (tmp_path / "staged" / "hangup").iterdir()}
    assert package == {"__init__.py", "agent"}
    assert not list(tmp_path.rglob("__pycache__"))


def test_every_staged_file_is_a_copy_of_the_one_that_is_shown_for_it(tmp_path: Path) -> None:
    apps = find_apps()
    stage(tmp_path / "staged", apps.values())
    files = [path for path in (tmp_path / "staged").rglob("*.py") if path.stat().st_size]
    assert len(files) > len(apps)
    for file in files:
        shown = originals(apps.values())[str(file.relative_to(tmp_path / "staged"))]
        assert shown.read_bytes() == file.read_bytes()


def test_the_imports_of_an_app_are_found_beside_it(tmp_path: Path) -> None:
    imported = written(tmp_path, "app = 1\n", "starlette.py")
    importing = written(tmp_path, "from apps.starlette import app\nimport apps.common\n")
    assert imported_apps(importing) == [imported]


@pytest.fixture
def own_apps(tmp_path: Path) -> Path:
    """An app that imports another one and a helper, beside one that has nothing to do with it."""
    directory = tmp_path / "own"
    directory.mkdir()
    imports = "from apps.starlette import app\nfrom apps._helper import one\n"
    written(directory, f"{BLOCK}{imports}")
    written(directory, f"{BLOCK}app = 1\n", "starlette.py")
    written(directory, f"{BLOCK}app = 1\n", "other.py")
    written(directory, "one = 1\n", "_helper.py")
    written(directory, "", "__init__.py")
    written(directory, "import pytest\n", "conftest.py")
    return directory


@pytest.mark.parametrize(
    ("changed", "covered"),
    [
        ("apps/my_own.py", True),
        ("apps/starlette.py", True),
        ("apps/_helper.py", True),
        ("apps/common/service.py", True),
        ("apps/recipes/checkpoint.py", True),
        ("hangup/agent/probe.py", True),
        ("hangup/agent/exception_tracer/paths.py", True),
        ("apps/other.py", False),
    ],
)
def test_the_hash_of_an_app_covers_what_runs_in_its_server_and_no_more(
    tmp_path: Path, own_apps: Path, changed: str, *, covered: bool
) -> None:
    staged = tmp_path / "staged"
    apps = find_apps(own_apps)
    stage(staged, apps.values())
    app = apps["my-own"]
    before = code_hash(app, staged)
    assert code_hash(app, staged) == before
    (staged / changed).write_text("changed = True\n")
    assert (code_hash(app, staged) != before) == covered


def test_the_hash_of_what_was_staged_is_that_of_what_it_was_staged_from(
    tmp_path: Path, own_apps: Path
) -> None:
    apps = find_apps(own_apps)
    stage(tmp_path / "staged", apps.values())
    for app in apps.values():
        staged = code_hash(app, tmp_path / "staged")
        assert staged == original_code_hash(app, apps.values())
    written(own_apps, "one = 2\n", "_helper.py")
    staged = code_hash(apps["my-own"], tmp_path / "staged")
    assert staged != original_code_hash(apps["my-own"], apps.values())


def test_helpers_are_staged_and_are_no_apps(tmp_path: Path, own_apps: Path) -> None:
    assert set(read_apps(own_apps)) == {"my-own", "starlette", "other"}
    stage(tmp_path / "staged", find_apps(own_apps).values())
    staged = tmp_path / "staged" / "apps"
    assert (staged / "_helper.py").read_text() == "one = 1\n"
    assert not (staged / "__init__.py").exists()
    assert not (staged / "conftest.py").exists()
    assert set(read_apps(staged)) == set(find_apps(own_apps))


def test_built_in_apps_that_were_replaced_are_known(tmp_path: Path, own_apps: Path) -> None:
    stage(tmp_path / "staged", find_apps(own_apps).values())
    assert replaced_apps(tmp_path / "staged") == {"starlette"}


def test_two_apps_of_one_name_are_both_named(tmp_path: Path) -> None:
    written(tmp_path, BLOCK, "my_own.py")
    written(tmp_path, BLOCK, "my-own.py")
    with pytest.raises(UserError, match=r"my-own\.py and my_own\.py in .* both called my-own"):
        read_apps(tmp_path)


def test_an_app_need_not_have_a_session_unless_the_noxfile_asks(tmp_path: Path) -> None:
    path = written(tmp_path, BLOCK.replace('# session = "mine"\n', ""))
    assert read_app(path).about.session == ""
    with pytest.raises(HeaderError, match="names no session"):
        app_ids_by_session(tmp_path)


def test_a_file_that_cannot_be_read_costs_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "directory.py").mkdir()
    with pytest.raises(UserError, match=r"directory\.py cannot be read: Is a directory"):
        read_apps(tmp_path)
    (tmp_path / "directory.py").rmdir()
    (tmp_path / "latin.py").write_bytes(BLOCK.replace("a title", "ä").encode("latin-1"))
    with pytest.raises(UserError, match=r"latin\.py is not UTF-8"):
        read_apps(tmp_path)


def test_an_app_that_imports_a_built_in_one_is_found_to(tmp_path: Path) -> None:
    importing = written(tmp_path, "from apps.starlette import app\n")
    assert imported_apps(importing) == [built_in_apps() / "starlette.py"]


def test_an_app_that_cannot_be_parsed_has_a_hash(tmp_path: Path) -> None:
    assert imported_apps(written(tmp_path, "def (\n")) == []


def test_every_app_has_a_session() -> None:
    sessions = app_ids_by_session(built_in_apps())
    assert sorted(name for names in sessions.values() for name in names) == sorted(find_apps())
    for session, names in sessions.items():
        assert {find_apps()[name].about.session for name in names} == {session}


def test_an_app_is_called_as_its_file_with_hyphens() -> None:
    assert app_id(Path("apps/fastapi_events.py")) == "fastapi-events"


@pytest.mark.parametrize("path", sorted(APPS.glob("*.py")), ids=lambda path: str(path.name))
def test_every_app_declares_only_what_there_is(path: Path) -> None:
    app = read_app(path)
    hooks = {s for s in app.about.surfaces if s.startswith(HOOK)}
    known = {*OPTIONAL, EVENT_SOURCE_OPTIONS, *hooks}
    assert set(app.about.surfaces) <= known
    assert set(app.about.unsupported) <= {scenario.needs for scenario in SCENARIOS}


@pytest.mark.parametrize("scenario", SCENARIOS, ids=[scenario.id for scenario in SCENARIOS])
def test_every_scenarios_script_is_one_that_streams_can_follow(scenario: Scenario) -> None:
    script = Script.from_json(scenario.script.json())
    assert dataclasses.asdict(script) == msgspec.structs.asdict(scenario.script)


def test_a_script_with_a_step_there_is_not_is_refused() -> None:
    with pytest.raises(TypeError, match="evnts"):
        Script.from_json('{"evnts": 3}')
