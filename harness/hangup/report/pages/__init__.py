"""All pages of the report and the evidence. Pure: outcomes in, texts out.

Each module writes one kind of pages. The templates are given data (`views`, `claims`, `cleanup`,
`evidence`); what is Markdown about it is in the templates and their filters (`filters`).
"""

from __future__ import annotations

from collections.abc import Sequence

from hangup.analysis.outcomes import Outcomes
from hangup.model.claim import ClaimVerdict
from hangup.report.cleanup import Excerpts
from hangup.report.pages import (
    alarms,
    apps,
    claims,
    cleanup,
    decisions,
    effects,
    evidence,
    figures,
    hazards,
    method,
    overview,
    scenarios,
    shutdown,
    upstream,
)
from hangup.report.pages.context import GENERATED, Context, Pages
from hangup.report.pages.overview import excerpt

__all__ = ["GENERATED", "Context", "Pages", "excerpt", "pages", "render"]

KINDS = (
    figures,
    apps,
    claims,
    effects,
    shutdown,
    upstream,
    alarms,
    cleanup,
    hazards,
    method,
    decisions,
    scenarios,
    evidence,
)
"""The modules that write pages; that of the decision page comes last, as it leads to them."""


def render(
    outcomes: Outcomes,
    verdicts: Sequence[ClaimVerdict],
    excerpts: Excerpts,
    *,
    link_code: bool,
) -> Pages:
    """All pages, by their path below the results; stacks in the order of the outcomes."""
    return pages(Context(outcomes, verdicts, excerpts, link_code=link_code))


def pages(context: Context) -> Pages:
    """All pages of a report, by their path below the results."""
    found: dict[str, str] = {}
    for kind in KINDS:
        found |= kind.pages(context)
    found |= overview.pages(context, found.keys())
    return found
