"""Code is shown as it is in its file."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangup.environment.apps import find_apps
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.cleanup import RECIPES

RECIPE = '''\
"""A recipe."""

import asyncio

DEADLINE_S = 5.0


@decorated
async def my_recipe(source, clean_up):
    helper()


def helper():
    return DEADLINE_S
'''

APP = """\
from apps.common import service


def encode(data):
    return task.background


@decorated
def respond(stream):
    encode(1)
    service.background()
"""

FUNCTIONS = sorted({function for recipe in RECIPES for function in recipe.functions})


@pytest.fixture
def excerpts(tmp_path: Path) -> CodeExcerpts:
    (tmp_path / "recipes").mkdir()
    (tmp_path / "recipes" / "my_recipe.py").write_text(RECIPE)
    (tmp_path / "recipes" / "another.py").write_text(RECIPE)
    (tmp_path / "my_app.py").write_text(APP)
    (tmp_path / "my_app_asgi.py").write_text("from apps.my_app import app\n")
    return CodeExcerpts(tmp_path)


def test_a_recipe_is_its_whole_file(excerpts: CodeExcerpts) -> None:
    excerpt = excerpts.recipe("my_recipe")
    assert excerpt is not None
    assert excerpt.text == RECIPE.strip()
    assert excerpt.parameters == ("source", "clean_up")


def test_a_link_leads_to_the_lines_of_the_function(excerpts: CodeExcerpts) -> None:
    excerpt = excerpts.recipe("my_recipe")
    assert excerpt is not None
    assert (excerpt.path, excerpt.first_line, excerpt.last_line) == (
        "apps/recipes/my_recipe.py",
        8,
        10,
    )


def test_an_app_is_shown_by_the_function_that_calls_the_service(excerpts: CodeExcerpts) -> None:
    excerpt = excerpts.call_in_app("my-app", "background")
    assert excerpt is not None
    assert excerpt.text.startswith("@decorated\ndef respond(stream):")
    assert excerpt.text.endswith("service.background()")
    assert (excerpt.path, excerpt.first_line, excerpt.last_line) == ("apps/my_app.py", 8, 11)


def test_an_app_made_of_another_one_is_shown_by_that_one(excerpts: CodeExcerpts) -> None:
    excerpt = excerpts.call_in_app("my-app-asgi", "background")
    assert excerpt is not None
    assert excerpt.path == "apps/my_app.py"


def test_an_app_that_another_one_replaced_is_not_shown(
    excerpts: CodeExcerpts, tmp_path: Path
) -> None:
    for name in ("my-app", "my-app-asgi"):
        assert excerpts.call_in_app(name, "background") is not None
        replaced = CodeExcerpts(tmp_path, replaced={"my-app"})
        assert replaced.call_in_app(name, "background") is None


def test_what_is_not_there_is_not_shown(excerpts: CodeExcerpts, tmp_path: Path) -> None:
    assert excerpts.recipe("no_recipe") is None
    assert excerpts.recipe("another") is None, "its file has no function of that name"
    assert excerpts.call_in_app("my-app", "dependency_teardown") is None
    assert excerpts.call_in_app("no-app", "background") is None
    assert CodeExcerpts(tmp_path / "elsewhere").recipe("my_recipe") is None


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_function_of_a_recipe_has_code_to_show(function: str) -> None:
    excerpts = CodeExcerpts()
    in_apps = [excerpts.call_in_app(app_id, function) for app_id in find_apps()]
    assert excerpts.recipe(function) is not None or any(in_apps)
