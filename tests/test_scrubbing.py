"""What is recorded names no directory of the machine that it was recorded on."""

from __future__ import annotations

from pathlib import Path

import pytest

from hangup.environment.scrubbing import MESSAGE, scrub

HOME = Path("/home/some body")
CACHE = HOME / ".cache" / "hangup"
RUN = HOME / "work" / "results" / ".hangup" / "runs" / "1"
STAGED = RUN / "staged"


@pytest.fixture(autouse=True)
def _somebody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(HOME))
    monkeypatch.setenv("HANGUP_HOME", str(CACHE))


@pytest.mark.parametrize(
    ("message", "kept"),
    [
        (f"in {STAGED}/apps/mine.py, line 3", "in apps/mine.py, line 3"),
        (f"in '{STAGED}'", "in '.'"),
        (f"{RUN}/bare-on-uvicorn-0/server.log", "bare-on-uvicorn-0/server.log"),
        (f"cannot open {RUN}: no", "cannot open .: no"),
        (f"{CACHE}/environments/a/bin/python is gone", "CACHE/environments/a/bin/python is gone"),
        (f"{CACHE}/environments/a/lib/python3.13/site-packages/x.py", "site-packages/x.py"),
        (f"no such file: '{HOME}/mine/key.pem'", "no such file: '~/mine/key.pem'"),
        (f"cwd={HOME}", "cwd=~"),
        (f"{HOME}/pythons/3.13.0/lib/python3.13/asyncio/x.py", "python3.13/asyncio/x.py"),
        ("/home/some bodyelse/x", "/home/some bodyelse/x"),
        ("at 0x7f1aa982fe30", "at …"),
        ("x y by <Task pending name='Task-1'>", "x y"),
    ],
)
def test_a_message_is_kept_without_directories_and_addresses(message: str, kept: str) -> None:
    assert scrub(message, STAGED) == kept


def test_a_message_is_shortened_after_its_directories_are_taken_out() -> None:
    assert scrub("x " * 140 + f"{HOME}/mine", STAGED) == "x " * 140 + "~/mine"
    assert len(scrub("x " * 1000, STAGED)) == MESSAGE


def test_without_a_home_directory_the_others_are_taken_out(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "home", fail)
    staged = RUN.with_name("2") / "staged"
    assert scrub(f"{staged}/apps/mine.py", staged) == "apps/mine.py"


def test_a_home_directory_that_is_the_root_is_not_taken_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HOME", "/")
    staged = RUN.with_name("3") / "staged"
    assert scrub("GET /events", staged) == "GET /events"
