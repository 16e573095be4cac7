"""A source that relays the event stream of an upstream server, as services relay an LLM's.

Written as httpx's documentation teaches ("Async Support", "Streaming responses"): a client
and a response, each in an `async with`, and a loop over the lines. The connection is closed
by leaving these blocks and by nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from hangup.agent import probe

S = TypeVar("S")


async def source(
    trial: str | None, url: str, item: Callable[[int, str], S]
) -> AsyncGenerator[S, None]:
    """Relay what `url` streams: yield `item` of the number and the data of each event.

    It is reported as the trial's source, so the end of that span is when httpx has closed
    the connection.
    """
    import httpx

    with probe.Span(trial, "source", at="await") as span:
        number = 0
        async with httpx.AsyncClient() as client, client.stream("GET", url) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    number += 1
                    span.at = "yield"
                    yield item(number, line.removeprefix("data: "))
                    span.at = "await"
