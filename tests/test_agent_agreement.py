"""What the agent and the harness agree on, each with names of its own for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

import apps.common
import hangup.agent
from apps.common import cleanup
from hangup.agent import boundary, probe, server_log
from hangup.environment.staging import stage
from hangup.model import trace
from hangup.model.apps import Variant, VariantMetadata
from hangup.model.claims import CLAIMS
from hangup.model.conditions import Came
from hangup.model.servers import BY_ID
from hangup.model.vocabulary import Surface, Word
from hangup.runner import client, trace_tail
from hangup.runner.prepare import PreparedStack
from hangup.runner.process_tree import LIFELINE
from hangup.runner.server_process import ServerProcess
from tests.condition_parts import parts_of
from tests.plans import an_app

AGENT = Path(hangup.agent.__file__).parent
COMMON = Path(apps.common.__file__).parent
VARIANTS = COMMON.with_name("variants")


def _strings(directory: Path) -> Iterator[str]:
    """All string literals in the modules of a directory, docstrings included."""
    for file in directory.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_bytes())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str):
                yield node.value


def test_the_agent_reads_the_variables_that_a_server_is_started_with(tmp_path: Path) -> None:
    stage(tmp_path / "staged", [])
    about = VariantMetadata(title="varied")
    variant = Variant(name="varied", path=tmp_path / "varied.py", about=about)
    stack = PreparedStack(
        app=msgspec.structs.replace(an_app("bare"), variant=variant),
        server=BY_ID["uvicorn"],
        pins=(),
        python=tmp_path,
        staged=tmp_path / "staged",
    )
    server = ServerProcess(stack, tmp_path / "server", trace_exceptions=True)
    given = {name for name in server._environment() if name.startswith("HANGUP_")}
    read = {text for text in _strings(AGENT) if re.fullmatch(r"HANGUP_[A-Z_]+", text)}
    assert given == read
    assert LIFELINE in given


def test_events_have_the_same_names() -> None:
    assert probe.__doc__ is not None
    documented = set(re.findall(r"(?m)^`(\w+)`(?:, `(\w+)`)?$", probe.__doc__))
    names = {name for pair in documented for name in pair if name}
    assert {trace.LOADED, trace.COLLECTS, trace.DECLARES, trace.REJECTED} <= names
    assert {"begin", "end", "saw", "did", "waiting", "dropped"} <= names
    recorded = {*_recorded_events(AGENT), *_recorded_events(COMMON)}
    assert recorded == names


def _recorded_events(directory: Path) -> Iterator[str]:
    """The events that calls of `record` name, but for those of exceptions' steps."""
    for file in directory.rglob("*.py"):
        if "exception_tracer" in file.parts:
            continue
        for node in ast.walk(ast.parse(file.read_bytes())):
            match node:
                case ast.Call(
                    func=ast.Name(id="record") | ast.Attribute(attr="record"),
                    args=[_, _, ast.Constant(value=str(event)), *_],
                ):
                    yield event


def test_what_is_requested_and_seen_has_the_same_names() -> None:
    assert boundary.COLLECT_PATH == client.COLLECT_PATH
    assert probe.CALLED == Word.CALLED
    assert probe.REFERENCE_DROPPED == Word.REFERENCE_DROPPED
    assert probe.GARBAGE_COLLECTED == Word.GARBAGE_COLLECTED
    assert server_log.ERROR_LINE == Word.ERROR_LINE
    assert {trace.EXCEPTION_PATH, trace.SCOPE} <= set(_strings(AGENT))
    assert {Word.ERROR_STATUS, Surface.SPAN} <= set(_strings(VARIANTS))
    assert Surface.ERROR_REPORT in set(_strings(COMMON))


def test_what_claims_ask_of_a_clean_up_is_what_it_reports() -> None:
    asked = {
        part.event.detail
        for claim in CLAIMS
        for part in parts_of(claim.condition)
        if isinstance(part, Came) and part.event.event == "did"
    }
    asked |= {
        part.other.detail
        for claim in CLAIMS
        for part in parts_of(claim.condition)
        if isinstance(part, Came) and part.other is not None
    }
    assert asked == {cleanup.CODE_AFTER, cleanup.AWAIT_CANCELLED}


def test_every_field_that_is_recorded_is_read(tmp_path: Path) -> None:
    fields = set(msgspec.structs.asdict(_a_line()))
    recorded = {"t", "trial", "surface", "event"}
    for directory in (AGENT, COMMON):
        for file in directory.rglob("*.py"):
            for node in ast.walk(ast.parse(file.read_bytes())):
                match node:
                    case ast.Call(
                        func=ast.Name(id="record") | ast.Attribute(attr="record"),
                        keywords=keywords,
                    ):
                        recorded |= {keyword.arg for keyword in keywords if keyword.arg}
    assert recorded <= fields


def _a_line() -> Any:
    return trace_tail._Line(t=1, trial=None, surface="process", event="loaded")
