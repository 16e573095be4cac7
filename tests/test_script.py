"""The script of a stream as the harness has it; that the server has the same is another test's."""

from __future__ import annotations

import pytest

from hangup.model.script import IDLE, Script


def test_only_what_differs_from_the_defaults_is_sent() -> None:
    assert Script().json() == "{}"
    assert Script(events=1, then="wait").json() == '{"events":1,"then":"wait"}'
    assert IDLE.json() == '{"then":"wait"}'


@pytest.mark.parametrize(
    ("script", "cleans_up"),
    [(Script(), False), (Script(cleanup="await"), True), (Script(recipe="aclosing_source"), True)],
)
def test_a_script_says_whether_anything_is_cleaned_up(script: Script, cleans_up: bool) -> None:
    assert script.cleans_up is cleans_up
