"""What a run is to do. Pure: names in, plan out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

from hangup.errors import unknown
from hangup.model import scenarios as catalogue
from hangup.model import servers
from hangup.model.apps import App
from hangup.model.plan import Plan
from hangup.model.scenario import Scenario


def choose(kind: str, wanted: Sequence[str], known: Collection[str]) -> tuple[str, ...]:
    """The names that are wanted, or all; raises UserError for one there is not."""
    for name in wanted:
        if name not in known:
            raise unknown(kind, name, known)
    return tuple(name for name in known if not wanted or name in wanted)


def choose_scenarios(wanted: Sequence[str], *, thorough: bool) -> tuple[str, ...]:
    """The scenarios that are wanted, with those that prove what their silences mean.

    If none is named, all there are of a thorough run, or of one that is not.
    """
    chosen = choose("scenario", wanted, catalogue.BY_ID)
    return tuple(
        s.id
        for s in catalogue.SCENARIOS
        if s.proof or (s.id in chosen and (wanted or thorough or not s.thorough))
    )


def choose_servers(wanted: Sequence[str]) -> tuple[str, ...]:
    """The servers that are wanted, or all."""
    return choose("server", wanted, servers.BY_ID)


def applicable(scenario_ids: Sequence[str], app: App) -> list[Scenario]:
    """The scenarios that this app has what it takes for."""
    chosen = (catalogue.BY_ID[scenario_id] for scenario_id in scenario_ids)
    return [s for s in chosen if catalogue.fits(s, app.about.surfaces, app.about.unsupported)]


def scenarios_to_trace(plan: Plan, app: App) -> list[Scenario]:
    """The scenarios that are run once more to follow their exceptions.

    Recipes are not: what is thrown into them is what the scenarios without them are about.
    Neither are streams that poll: each time they ask is a cancellation of its own.
    """
    if not plan.trace_exceptions:
        return []
    chosen = applicable(plan.scenarios, app)
    return [s for s in chosen if s.kind != "recipe" and not s.script.polls]


def count_trials(plan: Plan, apps: Mapping[str, App]) -> int:
    """How many trials there are in a plan, latencies apart."""
    traced = sum(len(scenarios_to_trace(plan, apps[app])) for app in plan.apps)
    return len(plan.servers) * (
        traced
        + sum(
            plan.repeats_of(scenario)
            for app in plan.apps
            for scenario in applicable(plan.scenarios, apps[app])
        )
    )
