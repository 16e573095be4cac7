"""A source that relays an upstream server's event stream, as services do an LLM's.

Written as httpx's documentation teaches ("Async Support", "Streaming responses"): a client
and a response, each in an `async with`, and a loop over the lines. What closes them when
nobody wants the stream any more is this generator's being left, and nothing else.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable
from typing import TypeVar

from hangup.agent import probe

S = TypeVar("S")


async def source(
    trial: str | None, url: str, item: Callable[[int, str], S]
) -> AsyncGenerator[S, None]:
    """Relay what `url` streams: `item` of the number and the data of each event.

    It stands where a script's own source stands, and so ends when the connection has been
    closed as far as httpx does that.
    """
    import httpx

    with probe.Span(trial, "source", at="await") as here:
        number = 0
        async with httpx.AsyncClient() as client, client.stream("GET", url) as response:
            async for line in response.aiter_lines():
                if line.startswith("data: "):
                    number += 1
                    here.at = "yield"
                    yield item(number, line.removeprefix("data: "))
                    here.at = "await"
