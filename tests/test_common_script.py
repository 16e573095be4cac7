"""The script of a stream is defined twice, for the harness and for the server: as the same."""

from __future__ import annotations

import dataclasses
import json
from typing import Any, get_args, get_type_hints

import msgspec
import pytest

from apps.common import script as server_side
from hangup.model import script as harness_side
from hangup.model.scenarios import SCENARIOS

SCRIPTS = {scenario.id: scenario.script for scenario in SCENARIOS}
EVERY_FIELD_CHANGED = {
    "endpoint": "raise",
    "events": 7,
    "pause_ms": 2.5,
    "size": 64,
    "then": "wait",
    "holds_last": True,
    "polls": True,
    "timeout_ms": 0.5,
    "cleanup": "swallow",
    "cleanup_ms": 250.0,
    "upstream": "http://127.0.0.1:1/events?a=b",
    "recipe": "until_shutdown+anyio_shield",
}


def harness_defaults() -> dict[str, Any]:
    return {field.name: field.default for field in msgspec.structs.fields(harness_side.Script)}


def server_defaults() -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(server_side.Script)}


def as_json(script: server_side.Script) -> str:
    return json.dumps(dataclasses.asdict(script))


def test_both_have_the_same_fields_in_the_same_order_with_the_same_defaults() -> None:
    assert list(harness_defaults().items()) == list(server_defaults().items())


def test_both_have_the_same_types() -> None:
    assert get_type_hints(harness_side.Script) == get_type_hints(server_side.Script)


def test_both_have_the_same_actions() -> None:
    assert get_args(harness_side.Action) == get_args(server_side.Action)


def test_the_example_changes_every_field() -> None:
    assert EVERY_FIELD_CHANGED.keys() == harness_defaults().keys()
    assert not EVERY_FIELD_CHANGED.items() & harness_defaults().items()


@pytest.mark.parametrize("scenario", [*SCRIPTS, "every field changed"])
def test_a_script_sent_by_the_harness_and_back_is_the_same(scenario: str) -> None:
    every_field = msgspec.convert(EVERY_FIELD_CHANGED, harness_side.Script)
    sent = SCRIPTS.get(scenario, every_field)
    received = server_side.Script.from_json(sent.json())
    assert msgspec.json.decode(as_json(received), type=harness_side.Script) == sent


@pytest.mark.parametrize("fields", [{}, EVERY_FIELD_CHANGED])
def test_a_script_of_the_server_sent_to_the_harness_and_back_is_the_same(
    fields: dict[str, Any],
) -> None:
    script = server_side.Script(**fields)
    decoded = msgspec.json.decode(as_json(script), type=harness_side.Script)
    assert server_side.Script.from_json(decoded.json()) == script


def test_a_field_that_does_not_exist_is_an_error() -> None:
    with pytest.raises(TypeError, match="speed"):
        server_side.Script.from_json('{"speed": 1}')
