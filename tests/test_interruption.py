"""Ctrl-C and SIGTERM, wherever a run is, and what a user is told of other errors."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
from pathlib import Path

import pytest
import typer

from hangup.cli import execution
from hangup.cli.execution import resume_command, run_and_publish
from hangup.cli.interruption import EXIT_CODE, Interrupted, run_until_interrupted
from hangup.cli.main import mistake
from hangup.environment.commands import run_command
from hangup.errors import UserError
from hangup.report import publish
from hangup.store.journal import Journal
from tests.command import DEADLINE_S
from tests.plans import a_plan


async def _interrupted(number: signal.Signals) -> None:
    os.kill(os.getpid(), number)
    await asyncio.sleep(DEADLINE_S)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_what_is_under_way(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(Interrupted):
        run_until_interrupted(lambda: _interrupted(number))
    assert signal.getsignal(number) == before


def test_an_error_while_it_is_ended_changes_nothing() -> None:
    async def main() -> None:
        try:
            await _interrupted(signal.SIGINT)
        finally:
            raise OSError("the connection is gone")

    with pytest.raises(Interrupted) as raised:
        run_until_interrupted(main)
    assert isinstance(raised.value.__cause__, OSError)


def test_an_error_of_its_own_is_raised_as_it_is() -> None:
    async def main() -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        run_until_interrupted(main)


def test_a_signal_that_is_ignored_stays_ignored() -> None:
    async def main() -> object:
        return signal.getsignal(signal.SIGINT)

    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        assert run_until_interrupted(main) == signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_a_command_that_is_cancelled_is_ended_with_all_that_it_has_started(tmp_path: Path) -> None:
    script = 'sleep 3600 & echo $! > "$0"; wait'
    pid = tmp_path / "pid"

    async def main() -> None:
        running = asyncio.create_task(run_command("/bin/sh", "-c", script, str(pid)))
        while not (pid.exists() and pid.read_text().strip()):
            await asyncio.sleep(0.01)
        running.cancel()
        await asyncio.wait({running})
        assert running.cancelled()

    async def limited() -> None:
        async with asyncio.timeout(DEADLINE_S):
            await main()

    asyncio.run(limited())
    state = subprocess.run(
        ["ps", "-o", "stat=", "-p", pid.read_text().strip()], capture_output=True, text=True
    )
    assert state.stdout.strip()[:1] in ("", "Z")


class FakeScheduler:
    """A scheduler whose run is over at once."""

    def __init__(self, journal: Journal, *_: object) -> None:
        self._journal = journal
        self.failed_to_start: dict[str, object] = {}

    async def run(self) -> list[object]:
        self._journal.start()
        return []


def test_a_run_that_is_interrupted_while_it_is_published_can_be_resumed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(execution, "Scheduler", FakeScheduler)
    monkeypatch.setattr(publish, "publish", interrupt)
    journal = Journal.begin(tmp_path / "runs", a_plan("bare"))
    with pytest.raises(typer.Exit) as raised:
        run_and_publish(journal, tmp_path / "my results", tmp_path / "cache")
    assert raised.value.exit_code == EXIT_CODE
    said = capsys.readouterr().err
    assert "all 1 trials are kept" in said
    assert f"`hangup run --resume --results '{tmp_path}/my results'`" in said
    assert Journal.resume(tmp_path / "runs").plan == journal.plan


def test_what_to_type_is_quoted_only_if_need_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert resume_command(tmp_path / "hangup-results") == "hangup run --resume"
    assert resume_command(tmp_path / "a") == "hangup run --resume --results a"
    assert resume_command(tmp_path / "a b") == "hangup run --resume --results 'a b'"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (UserError("no such app"), "no such app"),
        (ExceptionGroup("", [UserError("one"), UserError("two")]), "one"),
        (ExceptionGroup("", [ExceptionGroup("", [UserError("one")])]), "one"),
        (OSError(errno.ENOSPC, "No space left on device"), "No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/x"), "Permission denied: /x"),
        (ExceptionGroup("", [OSError(errno.EROFS, "Read-only", "/x")]), "Read-only: /x"),
        (OSError(errno.EMFILE, "Too many open files"), None),
        (ConnectionResetError(errno.ECONNRESET, "reset"), None),
        (ZeroDivisionError(), None),
        (ExceptionGroup("", [UserError("one"), ZeroDivisionError()]), None),
    ],
)
def test_a_user_is_told_what_a_user_can_put_right(error: Exception, said: str | None) -> None:
    assert mistake(error) == said
