"""Who cancels whom, as lanes: made from traces and steps written by hand."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from typing import Any

import pytest
from msgspec.structs import replace

from hangup.analysis.outcomes import StackOutcomes
from hangup.model.exception_path import Step
from hangup.model.trace import Distribution, StackResult, Trial
from hangup.report.swim_lanes import Arrow, Note, SwimLanes, swim_lanes
from hangup.report.swim_lanes_svg import WIDTH, in_words, svg
from tests.traces import CLOSES, LEAVES, Line, stack_result, trial

RESPONSES = "site-packages/starlette/responses.py"
ANYIO = "site-packages/anyio/_backends/_asyncio.py"
PREGEL = "site-packages/langgraph/pregel/main.py"
SERVICE = "apps/common/service.py"
SLEEP = "python3.13/asyncio/tasks.py"
DISTRIBUTIONS = {
    RESPONSES: Distribution(name="starlette", version="1.10.0"),
    ANYIO: Distribution(name="anyio", version="4.16.0"),
    PREGEL: Distribution(name="langgraph", version="1.2.22"),
}
BEGINS = ("asgi begin", "stream begin", "source begin")
CANCELLED = (
    "receive end http.disconnect",
    "source end CancelledError at an await",
    "stream end CancelledError at an await",
)
ENDS = ("dependency end", "asgi end")
TASK = "stream_response#2"


def step(event: str, frame: int, function: str, file: str, line: int, **more: Any) -> Step:
    fields: dict[str, Any] = {"n": 1, "saw": "CancelledError", "task": TASK}
    return Step(
        event=event, frame=frame, function=function, file=file, line=line, **(fields | more)
    )


def passing(frame: int, function: str, file: str, line: int, **left: Any) -> list[Step]:
    """An exception that is raised in a frame and leaves it."""
    return [
        step("raised", frame, function, file, line),
        step("left", frame, function, file, line, **left),
    ]


def steps(*inside: Step, by: str = "run_asgi#1") -> list[Step]:
    """What a response cancels, by way of AnyIO, which handles it too."""
    return [
        step("cancelled-by", 0, "CancelScope.cancel", ANYIO, 705, task=by),
        step("cancelled-by", 0, "__call__.<locals>.wrap", RESPONSES, 282, task=by),
        *inside,
        *passing(4, "_stream", SERVICE, 161),
        *passing(5, "stream_response", RESPONSES, 255, at="task"),
        step("raised", 6, "task_done", ANYIO, 914, task=None),
        step(
            *("handled", 6, "task_done", ANYIO, 914),
            task=None,
            handler="except CancelledError",
            handler_line=915,
        ),
    ]


IN_SOURCE = (*passing(1, "sleep", SLEEP, 718), *passing(2, "_source", SERVICE, 228))
IN_GRAPH = (*passing(1, "sleep", SLEEP, 718), *passing(2, "Pregel.astream", PREGEL, 3553))


def result(*lines: Line, traced: list[Step], **more: Any) -> StackResult:
    counted = trial("idle", *lines)
    of: Trial = replace(counted, repeat=0, steps=tuple(traced))
    found = stack_result(counted, traced=[of], surfaces=["dependency"], **more)
    return replace(found, distributions=DISTRIBUTIONS)


def figure(*lines: Line, traced: list[Step]) -> SwimLanes:
    found = swim_lanes(StackOutcomes(result(*lines, traced=traced)), "idle")
    assert found is not None
    return found


def plain() -> SwimLanes:
    return figure(*BEGINS, LEAVES, *CANCELLED, *ENDS, traced=steps(*IN_SOURCE))


def said(found: SwimLanes) -> list[str]:
    return [
        f"{one.from_} > {one.to}: {one.text}"
        if isinstance(one, Arrow)
        else f"{one.lane}: {one.text}"
        for one in found.steps
    ]


def test_a_hang_up_is_told_from_the_client_to_what_handles_the_exception() -> None:
    assert said(plain()) == [
        "client > server: closes the connection",
        "server > app: receive() returns http.disconnect",
        "app > source: cancel(): task run_asgi cancels task stream_response",
        "source: CancelledError is raised",
        "source > stream: CancelledError passes",
        "stream > app: CancelledError passes",
        "app: handled by `except CancelledError`",
        "app: the yield dependency ends",
        "app > server: the application returns",
    ]


def test_code_is_named_with_what_it_is_of() -> None:
    where = [one.where for one in plain().steps if one.where]
    assert where == [
        "starlette 1.10.0: __call__.wrap, responses.py:282",
        "CPython 3.13.0: sleep, asyncio/tasks.py:718",
        "anyio 4.16.0: task_done, _asyncio.py:915",
    ]


def test_the_lanes_are_what_takes_part() -> None:
    assert [lane.id for lane in plain().lanes] == ["client", "server", "app", "stream", "source"]
    (server,) = (lane for lane in plain().lanes if lane.id == "server")
    assert (server.title, server.subtitle) == ("uvicorn", "1.0")


def test_a_library_between_the_stream_and_its_source_has_a_lane() -> None:
    lines = (*BEGINS, LEAVES, CANCELLED[0], CANCELLED[2], "asgi end", CLOSES)
    found = figure(*lines, traced=steps(*IN_GRAPH))
    assert [lane.id for lane in found.lanes][3:] == ["stream", "langgraph", "source"]
    assert "langgraph > stream: CancelledError passes" in said(found)
    assert said(found)[-1] == "source: still suspended, 2 s later"


def test_middleware_that_returned_before_has_a_lane_and_says_so() -> None:
    before = ("middleware begin", *BEGINS, "middleware end")
    found = figure(*before, LEAVES, *CANCELLED, *ENDS, traced=steps(*IN_SOURCE))
    assert "middleware" in [lane.id for lane in found.lanes]
    assert said(found)[0] == "middleware: the middleware has returned, before anyone left"
    after = figure(
        "middleware begin", *BEGINS, LEAVES, *CANCELLED, "middleware end", traced=steps(*IN_SOURCE)
    )
    assert said(after)[-1] == "middleware: the middleware ends"
    assert not any("before anyone left" in one for one in said(after))


def test_what_is_sent_after_the_client_left_is_counted() -> None:
    sends = [f"send {event} #{n}" for n in (1, 2) for event in ("begin", "end")]
    found = figure(*BEGINS, LEAVES, *CANCELLED, *sends, *ENDS, traced=steps(*IN_SOURCE))
    assert "app > server: calls send(), 2 times" in said(found)


def test_tasks_of_one_name_are_told_apart_and_one_task_is_not_named_twice() -> None:
    def cancels(by: str) -> str:
        traced = steps(*IN_SOURCE, by=by)
        found = figure(*BEGINS, LEAVES, *CANCELLED, *ENDS, traced=traced)
        return next(one.text for one in found.steps if getattr(one, "kind", "") == "cancel")

    assert cancels("stream_response#1") == "cancel(): one task stream_response cancels another"
    assert cancels(TASK) == "cancel()"


def test_what_is_proven_to_have_seen_nothing_is_named() -> None:
    control = trial("plain-error", "handler saw ValueError", "server-log saw ValueError")
    own = result(*BEGINS, LEAVES, *CANCELLED, *ENDS, traced=steps(*IN_SOURCE))
    surfaces = ("dependency", "handler")
    found = swim_lanes(
        StackOutcomes(replace(own, trials=(*own.trials, control), surfaces=surfaces)), "idle"
    )
    assert found is not None
    assert "the handler for `Exception`" in found.silent
    assert plain().silent == ()


def test_there_is_no_figure_where_nothing_was_traced_or_it_came_out_otherwise() -> None:
    own = result(*BEGINS, LEAVES, *CANCELLED, *ENDS, traced=steps(*IN_SOURCE))
    assert swim_lanes(StackOutcomes(replace(own, traced=())), "idle") is None
    other = trial("idle", *BEGINS, LEAVES, "source end", "stream end")
    assert swim_lanes(StackOutcomes(replace(own, trials=(other,))), "idle") is None


# --- Drawn.


def shapes(found: SwimLanes) -> ET.Element:
    return ET.fromstring(svg(found, head="<!-- x -->\n"))


def test_a_figure_is_whole_and_says_in_words_what_it_shows() -> None:
    root = shapes(plain())
    texts = [element.text or "" for element in root.iter("{http://www.w3.org/2000/svg}text")]
    for one in plain().steps:
        assert one.text.replace("`", "") in texts
    description = root.find("{http://www.w3.org/2000/svg}desc")
    assert description is not None
    assert description.text == in_words(plain())
    assert "application to source: cancel()" in in_words(plain())


def test_nothing_is_drawn_outside_of_a_figure() -> None:
    root = shapes(plain())
    height = float(root.attrib["height"])
    for element in root.iter("{http://www.w3.org/2000/svg}rect"):
        x, y = (float(element.attrib.get(name, 0)) for name in "xy")
        assert x >= 0
        assert x + float(element.attrib["width"]) <= WIDTH
        assert y + float(element.attrib["height"]) <= height
    for element in root.iter("{http://www.w3.org/2000/svg}text"):
        assert 0 <= float(element.attrib["y"]) <= height


@pytest.mark.parametrize("kind", ["message", "cancel", "exception"])
def test_kinds_of_arrows_are_told_apart_without_colour(kind: str) -> None:
    styles = {
        name: style.strip()
        for name, _, style in (
            line.partition("{") for line in svg(plain()).partition("@media")[0].splitlines()
        )
    }

    def shape(name: str) -> set[str]:
        parts = styles[f".{name} "].rstrip("}").split(";")
        return {part.strip() for part in parts if "stroke:" not in part and part.strip()}

    others = {"message", "cancel", "exception"} - {kind}
    assert all(shape(kind) != shape(other) for other in others)


def test_a_note_that_ends_the_exception_is_marked() -> None:
    (final,) = (one for one in plain().steps if isinstance(one, Note) and one.final)
    assert final.text.startswith("handled by")
    assert svg(plain()).count('<rect class="final"') == 1
