"""An app that says that its source has ended, and keeps the connection: outside tells."""

from __future__ import annotations

from pathlib import Path

from harness.cost import cost_rows
from harness.vocabulary import Word
from tests.command import Hangup, a_short_run, only_part, table, write_app

LEAKS = """
from urllib.parse import urlsplit
from apps.subject import relay

kept = []

async def leaking(trial, url):
    with probe.Span(trial, "source", at="await"):
        at = urlsplit(url)
        reader, writer = await asyncio.open_connection(at.hostname, at.port)
        kept.append(writer)
        writer.write(b"GET /events HTTP/1.1\\r\\nHost: upstream\\r\\n\\r\\n")
        number = 0
        async for line in reader:
            if line.startswith(b"data: "):
                number += 1
                yield number, line[6:].decode().strip()

relay.source = leaking
"""


def test_a_connection_kept_after_the_source_has_ended_is_seen_from_outside(
    hangup: Hangup, tmp_path: Path
) -> None:
    apps, results = tmp_path / "apps", tmp_path / "results"
    write_app(apps, "leaking", LEAKS)
    done = hangup(
        *a_short_run("leaking", "--scenario", "relay", "--window", "0.5"),
        *("--apps", apps, "--results", results),
    )
    assert done.returncode == 0, done.stderr
    found = table(results)
    assert found["leaking", "relay", "source"] == {"CancelledError": (1, 1)}
    assert found["leaking", "relay", "stream-end"] == {Word.CANCELLED_AT_AWAIT: (1, 1)}
    assert found["leaking", "relay", "upstream"] == {Word.STILL_OPEN: (1, 1)}
    (row,) = cost_rows([only_part(results)])
    assert row.disagreements == 1
    assert row.costs[0].thrown_away > 1
