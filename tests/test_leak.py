"""An app that says that its source has ended, and keeps the connection: outside tells."""

from __future__ import annotations

from pathlib import Path

from hangup.analysis.outcomes import Outcomes
from hangup.analysis.upstream import cost_rows
from hangup.model.vocabulary import Word
from tests.command import Hangup, a_short_run, only_stack_result, table, trials_of, write_app

LEAVES_OPEN = """
from urllib.parse import urlsplit
from apps.common import relay

kept = []

async def leaking(trial, url, item):
    with probe.Span(trial, "source", at="await"):
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        kept.append(writer)
        writer.write(b"GET /events HTTP/1.1\\r\\nHost: upstream\\r\\n\\r\\n")
        number = 0
        try:
            async for line in reader:
                if line.startswith(b"data: "):
                    number += 1
                    yield item(number, line[6:].decode().strip())
        finally:
            {leave}

relay.source = leaking
"""


def run(hangup: Hangup, directory: Path, leave: str, window_s: float) -> Path:
    """The results of an app that does `leave` with its connection when it is told to stop."""
    write_app(directory / "apps", "leaking", LEAVES_OPEN.format(leave=leave))
    results = directory / "results"
    done = hangup(
        *a_short_run("leaking", "--scenario", "relay", "--window", str(window_s)),
        *("--apps", directory / "apps", "--results", results),
    )
    assert done.returncode == 0, done.stderr
    found = table(results)
    assert found["leaking", "relay", "source"] == {"CancelledError": (1, 1)}
    assert found["leaking", "relay", "stream-end"] == {Word.CANCELLED_AT_AWAIT: (1, 1)}
    return results


def test_a_connection_kept_after_the_source_has_ended_is_seen_from_outside(
    hangup: Hangup, tmp_path: Path
) -> None:
    results = run(hangup, tmp_path, "pass", 0.5)
    assert table(results)["leaking", "relay", "upstream"] == {Word.STILL_OPEN: (1, 1)}
    (row,) = cost_rows(Outcomes([only_stack_result(results)]))
    assert row.disagreements == 1
    assert row.costs[0].sent_after > 1


def test_a_trial_waits_for_a_connection_that_is_closed_late_and_no_longer(
    hangup: Hangup, tmp_path: Path
) -> None:
    window_s = 20.0
    late = "asyncio.get_running_loop().call_later(0.3, writer.close)"
    results = run(hangup, tmp_path, late, window_s)
    assert table(results)["leaking", "relay", "upstream"] == {Word.CLOSED: (1, 1)}
    (row,) = cost_rows(Outcomes([only_stack_result(results)]))
    assert row.disagreements == 0
    (trial,) = trials_of(only_stack_result(results), "relay")
    assert trial.closed_ns is not None
    assert trial.left_ns is not None
    assert trial.closed_ns - trial.left_ns < window_s / 2 * 1e9
