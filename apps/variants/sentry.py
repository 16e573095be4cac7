# /// script
# requires-python = ">=3.11"
# dependencies = ["sentry-sdk"]
#
# [tool.hangup]
# title = "with the Sentry SDK"
# surfaces = ["error-report"]
# ///
"""The Sentry SDK, initialised before the app is made, as its documentation has it.

Its integrations of the framework and of `logging` are those it enables by itself. Its transport
reports what is sent to the harness; nothing leaves the process.
"""

import sentry_sdk
from sentry_sdk.transport import Transport

from apps.common.error_reports import report


class InProcessTransport(Transport):
    def capture_envelope(self, envelope):
        event = envelope.get_event()
        if event is not None:
            report(event)


sentry_sdk.init(dsn="http://key@127.0.0.1/1", transport=InProcessTransport)


def vary(module):
    return module.app
