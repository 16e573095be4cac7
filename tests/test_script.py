"""The script of a stream is the same on both sides: what the harness sends, the stream reads."""

from __future__ import annotations

import dataclasses
import typing
from typing import Any

import msgspec
import pytest

from apps.common import script as subject
from hangup.model.scenarios import SCENARIOS
from hangup.model.script import IDLE, Action, Script


def _fields_of_the_harness() -> dict[str, tuple[Any, Any]]:
    hints = typing.get_type_hints(Script)
    return {f.name: (hints[f.name], f.default) for f in msgspec.structs.fields(Script)}


def _fields_of_the_stream() -> dict[str, tuple[Any, Any]]:
    hints = typing.get_type_hints(subject.Script)
    return {f.name: (hints[f.name], f.default) for f in dataclasses.fields(subject.Script)}


def test_both_sides_have_the_same_fields_types_and_defaults() -> None:
    assert _fields_of_the_stream() == _fields_of_the_harness()
    # Compared as they print, too: 0 is not 0.0, and False is not 0.
    assert repr(_fields_of_the_stream()) == repr(_fields_of_the_harness())


def test_both_sides_know_the_same_actions() -> None:
    assert typing.get_args(subject.Action) == typing.get_args(Action)


EVERYTHING = Script(
    endpoint="raise",
    events=7,
    pause_ms=1.5,
    size=2,
    then="wait",
    holds_last=True,
    polls=True,
    timeout_ms=300,
    cleanup="swallow",
    upstream="http://127.0.0.1:1/events",
    recipe="until_sigterm+anyio_shield",
)


def test_the_example_differs_from_every_default() -> None:
    for field in msgspec.structs.fields(Script):
        assert getattr(EVERYTHING, field.name) != field.default, field.name


@pytest.mark.parametrize(
    "script",
    dict.fromkeys([Script(), IDLE, EVERYTHING, *(scenario.script for scenario in SCENARIOS)]),
    ids=lambda script: script.json(),
)
def test_what_is_sent_is_what_is_read(script: Script) -> None:
    read = subject.Script.from_json(script.json())
    assert dataclasses.asdict(read) == msgspec.structs.asdict(script)


def test_only_what_differs_from_the_defaults_is_sent() -> None:
    assert Script().json() == "{}"
    assert Script(events=1, then="wait").json() == '{"events":1,"then":"wait"}'


def test_a_field_that_there_is_not_is_rejected_where_it_is_read() -> None:
    with pytest.raises(TypeError, match="evnets"):
        subject.Script.from_json('{"evnets": 3}')


@pytest.mark.parametrize(
    ("script", "cleans_up"),
    [(Script(), False), (Script(cleanup="await"), True), (Script(recipe="aclosing_source"), True)],
)
def test_a_script_says_whether_anything_is_cleaned_up(script: Script, cleans_up: bool) -> None:
    assert script.cleans_up is cleans_up
