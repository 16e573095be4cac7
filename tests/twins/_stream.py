"""What the twins stream: what the service's streams do, with nothing that observes it."""

import asyncio
import json

EVENTS = 3


async def events(kind):
    """The data of events: three, and then what `kind` says; `flood` has no end."""
    number = 0
    while number < EVENTS or kind == "flood":
        number += 1
        yield json.dumps({"number": number, "padding": "x" * 64 if kind == "flood" else ""})
    if kind == "error":
        raise ValueError("an ordinary error")
    if kind == "wait":
        await asyncio.sleep(3600)


async def encoded(kind, encode):
    """The same, encoded for the framework."""
    async for data in events(kind):
        yield encode(data)


def as_text(data):
    return f"data: {data}\n\n"
