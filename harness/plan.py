"""What a run is to do. Pure: names in, plan out."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec

from harness import catalogue, servers
from harness.appfiles import AppFile
from harness.catalogue import Scenario
from harness.environments import Interpreter
from harness.errors import unknown

REFERENCE = "bare"
"""The app that latencies are compared with."""


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A run, as it is asked for and as it can be resumed."""

    id: str
    date: str
    apps_directory: str
    apps: tuple[str, ...]
    servers: tuple[str, ...]
    scenarios: tuple[str, ...]
    versions: str
    interpreter: Interpreter
    repeats: int
    latency: int
    """How many latencies are taken of each stack; 0 for none."""
    window_s: float
    follow: bool = False
    """Whether each scenario is run once more to follow its exceptions."""
    by_name: bool = False
    """Whether scenarios were asked for by name: what there is of the others is then kept."""
    results: str = ""
    """Where the results go."""
    whole: bool
    """Whether nothing was left out, so that older results are superseded altogether."""

    def repeats_of(self, scenario: Scenario) -> int:
        """How often a scenario is run.

        Less often where each time needs a server of its own or there is much to try, more
        often where it is a race.
        """
        costly = scenario.own_server or scenario.spoils or scenario.kind == "recipe"
        return min(self.repeats, 3) if costly else self.repeats * scenario.times


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


def applicable(scenario_ids: Sequence[str], app: AppFile) -> list[Scenario]:
    """The scenarios that this app has what it takes for."""
    chosen = (catalogue.BY_ID[scenario_id] for scenario_id in scenario_ids)
    return [s for s in chosen if catalogue.fits(s, app.about.surfaces, app.about.lacks)]


def to_follow(plan: Plan, app: AppFile) -> list[Scenario]:
    """The scenarios that are run once more to follow their exceptions.

    Recipes are not: what is thrown into them is what the scenarios without them are about.
    Neither are streams that poll: each time they ask is a cancellation of its own.
    """
    if not plan.follow:
        return []
    chosen = applicable(plan.scenarios, app)
    return [s for s in chosen if s.kind != "recipe" and "polls" not in s.script]


def count_trials(plan: Plan, apps: Mapping[str, AppFile]) -> int:
    """How many trials there are in a plan, latencies apart."""
    followed = sum(len(to_follow(plan, apps[app])) for app in plan.apps)
    return len(plan.servers) * (
        followed
        + sum(
            plan.repeats_of(scenario)
            for app in plan.apps
            for scenario in applicable(plan.scenarios, apps[app])
        )
    )
