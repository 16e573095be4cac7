"""What stands before the first trial: the apps a version set can hold, and the environments."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path

import msgspec

from hangup.environment import machine
from hangup.environment.installations import install
from hangup.environment.staging import staged_app, staged_directory, staged_variant
from hangup.environment.version_sets import constraints_of, pins_of, unsupported_stacks
from hangup.errors import UserError
from hangup.model import servers
from hangup.model.apps import REFERENCE, App
from hangup.model.plan import Plan
from hangup.model.servers import Server
from hangup.runner.gather import gather


class PreparedStack(msgspec.Struct, frozen=True, kw_only=True):
    """A stack that is ready to be started."""

    app: App
    server: Server
    pins: tuple[str, ...]
    """What is installed, as `name==version`."""
    python: Path
    """The Python of the environment it is installed in."""
    staged: Path
    """The directory that the server imports the app and the agent from."""

    @property
    def name(self) -> str:
        """What it is called in messages and in the names of directories."""
        return f"{self.app.id}-on-{self.server.id}"

    @property
    def app_file(self) -> Path:
        """The app's file, where the server reads it."""
        return staged_app(self.staged, self.app.path)

    @property
    def variant_file(self) -> Path | None:
        """The file of the app's variant, where the server reads it."""
        variant = self.app.variant
        return None if variant is None else staged_variant(self.staged, variant)


async def prepare_stacks(
    plan: Plan, apps: Mapping[str, App], directory: Path, environments: Path
) -> list[PreparedStack]:
    """Resolve and install everything that a plan needs, in its order.

    `directory` is the run's, in which apps and agent have been staged; `environments` is where
    those of all runs are kept. Where latencies are taken, the reference app is prepared even if
    the plan has no trials of it. Raises UserError if an environment cannot be made.
    """
    staged = staged_directory(directory)
    limit = asyncio.Semaphore(machine.cores())
    locks: defaultdict[tuple[str, ...], asyncio.Lock] = defaultdict(asyncio.Lock)
    resolved: dict[tuple[str, ...], tuple[str, ...]] = {}
    constraints = constraints_of(plan.versions)

    async def prepare(app: App, server: Server) -> PreparedStack:
        wanted = (app.requires_python, *app.dependencies, *server.requirements)
        async with locks[wanted], limit:
            if wanted not in resolved:
                resolved[wanted] = await pins_of(
                    app, server, constraints, plan.interpreter, environments
                )
            pins = resolved[wanted]
            python = await install(pins, plan.interpreter, environments)
        return PreparedStack(app=app, server=server, pins=pins, python=python, staged=staged)

    chosen = list(plan.stacks)
    if plan.latency and REFERENCE in apps:
        compared = ((REFERENCE, server) for server in plan.servers)
        chosen += [stack for stack in compared if stack not in chosen]
    return await gather(prepare(apps[app], servers.BY_ID[server]) for app, server in chosen)


async def without_unsupported_stacks(
    plan: Plan, apps: Mapping[str, App], environments: Path
) -> tuple[Plan, dict[str, str]]:
    """The plan without what its version set cannot be installed with, and why, by what it is.

    That is an app, or an app on a server if it can be installed with others. Raises UserError if
    there is nothing left.
    """
    reasons = await unsupported_stacks(
        [(apps[app], servers.BY_ID[server]) for app, server in plan.stacks],
        constraints_of(plan.versions),
        plan.interpreter,
        environments,
    )
    supported = tuple(stack for stack in plan.stacks if stack not in reasons)
    if not supported:
        raise UserError(next(iter(reasons.values())))
    installed = {app for app, _ in supported}
    left_out = {
        f"{app} on {server}" if app in installed else app: reason
        for (app, server), reason in reasons.items()
    }
    return msgspec.structs.replace(plan, stacks=supported), left_out
