"""What a run is to do, from the names that were asked for."""

from __future__ import annotations

import itertools
from pathlib import Path

import msgspec
import pytest

from hangup.errors import UserError, choose
from hangup.model import scenarios as catalogue
from hangup.model import servers
from hangup.model.apps import App, Variant, VariantMetadata
from hangup.model.plan import Interpreter
from hangup.model.scenarios import BY_ID, SCENARIOS
from hangup.model.servers import SERVERS
from hangup.runner.plan import (
    applicable,
    choose_scenarios,
    choose_servers,
    choose_stacks,
    count_trials,
    own_server_groups,
    phase,
    rounds,
    scenarios_to_trace,
    shared_server_groups,
    traced_sequences,
)
from tests.plans import a_plan, an_app

UVICORN = servers.BY_ID["uvicorn"]
PROOFS = {scenario.id for scenario in SCENARIOS if scenario.proof}


def test_nothing_asked_for_means_everything() -> None:
    assert choose("app", [], ["bare", "quart"]) == ("bare", "quart")
    assert choose_servers([]) == tuple(server.id for server in SERVERS)
    everything = tuple(s.id for s in SCENARIOS if not s.only_recommended)
    assert choose_scenarios([], thorough=True) == everything


def a_variant(of: str, name: str, *, recipes: bool = False) -> App:
    about = VariantMetadata(title=name, recipes=recipes)
    variant = Variant(name=name, path=Path(f"{name}.py"), about=about)
    return msgspec.structs.replace(an_app(of), id=f"{of}+{name}", variant=variant)


KNOWN = {
    app.id: app for app in (an_app("bare"), an_app("quart"), a_variant("quart", "asgi-middleware"))
}
GRACEFUL = servers.BY_ID["uvicorn+graceful-2s"]


def stacks(*, app: str = "", server: str = "", variants: bool = False) -> set[tuple[str, str]]:
    wanted = [name for name in (app,) if name], [name for name in (server,) if name]
    return set(choose_stacks(*wanted, KNOWN, variants=variants))


def test_baselines_run_with_baselines() -> None:
    assert stacks() == set(itertools.product(["bare", "quart"], ["uvicorn", "hypercorn"]))


def test_variants_run_with_what_they_differ_from_in_one_thing_only() -> None:
    more = stacks(variants=True) - stacks()
    of_servers = {server.id for server in SERVERS if "+" in server.id}
    assert more == {("quart+asgi-middleware", "uvicorn"), *(("bare", s) for s in of_servers)}


def test_a_variant_that_is_named_runs_in_any_case() -> None:
    assert stacks(app="quart+asgi-middleware") == {("quart+asgi-middleware", "uvicorn")}
    assert stacks(server="uvicorn+fast") == {("bare", "uvicorn+fast")}


def test_what_is_named_on_both_sides_runs_together() -> None:
    for app, server in itertools.product(KNOWN, servers.BY_ID):
        assert stacks(app=app, server=server) == {(app, server)}


def test_a_server_that_differs_at_shutdown_only_is_spared_the_rest() -> None:
    ids = ["idle", "complete", "shutdown", "try-finally-in-idle", "try-finally-in-shutdown"]
    found = [s.id for s in applicable(ids, an_app("bare"), GRACEFUL)]
    assert found == ["complete", "shutdown", "try-finally-in-shutdown"]


@pytest.mark.parametrize("recipes", [False, True])
def test_recipes_are_tried_on_variants_that_are_for_it(*, recipes: bool) -> None:
    ids = ["idle", "try-finally-in-idle"]
    app = a_variant("quart", "asgi-middleware", recipes=recipes)
    assert [s.id for s in applicable(ids, app, UVICORN)] == (ids if recipes else ["idle"])


def test_a_run_is_spared_what_is_only_for_thorough_ones() -> None:
    chosen = choose_scenarios([], thorough=False)
    assert chosen == tuple(scenario.id for scenario in SCENARIOS if not scenario.thorough)
    assert {"idle", "shutdown"} < set(chosen)
    assert {"relay", "polling", "try-finally-in-idle"}.isdisjoint(chosen)


