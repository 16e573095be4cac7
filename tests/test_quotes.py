"""Code is quoted as it stands, with what it needs."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangup.environment.code_excerpts import Quotes

STREAMS = '''\
"""A module."""

DEADLINE_S = 5.0
OTHER_S = 1.0


def helper():
    return DEADLINE_S


@decorated
async def stream(source: Source, clean_up):
    helper()


async def other(source):
    pass
'''

APP = """\
def encode(data):
    return data


def respond(stream):
    encode(1)
    service.background()
"""


@pytest.fixture
def quotes(tmp_path: Path) -> Quotes:
    (tmp_path / "apps" / "subject").mkdir(parents=True)
    (tmp_path / "apps" / "subject" / "recipes.py").write_text(STREAMS)
    (tmp_path / "apps" / "my_app.py").write_text(APP)
    (tmp_path / "apps" / "my_app_asgi.py").write_text("from apps.my_app import app\n")
    return Quotes(tmp_path)


def test_a_stream_comes_with_what_it_uses_and_nothing_else(quotes: Quotes) -> None:
    quote = quotes.recipe("stream")
    assert quote is not None
    assert "DEADLINE_S = 5.0" in quote.text
    assert "def helper" in quote.text
    assert "@decorated\nasync def stream" in quote.text
    assert "OTHER_S" not in quote.text
    assert "def other" not in quote.text
    assert quote.parameters == ("source", "clean_up")


def test_a_link_leads_to_the_functions_own_lines(quotes: Quotes) -> None:
    quote = quotes.recipe("stream")
    assert quote is not None
    assert quote.target == "../apps/common/recipes.py#L11-L13"


def test_a_hook_is_the_function_of_the_app_that_calls_it(quotes: Quotes) -> None:
    quote = quotes.hook("my-app", "background")
    assert quote is not None
    assert quote.text.startswith("def respond(stream):")
    assert (quote.path, quote.first) == ("apps/my_app.py", 5)


def test_an_app_made_of_another_has_the_others_hook(quotes: Quotes) -> None:
    quote = quotes.hook("my-app-asgi", "background")
    assert quote is not None
    assert quote.path == "apps/my_app.py"


def test_what_is_not_there_is_not_quoted(quotes: Quotes, tmp_path: Path) -> None:
    assert quotes.recipe("background") is None
    assert quotes.hook("my-app", "dependency_teardown") is None
    assert quotes.hook("nobodys", "background") is None
    assert Quotes(tmp_path / "elsewhere").recipe("stream") is None
