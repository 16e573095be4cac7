"""Exception paths made of steps written by hand."""

from __future__ import annotations

import msgspec

from hangup.analysis.exception_path import exception_paths
from hangup.model.exception_path import Step


def test_an_older_exception_that_is_raised_again_continues_no_path() -> None:
    def step(event: str, n: int, frame: int) -> Step:
        return Step(
            event=event, n=n, saw="ValueError", frame=frame, function="f", file="f.py", line=1
        )

    steps = [
        step("raised", 1, frame=1),
        step("raised", 2, frame=2),
        step("handled", 2, frame=2),
        msgspec.structs.replace(step("replaces", 1, frame=2), of=2, at="context"),
        step("raised", 1, frame=2),
        step("left", 1, frame=2),
    ]
    assert [frame.exception for frame in exception_paths(steps)[0].frames] == [1, 1]