def test_a_thorough_run_may_leave_out_recipes() -> None:
    chosen = choose_scenarios([], thorough=True, recipes=False)
    assert chosen == tuple(scenario.id for scenario in SCENARIOS if scenario.kind != "recipe")


def test_what_is_asked_for_comes_once_and_in_the_order_there_is() -> None:
    wanted = ["quart", "bare", "quart"]
    assert choose("app", wanted, ["bare", "litestar", "quart"]) == ("bare", "quart")


@pytest.mark.parametrize(
    ("name", "near"),
    [("uvicron", "did you mean uvicorn"), ("zzz", "'zzz'; `hangup list` shows what there is.")],
)
def test_an_unknown_name_is_answered_with_the_nearest_or_with_where_to_look(
    name: str, near: str
) -> None:
    with pytest.raises(UserError, match=f"There is no server '{name}'") as raised:
        choose_servers(["uvicorn", name])
    assert near in str(raised.value)


def test_an_unknown_scenario_is_answered_with_near_ones() -> None:
    with pytest.raises(UserError, match=r"no scenario 'idel'; did you mean idle"):
        choose_scenarios(["idel"], thorough=False)


@pytest.mark.parametrize("name", sorted(BY_ID))
def test_the_proofs_belong_to_every_run(name: str) -> None:
    assert set(choose_scenarios([name], thorough=False)) == PROOFS | {name}


def test_scenarios_are_run_in_the_order_of_the_catalogue() -> None:
    chosen = choose_scenarios(["ticking", "cleanup-await"], thorough=True)
    assert chosen == tuple(scenario.id for scenario in SCENARIOS if scenario.id in chosen)


def test_there_is_a_proof_for_each_kind_of_handler_and_for_streams() -> None:
    assert {"plain-error", "plain-app-error", "plain-cancelled", "complete"} <= PROOFS


def test_an_app_is_spared_the_scenarios_it_does_not_support() -> None:
    ids = ["idle", "sync"]
    assert [s.id for s in applicable(ids, an_app("bare", "sync"), UVICORN)] == ["idle"]
    assert [s.id for s in applicable(ids, an_app("starlette"), UVICORN)] == ids


def test_trials_are_counted_over_apps_servers_and_repeats() -> None:
    apps = {"bare": an_app("bare", "sync"), "starlette": an_app("starlette")}
    plan = a_plan(*apps, servers=2, repeats=5, scenarios=["idle", "sync"], trace_exceptions=True)
    traced = 2 * (1 + 2)
    assert count_trials(plan, apps) == 2 * (5 + 2 * 5) + traced


def test_nothing_is_traced_where_that_was_not_asked_for() -> None:
    plan = a_plan("bare")
    assert scenarios_to_trace(plan, an_app("bare"), UVICORN) == []
    assert count_trials(plan, {"bare": an_app("bare")}) == plan.repeats


@pytest.mark.parametrize(("repeats", "own"), [(1, 1), (5, 5), (9, 5)])
def test_what_needs_a_server_of_its_own_is_repeated_five_times_at_most(
    repeats: int, own: int
) -> None:
    plan = a_plan("bare", repeats=repeats, scenarios=[])
    assert plan.repeats_of(BY_ID["shutdown"]) == own
    assert plan.repeats_of(BY_ID["idle"]) == repeats


@pytest.mark.parametrize(("repeats", "in_group", "alone"), [(1, 1, 4), (5, 5, 20), (9, 5, 20)])
def test_recipes_are_repeated_five_times_at_most_and_more_often_if_they_are_recommended(
    repeats: int, in_group: int, alone: int
) -> None:
    plan = a_plan("bare", repeats=repeats)
    recipe = BY_ID["try-finally-in-idle"]
    assert plan.repeats_of(recipe) == in_group
    assert plan.repeats_of(recipe.by_itself()) == alone
    assert plan.repeats_of(BY_ID["try-finally-in-shutdown"].by_itself()) == in_group
    assert rounds([recipe.by_itself()], 2) == [
        [(recipe.by_itself(), 1)],
        [(recipe.by_itself(), 2)],
    ]


