"""The trace that the agent writes in a test's own process, as the fixture `trace` gives it."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any


class AgentTrace:
    """What the agent has recorded so far."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.path.read_text().splitlines()]

    def of(self, surface: str) -> list[str]:
        """A surface's events in short, such as `end CancelledError at await`."""
        return [
            " ".join(
                [e["event"]]
                + ([e["saw"]] if "saw" in e else [])
                + ([f"at {e['at']}"] if "at" in e else [])
            )
            for e in self.events
            if e["surface"] == surface
        ]


async def other_tasks_done() -> None:
    """Wait until every other task of this event loop is done."""
    await asyncio.sleep(0)  # what was submitted "threadsafe" becomes a task
    while others := asyncio.all_tasks() - {asyncio.current_task()}:
        await asyncio.wait(others)
