"""What every app shares: the streams, the probe and the outermost ASGI wrapper.

This package runs inside the server process, so it imports the standard library
only (AnyIO is imported by the one clean-up that is about it, httpx by a source that relays).
An app needs three names:

`service`
    what the streams do, written once for all apps (`apps.common.service`)
`probe`
    how an app reports what one of its handlers, hooks or middleware saw
    (`hangup.agent.probe`)
`AppError`
    the application error that has a handler of its own
"""

from apps.common import service
from apps.common.service import AppError
from hangup.agent import probe

__all__ = ["AppError", "probe", "service"]
