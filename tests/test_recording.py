"""What is kept of trials and logs, and that it names nobody's machine."""

from __future__ import annotations

import io
import json
from pathlib import Path

import msgspec

from hangup.analysis.exception_path import steps_through_apps
from hangup.model.exception_path import Step
from hangup.model.scenarios import BY_ID
from hangup.runner.recording import UnattributedEvents, scrubbed, with_selected_steps
from hangup.runner.trace_tail import TraceTail
from tests.traces import LEAVES, trial

STAGED = Path("/home/somebody/runs/1/staged")
IDLE = BY_ID["idle"]


def a_tail(*events: dict[str, str]) -> TraceTail:
    lines = [json.dumps({"t": 1, "trial": None, **event}).encode() + b"\n" for event in events]
    tail = TraceTail(io.BytesIO(b"".join(lines)))
    tail.read()
    return tail


def test_rejected_handlers_and_log_lines_are_taken() -> None:
    rejected = {"surface": "handler", "event": "rejected", "saw": "TypeError"}
    logged = {"surface": "server-log", "event": "saw", "saw": "error line"}
    tail = a_tail(
        rejected | {"detail": f"in {STAGED}/apps/mine.py"},
        logged | {"detail": "before"},
        {"surface": "process", "event": "collects"},
        logged | {"detail": f"from {STAGED}/apps/mine.py"},
    )
    unattributed = UnattributedEvents(STAGED)
    unattributed.take(tail, 2)
    assert unattributed.rejected_registrations == {"handler": "TypeError: in apps/mine.py"}
    assert unattributed.lines_of(IDLE) == ("idle: error line: from apps/mine.py",)


def test_a_trial_names_no_directory_of_the_machine() -> None:
    observed = msgspec.structs.replace(
        trial("idle", LEAVES, failure=None), note=f"{STAGED}/apps/mine.py is wrong"
    )
    (event,) = observed.events
    event = msgspec.structs.replace(event, detail=f"at {STAGED}/apps/mine.py")
    kept = scrubbed(msgspec.structs.replace(observed, events=(event,)), STAGED)
    assert kept.note == "apps/mine.py is wrong"
    assert [event.detail for event in kept.events] == ["at apps/mine.py"]


def a_step(event: str, n: int, file: str) -> Step:
    return Step(event=event, n=n, saw="E", frame=n, function="f", file=file, line=1, kinds=("E",))


def test_steps_are_shortened_before_they_are_selected() -> None:
    observed = msgspec.structs.replace(
        trial("idle", LEAVES), steps=(a_step("raised", 1, f"{STAGED}/apps/mine.py"),)
    )
    files: list[str] = []

    def select(steps: object) -> list[Step]:
        assert isinstance(steps, list)
        files.extend(step.file for step in steps)
        return []

    assert with_selected_steps(observed, STAGED, select).steps == ()
    assert files == ["apps/mine.py"]
    (kept,) = with_selected_steps(observed, STAGED, lambda steps: steps).steps
    assert kept.kinds == ()


def test_steps_are_those_of_exceptions_that_came_through_apps() -> None:
    ours = [a_step("raised", 1, "apps/bare.py"), a_step("left", 1, "apps/bare.py")]
    others = [a_step("raised", 2, "site-packages/anyio/a.py")]
    assert steps_through_apps([*ours, *others]) == tuple(ours)
    assert steps_through_apps(others) == ()
