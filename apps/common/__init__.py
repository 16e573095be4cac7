"""What every app shares: the streams, and how an app reports what its handlers see.

This package runs in the server's process. With it, an app imports the recipes and, where it is
installed, AnyIO; httpx is imported only when a stream relays.
An app needs three names:

`service`
    what the streams do, written once for all apps (`apps.common.service`)
`probe`
    reports what a handler, a hook or middleware saw (`hangup.agent.probe`)
`AppError`
    the application error that apps install a handler for
"""

from apps.common import service
from apps.common.service import AppError
from hangup.agent import probe

__all__ = ["AppError", "probe", "service"]
