"""All pages of the report and the evidence. Pure: outcomes in, texts out.

Each module writes one kind of pages. The templates are given data (`views`, `claims`, `cleanup`,
`evidence`); what is Markdown about it is in the templates and their filters (`filters`).
"""

from __future__ import annotations

from collections.abc import Sequence

from hangup.analysis.outcomes import Outcomes
from hangup.model import servers
from hangup.model.claim import ClaimVerdict
from hangup.model.trace import StackResult
from hangup.report.cleanup import Excerpts
from hangup.report.filters import template_environment
from hangup.report.links import REPORT, Links
from hangup.report.pages import chapters, claims, cleanup, evidence, hazards, method, scenarios
from hangup.report.pages.context import GENERATED, Context, Pages
from hangup.report.views import GLANCE_COLUMNS, groups
from hangup.report.views import glance as glance_of

__all__ = ["GENERATED", "Context", "Pages", "excerpt", "render"]

KINDS = (chapters, claims, cleanup, hazards, method, scenarios, evidence)
"""The modules that write pages."""


def render(
    outcomes: Outcomes,
    verdicts: Sequence[ClaimVerdict],
    excerpts: Excerpts,
    *,
    link_code: bool,
) -> Pages:
    """All pages, by their path below the results; stacks in the order of the outcomes."""
    context = Context(outcomes, verdicts, excerpts, link_code=link_code)
    found: dict[str, str] = {}
    for kind in KINDS:
        found |= kind.pages(context)
    return found


def excerpt(outcomes: Outcomes) -> str:
    """What the README shows of the first group's table: a row an app, on its first server."""
    group = groups(outcomes)[0]
    first: dict[str, StackResult] = {}
    for result in group.results:
        first.setdefault(result.stack.app, result)
    rows = [(r.title, glance_of(outcomes, r.stack, None)) for r in first.values()]
    stack = next(iter(first.values())).stack
    template = template_environment().get_template("excerpt.md.j2")
    return template.render(
        rows=rows,
        columns=GLANCE_COLUMNS,
        server=_title_of(stack.server),
        python=stack.python,
        outcomes=outcomes,
        links=Links(REPORT),
    )


def _title_of(server: str) -> str:
    """What a server is; its id, if there is no such server any more."""
    known = servers.BY_ID.get(server)
    return known.title if known is not None else server