def test_what_only_recommended_recipes_are_tried_in_is_run_by_name() -> None:
    name = "try-finally-in-shutdown-group"
    assert name not in choose_scenarios([], thorough=True)
    assert name in choose_scenarios([name], thorough=False)


def test_an_app_is_spared_the_recipes_it_has_no_place_for() -> None:
    ids = ["try-finally-in-idle", "dependency-in-idle"]
    assert [s.id for s in applicable(ids, an_app("bare"), UVICORN)] == ids[:1]
    able = an_app("fastapi")
    about = msgspec.structs.replace(able.about, surfaces=("dependency",))
    able = msgspec.structs.replace(able, about=about)
    assert [s.id for s in applicable(ids, able, UVICORN)] == ids


def test_what_runs_together_is_side_by_side_in_the_catalogue() -> None:
    groups = [s.group for s in SCENARIOS if s.group and not s.own_server]
    assert [name for name, _ in itertools.groupby(groups)] == list(dict.fromkeys(groups))


def test_what_shows_a_race_is_repeated_more_often() -> None:
    assert a_plan("bare", repeats=5).repeats_of(BY_ID["ticking"]) > 5


def test_scenario_names_are_unique() -> None:
    assert len(catalogue.BY_ID) == len(catalogue.SCENARIOS)


# --- The order of a run.


def test_every_scenario_is_run_on_a_shared_server_or_on_its_own() -> None:
    groups = [*shared_server_groups(SCENARIOS), *own_server_groups(SCENARIOS)]
    ran = [scenario.id for group in groups for scenario in group]
    assert sorted(ran) == sorted(BY_ID)
    assert all(scenario.own_server for group in own_server_groups(SCENARIOS) for scenario in group)


def test_members_of_a_group_run_together_and_others_by_themselves() -> None:
    for group in [*shared_server_groups(SCENARIOS), *own_server_groups(SCENARIOS)]:
        assert len(group) == 1 or len({scenario.group for scenario in group}) == 1
        if len(group) > 1:
            assert group[0].group


def test_what_may_hang_a_shared_server_comes_last_and_recipes_first_of_that() -> None:
    order = [scenario for group in shared_server_groups(SCENARIOS) for scenario in group]
    assert [s.may_hang_server for s in order] == sorted(s.may_hang_server for s in order)
    floods = [scenario.kind for scenario in order if scenario.may_hang_server]
    assert floods == sorted(floods, key=lambda kind: kind != "recipe")
    assert {"recipe", "disconnect"} <= set(floods)


def test_repeats_run_at_once_unless_they_would_disturb_one_another() -> None:
    idle, ticking = BY_ID["idle"], BY_ID["ticking"]
    assert rounds([idle], 3) == [[(idle, 1), (idle, 2), (idle, 3)]]
    assert rounds([ticking], 3) == [[(ticking, 1)], [(ticking, 2)], [(ticking, 3)]]


def test_a_group_of_several_runs_repeat_by_repeat() -> None:
    first, second, *_ = next(g for g in shared_server_groups(SCENARIOS) if len(g) > 1)
    assert rounds([first, second], 2) == [
        [(first, 1), (second, 1)],
        [(first, 2), (second, 2)],
    ]


def test_traced_scenarios_share_a_server_unless_they_end_it() -> None:
    shutdown, idle, firehose = (BY_ID[name] for name in ("shutdown", "idle", "firehose"))
    assert traced_sequences([firehose, shutdown, idle]) == [[idle, firehose], [shutdown]]
    assert traced_sequences([shutdown]) == [[shutdown]]
    assert traced_sequences([]) == []


def test_each_repeat_disconnects_at_another_point_between_two_events() -> None:
    plan = a_plan("bare", repeats=5)
    ticking = BY_ID["ticking"]
    phases = [phase(ticking, repeat, plan) for repeat in range(plan.repeats_of(ticking) + 1)]
    assert all(0 < point < 1 for point in phases)
    assert phases[1:] == sorted(set(phases[1:]))


def test_a_python_built_from_a_repository_has_a_number_that_can_be_compared() -> None:
    built = Interpreter(path="python", version="CPython 3.13.0+")
    assert (built.number, built.feature) == ("3.13.0", "3.13")
