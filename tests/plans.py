"""Plans and apps made up for tests."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import hangup
from hangup.model.apps import App, AppMetadata
from hangup.model.plan import Interpreter, Plan
from hangup.model.servers import SERVERS


def an_app(name: str, *unsupported: str) -> App:
    about = AppMetadata(title=name, session=name, unsupported=unsupported)
    return App(id=name, path=Path(f"{name}.py"), dependencies=(), about=about)


def a_plan(
    *apps: str,
    servers: int = 1,
    repeats: int = 1,
    scenarios: Sequence[str] = ("idle",),
    directory: str = "",
    trace_exceptions: bool = False,
) -> Plan:
    return Plan(
        id="0badcafe",
        date="2025-01-31",
        hangup=hangup.__version__,
        apps_directory=directory,
        stacks=tuple((app, server.id) for server in SERVERS[:servers] for app in apps),
        scenarios=tuple(scenarios),
        versions="current",
        interpreter=Interpreter(path="python", version="CPython 3.13.0"),
        repeats=repeats,
        latency=0,
        window_s=2.0,
        trace_exceptions=trace_exceptions,
        whole=True,
    )
