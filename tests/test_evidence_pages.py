"""The pages of evidence: the exception paths on them, and how often a trial came out so."""

from __future__ import annotations

import re

import msgspec

from hangup.model.exception_path import Step
from hangup.model.trace import TRACED, StackResult
from tests.rendering import rendered
from tests.test_pages import CANCELLED, COMPLETED, made
from tests.test_report_exception_path import DISTRIBUTIONS, RESPONSES, SERVICE, step
from tests.traces import stack, stack_result, trial

PAGE = "evidence/current-py{}/quart/disconnects.md"


def steps(line: int = 255) -> list[Step]:
    """The steps of an exception that leaves the stream and then a frame of Starlette."""
    return [
        step("raised", 1, "_stream", SERVICE, 109),
        step("left", 1, "_stream", SERVICE, 109),
        step("raised", 2, "stream_response", RESPONSES, line),
        step("left", 2, "stream_response", RESPONSES, line),
        step("raised", 3, "wrap", RESPONSES, 282),
        step("left", 3, "wrap", RESPONSES, 282, at="task"),
    ]


def traced(python: str = "3.13", **lines: int) -> StackResult:
    """A stack on which exceptions were traced in these scenarios, up to a line each."""
    result = stack_result(
        *(found for name in lines for found in made(name, CANCELLED)),
        traced=[
            trial(name, *CANCELLED, repeat=TRACED, steps=steps(line))
            for name, line in lines.items()
        ],
        of=stack("quart", python=python),
    )
    return msgspec.structs.replace(result, distributions=DISTRIBUTIONS)


def section(text: str, scenario: str) -> str:
    """The part of a page that is about a scenario."""
    return re.split(r"(?m)^(?:## |\[1\]: )", text.partition(f"## {scenario}\n")[2])[0]


def test_a_path_that_a_page_has_shown_is_named_and_one_that_differs_is_shown() -> None:
    text = rendered(traced(idle=255, ticking=255, post=256))[PAGE.format("3.13")]
    assert "responses.py:255]" in section(text, "idle")
    assert "on uvicorn: as in [`idle`](#idle)." in section(text, "ticking")
    assert "1. " not in section(text, "ticking")
    assert "responses.py:256]" in section(text, "post")


def test_each_address_is_on_a_page_once() -> None:
    text = rendered(traced(idle=255, ticking=256, post=257))[PAGE.format("3.13")]
    addresses = re.findall(r"https://\S+", text)
    assert len(addresses) == len(set(addresses)) == 4


def test_paths_are_shown_frame_by_frame_in_the_first_group_and_in_a_sentence_in_others() -> None:
    found = rendered(traced(idle=255), traced("3.11", idle=255))
    first, other = (section(found[PAGE.format(python)], "idle") for python in ("3.13", "3.11"))
    assert "1. **`CancelledError`** in `_stream`" in first
    assert "1. " not in other
    assert "- Exception path on uvicorn: `CancelledError` is raised in `_stream`" in other


def test_servers_on_which_as_many_trials_came_out_so_are_named_together() -> None:
    results = [
        stack_result(*made("idle", *outcomes), of=stack("quart", server))
        for server, outcomes in {
            "uvicorn": [CANCELLED, CANCELLED],
            "uvicorn+fast": [CANCELLED, CANCELLED],
            "hypercorn": [CANCELLED, COMPLETED],
        }.items()
    ]
    text = rendered(*results)[PAGE.format("3.13")]
    assert "2 of 2 trials on each of uvicorn, uvicorn+fast; 1 of 2 trials on hypercorn" in text
