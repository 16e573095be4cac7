"""What a run is to do, and in what order. Pure: names and scenarios in, trials to run out."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import TypeAlias

from hangup.errors import choose
from hangup.model import scenarios as catalogue
from hangup.model import servers
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.model.scenario import Scenario
from hangup.model.servers import Server
from hangup.model.variants import variant_name

Group: TypeAlias = Sequence[Scenario]
"""Scenarios that run at once on one server; most are a group by themselves."""


def choose_scenarios(
    wanted: Sequence[str], *, thorough: bool, recipes: bool = True
) -> tuple[str, ...]:
    """The scenarios that are wanted, with the controls that prove that surfaces are in place.

    If none is named, all there are of a thorough run, with or without recipes, or of one that is
    not.
    """
    chosen = choose("scenario", wanted, catalogue.BY_ID)

    def runs(scenario: Scenario) -> bool:
        if wanted:
            return scenario.id in chosen
        if scenario.only_recommended:
            return False
        return (thorough or not scenario.thorough) and (recipes or scenario.kind != "recipe")

    return tuple(s.id for s in catalogue.SCENARIOS if s.proof or runs(s))


def choose_servers(wanted: Sequence[str]) -> tuple[str, ...]:
    """The servers that are wanted, or all."""
    return choose("server", wanted, servers.BY_ID)


def choose_stacks(
    app_ids: Sequence[str], server_ids: Sequence[str], apps: Mapping[str, App], *, variants: bool
) -> tuple[tuple[str, str], ...]:
    """The apps and servers that are wanted, or all, and which of them run together.

    Baselines run with baselines; a variant of an app with the reference server, a variant of a
    server with the apps that it names, so that each is compared with what differs from it in one
    thing. Without `variants`, only those that are named run. Whatever is named on both sides runs
    together.
    Raises UserError for a name there is not.
    """
    chosen_apps = choose("app", app_ids, apps)
    chosen_servers = choose_servers(server_ids)

    def runs(app: App, server: Server) -> bool:
        if app.id in app_ids and server.id in server_ids:
            return True
        if app.variant is not None:
            wanted = variants or app.id in app_ids
            return wanted and server.id == servers.REFERENCE
        if variant_name(server.id):
            wanted = variants or server.id in server_ids
            return wanted and app.id in server.apps
        return True

    return tuple(
        (app, server)
        for server in chosen_servers
        for app in chosen_apps
        if runs(apps[app], servers.BY_ID[server])
    )


def applicable(scenario_ids: Sequence[str], app: App, server: Server) -> list[Scenario]:
    """The scenarios that this app has all it takes for, and that concern this server."""
    chosen = (catalogue.BY_ID[scenario_id] for scenario_id in scenario_ids)
    return [
        s
        for s in chosen
        if catalogue.fits(s, app.about.surfaces, app.about.unsupported)
        and (app.tries_recipes or s.kind != "recipe")
        and (not server.shutdown_only or s.signal or s.kind == "control")
    ]


def scenarios_to_trace(plan: Plan, app: App, server: Server) -> list[Scenario]:
    """The scenarios that are run once more with their exceptions traced.

    Recipes are not: what is thrown into them is what the scenarios without them are about.
    Neither are streams that poll: every time they ask is a cancellation of its own.
    """
    if not plan.trace_exceptions:
        return []
    chosen = applicable(plan.scenarios, app, server)
    return [s for s in chosen if s.kind != "recipe" and not s.script.polls]


def own_server_groups(scenarios: Iterable[Scenario]) -> list[Group]:
    """The groups that end their server, so that each repeat has a server of its own."""
    return _groups(scenario for scenario in scenarios if scenario.own_server)


def shared_server_groups(scenarios: Iterable[Scenario]) -> list[Group]:
    """The groups that run on one server, one after the other, in their order."""
    shared = (scenario for scenario in scenarios if not scenario.own_server)
    # A flood that gives others their turn comes before one that does not.
    return _groups(sorted(shared, key=lambda s: (s.may_hang_server, s.kind != "recipe")))


def traced_sequences(scenarios: Iterable[Scenario]) -> list[list[Scenario]]:
    """The scenarios that are traced one after the other on one server, sequence by sequence."""
    scenarios = list(scenarios)
    shared = [scenario for scenario in scenarios if not scenario.own_server]
    shared.sort(key=lambda scenario: scenario.may_hang_server)
    own = [[scenario] for scenario in scenarios if scenario.own_server]
    return [shared, *own] if shared else own


def rounds(group: Group, repeats: int) -> list[list[tuple[Scenario, int]]]:
    """The trials of a group that shares a server, as scenario and repeat: what runs at once.

    The repeats of a scenario run at once, unless it is exclusive, one of several in its group, or
    a recipe that is recommended.
    """
    numbers = range(1, repeats + 1)
    by_repeat = [[(scenario, repeat) for scenario in group] for repeat in numbers]
    if group[0].exclusive or group[0].group or group[0].alone:
        return by_repeat
    return [[trial for round_ in by_repeat for trial in round_]]


def phase(scenario: Scenario, repeat: int, plan: Plan) -> float:
    """Where between two events this repeat disconnects, from 0 to 1.

    No two repeats do at the same point; the trial that is traced does where the first one does.
    """
    return abs(repeat - 0.5) / plan.repeats_of(scenario)


def _groups(scenarios: Iterable[Scenario]) -> list[Group]:
    """Neighbours of the same group, and any other scenario by itself."""
    grouped = itertools.groupby(scenarios, key=lambda s: s.group or s.id)
    return [list(members) for _, members in grouped]


def count_trials(plan: Plan, apps: Mapping[str, App]) -> int:
    """How many trials there are in a plan, latencies apart."""
    stacks = [(apps[app], servers.BY_ID[server]) for app, server in plan.stacks]
    traced = sum(len(scenarios_to_trace(plan, *stack)) for stack in stacks)
    return traced + sum(
        plan.repeats_of(scenario)
        for stack in stacks
        for scenario in applicable(plan.scenarios, *stack)
    )
