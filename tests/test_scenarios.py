"""Scenarios, servers and plans: that their data are consistent."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from hangup.analysis.classification import _CONTROL_OF, ORDINARY_ERROR
from hangup.environment.apps import find_apps
from hangup.model import servers
from hangup.model.cleanup import RECIPES, RECIPES_BY_SITUATION, scenario_id
from hangup.model.scenario import Scenario
from hangup.model.scenarios import BY_ID, SCENARIOS, fits
from hangup.model.servers import SERVERS
from hangup.model.vocabulary import EVENT_SOURCE_OPTIONS, HOOK, OPTIONAL, Surface

APPS = find_apps(Path(__file__).parent.parent / "apps")


def ids(scenario: Scenario) -> str:
    return scenario.id


# --- Scenarios.


def test_no_scenario_is_there_twice() -> None:
    assert len(BY_ID) == len(SCENARIOS)
    assert list(BY_ID.values()) == list(SCENARIOS)


def test_no_two_scenarios_ask_the_same_question() -> None:
    assert len({scenario.question for scenario in SCENARIOS}) == len(SCENARIOS)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=ids)
def test_every_word_of_a_scenario_is_one_that_there_is(scenario: Scenario) -> None:
    assert msgspec.convert(msgspec.to_builtins(scenario), Scenario) == scenario


@pytest.mark.parametrize(
    "changed", [{"kind": "something"}, {"disconnect": "vanishes"}, {"precondition": "idle"}]
)
def test_a_scenario_with_a_word_that_there_is_not_is_rejected(changed: dict[str, str]) -> None:
    fields = msgspec.to_builtins(BY_ID["idle"]) | changed
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(fields, Scenario)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=ids)
def test_every_scenario_is_complete(scenario: Scenario) -> None:
    assert scenario.question.endswith((".", "?"))
    assert scenario.companion in {"", *BY_ID}
    known = {None, EVENT_SOURCE_OPTIONS, *OPTIONAL}
    assert scenario.surface in known or HOOK in (scenario.surface or "")
    assert scenario.repeat_factor >= 1
    assert scenario.script.upstream == "", "it is known only when the scenario is run"


@pytest.mark.parametrize("scenario", SCENARIOS, ids=ids)
def test_a_client_that_stays_waits_for_the_end_and_no_other_does(scenario: Scenario) -> None:
    stays_to_the_end = scenario.disconnect == "stays" and not scenario.signal
    assert stays_to_the_end == (scenario.precondition == "ended")


def test_a_server_that_is_ended_is_of_one_trial_or_group() -> None:
    assert all(s.own_server for s in SCENARIOS if s.signal)


def test_scenarios_of_a_group_can_run_at_once() -> None:
    groups: dict[str, list[Scenario]] = {}
    for scenario in SCENARIOS:
        if scenario.group:
            groups.setdefault(scenario.group, []).append(scenario)
    assert groups
    for members in groups.values():
        assert not any(scenario.exclusive for scenario in members)
        for field in ("own_server", "may_hang_server", "disconnect", "companion", "window_s"):
            assert len({getattr(scenario, field) for scenario in members}) == 1, field


def test_the_controls_that_others_silences_rest_on_are_part_of_every_run() -> None:
    for name in {ORDINARY_ERROR, *_CONTROL_OF.values()}:
        assert BY_ID[name].proof, name
        assert BY_ID[name].kind == "control", name
        assert not BY_ID[name].thorough, name
    assert set(_CONTROL_OF) <= set(Surface)


def test_every_recipe_in_a_situation_is_a_scenario() -> None:
    recipes = [scenario.id for scenario in SCENARIOS if scenario.kind == "recipe"]
    assert recipes == [scenario_id(*pair) for pair in RECIPES_BY_SITUATION]
    for recipe, situation in RECIPES_BY_SITUATION:
        scenario = BY_ID[scenario_id(recipe, situation)]
        assert scenario.script.recipe == "+".join(recipe.functions)
        assert scenario.thorough
        for field in ("precondition", "disconnect", "window_s", "companion", "exclusive"):
            assert getattr(scenario, field) == getattr(situation, field)


def test_recipes_that_change_the_process_have_a_server_of_their_own_at_sigterm() -> None:
    for recipe, situation in RECIPES_BY_SITUATION:
        group = BY_ID[scenario_id(recipe, situation)].group
        isolated = bool(recipe.isolation_group) and situation.own_server
        assert (group != situation.group) == isolated


def test_every_surface_that_a_scenario_takes_is_declared_by_an_app() -> None:
    declared = {surface for app in APPS.values() for surface in app.about.surfaces}
    assert {recipe.surface for recipe in RECIPES} - {None} <= declared
    needed = {scenario.needs for scenario in SCENARIOS} - {None}
    assert {name for app in APPS.values() for name in app.about.unsupported} <= needed


@pytest.mark.parametrize(
    ("scenario", "surfaces", "unsupported", "expected"),
    [
        ("idle", (), (), True),
        ("idle", (), ("sync",), True),
        ("sync", (), (), True),
        ("sync", (), ("sync",), False),
        ("dependency-in-idle", (), (), False),
        ("dependency-in-idle", ("dependency",), (), True),
        ("polling", (), ("is-disconnected",), False),
    ],
)
def test_a_scenario_fits_an_app_that_has_what_it_takes(
    scenario: str, surfaces: tuple[str, ...], unsupported: tuple[str, ...], expected: bool
) -> None:
    assert fits(BY_ID[scenario], surfaces, unsupported) is expected


# --- Servers.


def test_no_server_is_there_twice() -> None:
    assert len(servers.BY_ID) == len(SERVERS)
    assert len({server.title for server in SERVERS}) == len(SERVERS)


@pytest.mark.parametrize("server", SERVERS, ids=lambda server: server.id)
def test_every_server_is_told_its_app_and_port(server: servers.Server) -> None:
    arguments = server.arguments(4711)
    assert arguments[:2] == ["-m", server.module] or arguments[0] == "-c"
    module, _, name = servers.APP.partition(":")
    assert servers.APP in arguments or f"from {module} import {name}" in arguments[1]
    assert sum("4711" in argument for argument in arguments) == 1
    assert server.module in server.requirements
    assert server.arguments("PORT") == [a.replace("4711", "PORT") for a in arguments]


def test_a_scenario_that_may_hang_its_server_is_in_no_group() -> None:
    # It waits for its turn, and the others of a group would wait for it to be in its state.
    assert not [
        scenario.id for scenario in SCENARIOS if scenario.may_hang_server and scenario.group
    ]
    assert any(scenario.may_hang_server for scenario in SCENARIOS)


def test_ids_can_be_parts_of_paths_and_names() -> None:
    for name in (*BY_ID, *servers.BY_ID, *(recipe.id for recipe in RECIPES)):
        assert name.replace("-", "").replace("+", "").isalnum(), name
        assert name == name.lower()
