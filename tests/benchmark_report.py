"""How long `hangup report` takes over the committed results: processor time, by part.

`python tests/benchmark_report.py [RESULTS]`; nothing of the results is changed.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hangup.analysis.claims import verdicts
from hangup.analysis.outcomes import Outcomes
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.report import pages
from hangup.report.views import in_order
from hangup.store.results import read_stack_results
from hangup.store.tables import outcomes_csv


@contextmanager
def timed(what: str) -> Iterator[None]:
    started_s = time.process_time()
    yield
    print(f"{what:24}{time.process_time() - started_s:6.2f} s")


def main(directory: Path) -> None:
    with timed("all of it"):
        with timed("reading traces"):
            results = read_stack_results(directory)
        with timed("classifying"):
            outcomes = Outcomes(in_order(results))
        with timed("deciding claims"):
            found = verdicts(outcomes)
        with timed("rendering pages"):
            pages.render(outcomes, found, CodeExcerpts(), link_code=True)
        with timed("table of outcomes"):
            outcomes_csv(outcomes.observations)


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "results"))
