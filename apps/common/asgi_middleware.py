"""Pure ASGI middleware that reports how what it is around has ended, and changes nothing."""

from __future__ import annotations

from hangup.agent import probe
from hangup.agent.boundary import App, Receive, Scope, Send


class ASGIMiddleware:
    """Pass everything on to `app`; the surface `middleware` is the call of it."""

    def __init__(self, app: App) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        with probe.span("middleware"):
            await self.app(scope, receive, send)
