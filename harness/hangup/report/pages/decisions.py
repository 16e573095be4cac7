"""Decision records that a reader may start from, as `hangup decide` prints them."""

from __future__ import annotations

from hangup.model.servers import REFERENCE
from hangup.report.decision_record import decision_record
from hangup.report.decision_text import record_text
from hangup.report.links import Links, decision_page
from hangup.report.pages.context import GENERATED, Context, Pages

APPS = ("fastapi-streaming", "sse-starlette", "starlette")
"""The apps that have a record among the results, if they were run on the reference server."""


def pages(context: Context) -> Pages:
    """A record for each of these apps, of the first version set and Python."""
    found = {}
    for stack in context.groups[0].stacks:
        if stack.app in APPS and stack.server == REFERENCE:
            record = decision_record(context.outcomes, stack, context.excerpts, context.guide)
            page = decision_page(stack.app, stack.server)
            text = record_text(record, context.outcomes, stack, Links(page))
            found[page] = GENERATED + text
    return found
