"""What several test files share."""

from __future__ import annotations

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser

from hangup.agent import probe
from hangup.environment.staging import stage
from tests.agent_trace import AgentTrace
from tests.browser import chromium
from tests.command import Hangup
from tests.interpreters import FEATURE_VERSIONS, interpreter


def pytest_configure() -> None:
    """Handle SIGINT as Python does, also where a shell runs the tests in the background.

    Such a shell has its jobs ignore it (POSIX, "Shell Command Language", asynchronous lists).
    """
    if signal.getsignal(signal.SIGINT) == signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture(scope="session")
def hangup(tmp_path_factory: pytest.TempPathFactory) -> Hangup:
    """The command, away from the home of whoever runs the tests."""
    return Hangup(home=tmp_path_factory.mktemp("home"))


@pytest.fixture
def trace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[AgentTrace]:
    """What the agent records in this process."""
    gc.collect()  # a generator that another test has left behind is reported when it goes
    path = tmp_path / "events.jsonl"
    descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    monkeypatch.setattr(probe, "_trace", descriptor)
    monkeypatch.setattr(probe, "_line_lost", False)
    yield AgentTrace(path)
    os.close(descriptor)


@pytest.fixture(scope="session", params=FEATURE_VERSIONS)
def python(request: pytest.FixtureRequest) -> Path:
    """Each Python that servers may run under, as far as it is installed."""
    found = interpreter(request.param)
    if found is None:
        pytest.skip(f"Python {request.param} is not installed")
    return found


@pytest.fixture(scope="session")
def staged(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The directory that is on the path of a server, with no app in it."""
    root = tmp_path_factory.mktemp("staged") / "root"
    stage(root, [])
    return root


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A real browser; the tests that need one are skipped where none is installed."""
    with chromium() as started:
        yield started
