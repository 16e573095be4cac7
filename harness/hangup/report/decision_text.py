"""Decision records as Markdown, with the headings of MADR."""

from __future__ import annotations

import re
from collections.abc import Mapping

import hangup
from hangup.analysis.cleanup import WORKS, CleanupResult
from hangup.analysis.outcomes import Outcomes
from hangup.model.cleanup import TRIED_BY
from hangup.model.consequences import BY_ID as CONSEQUENCES
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.trace import Stack
from hangup.report.decision_comparison import Comparison
from hangup.report.decision_record import Record
from hangup.report.filters import template_environment
from hangup.report.links import Links
from hangup.report.markdown import without_extra_blank_lines

FAILURES: Mapping[CleanupResult, str] = {
    CleanupResult.LOST: "is lost with the server, which answers no more",
    CleanupResult.NEVER: "is not begun",
    CleanupResult.CUT: "is begun and does not get to its end",
    CleanupResult.OPEN: "runs, but the source is left open",
    CleanupResult.EARLY: "is begun before the stream and its source are over",
    CleanupResult.LATE: "is begun only when the interpreter reclaims the stream",
    CleanupResult.UNWAITED: "runs, but the server may exit before: nothing waits for it",
}
"""What is said of a clean-up that was not done, the worst first."""
_BETWEEN_ITEMS = re.compile(r"(?m)^( *\* .*\n)\n(?=\* )")
"""A blank line between two items, which would set all of a list's items apart."""
assert FAILURES.keys() == set(CleanupResult) - WORKS - {CleanupResult.UNKNOWN}


def record_text(record: Record, outcomes: Outcomes, stack: Stack, links: Links) -> str:
    """The record of a stack, with links to the evidence."""
    return _text("decision_record.md.j2", outcomes, links, record=record, stack=stack)


def comparison_text(
    comparison: Comparison, outcomes: Outcomes, stacks: tuple[Stack, Stack], links: Links
) -> str:
    """The record of a comparison of two apps, with links to the evidence."""
    return _text("decision_comparison.md.j2", outcomes, links, comparison=comparison, stacks=stacks)


def _text(template: str, outcomes: Outcomes, links: Links, **data: object) -> str:
    text = (
        template_environment()
        .get_template(template)
        .render(
            outcomes=outcomes,
            links=links,
            hangup=hangup.__version__,
            scenario_by_id=SCENARIOS,
            tried_by=TRIED_BY,
            consequence_by_id=CONSEQUENCES,
            failures=FAILURES,
            CleanupResult=CleanupResult,
            linked_evidence=links.leads_anywhere,
            **data,
        )
    )
    return _BETWEEN_ITEMS.sub(r"\1", without_extra_blank_lines(text))
