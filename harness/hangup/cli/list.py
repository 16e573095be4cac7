"""`hangup list`: the names that other commands take."""

from __future__ import annotations

import sys

import msgspec

from hangup.cli.options import Json, OwnApps
from hangup.environment.apps import find_apps
from hangup.environment.version_sets import version_sets
from hangup.model.scenarios import SCENARIOS
from hangup.model.servers import SERVERS


def list_available(json: Json = False, apps: OwnApps = None) -> None:
    """List the apps, servers, scenarios and version sets that a run can be made of."""
    available = {
        "apps": {app.id: app.about.title for app in find_apps(apps).values()},
        "servers": {server.id: server.title for server in SERVERS},
        "scenarios": {scenario.id: scenario.question for scenario in SCENARIOS},
        "versions": version_sets(),
    }
    if json:
        sys.stdout.write(msgspec.json.encode(available).decode() + "\n")
        return
    width = max(len(name) for names in available.values() for name in names) + 2
    for kind, names in available.items():
        sys.stdout.write(f"{kind}\n")
        for name, text in names.items():
            sys.stdout.write(f"  {name:{width}}{text}\n")
