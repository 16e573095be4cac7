"""Plans and apps made up for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from harness.appfiles import About, AppFile
from harness.environments import Interpreter
from harness.plan import Plan
from harness.servers import SERVERS


def an_app(name: str, *lacks: str) -> AppFile:
    about = About(title=name, session=name, lacks=lacks)
    return AppFile(id=name, path=Path(f"{name}.py"), dependencies=(), about=about)


def a_plan(
    *apps: str,
    servers: int = 1,
    repeats: int = 1,
    scenarios: Sequence[str] = ("idle",),
    directory: str = "apps",
    follow: bool = False,
) -> Plan:
    return Plan(
        id="0badcafe",
        date="2025-01-31",
        apps_directory=directory,
        apps=apps,
        servers=tuple(server.id for server in SERVERS[:servers]),
        scenarios=tuple(scenarios),
        versions="current",
        interpreter=Interpreter(path="python", version="CPython 3.13.0"),
        repeats=repeats,
        latency=0,
        window_s=2.0,
        follow=follow,
        whole=True,
    )
