"""The report of results made up for a test, with excerpts of the apps' real code."""

from __future__ import annotations

import re
from collections.abc import Mapping

from hangup.analysis.claims import verdicts
from hangup.analysis.outcomes import Outcomes
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.trace import StackResult
from hangup.report import pages
from hangup.report.views import in_order


def outcomes_of(*results: StackResult) -> Outcomes:
    """The outcomes, in the order in which a report has them."""
    return Outcomes(in_order(results))


def rendered(*results: StackResult, link_code: bool = True) -> Mapping[str, str]:
    """All pages by their path."""
    outcomes = outcomes_of(*results)
    return pages.render(outcomes, verdicts(outcomes), CodeExcerpts(), link_code=link_code)


def row_of(text: str, *starts: str) -> str:
    """The first row that begins with these cells, footnotes in place of their marks."""
    start = f"| {' | '.join(starts)} |"
    row = next(line for line in text.splitlines() if line.startswith(start))
    notes = dict(re.findall(r"(?m)^(\[\^\d+\]): (.+)$", text))
    return re.sub(r"\[\^\d+\]", lambda mark: f" ({notes[mark[0]]})", row)
