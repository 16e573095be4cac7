"""The cache: where it is, how large, and when it may be emptied."""

from __future__ import annotations

import os
from pathlib import Path

import platformdirs
import pytest

from hangup.environment.cache import cache_directory, clear, environments, in_use, size_bytes
from hangup.errors import UserError
from tests.command import Hangup


def filled(cache: Path) -> Path:
    environments(cache).mkdir(parents=True)
    (environments(cache) / "file").write_bytes(b"12345")
    os.link(environments(cache) / "file", environments(cache) / "again")
    return cache


def test_it_is_the_platforms_or_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HANGUP_HOME", raising=False)
    assert cache_directory() == platformdirs.user_cache_path("hangup")
    monkeypatch.setenv("HANGUP_HOME", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_what_is_linked_to_twice_counts_once(tmp_path: Path) -> None:
    assert size_bytes(filled(tmp_path)) == 5
    assert size_bytes(tmp_path / "not there") == 0


def test_it_is_not_cleared_while_it_is_used(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    with in_use(cache), in_use(cache), pytest.raises(UserError, match="A run is using"):
        clear(cache)
    assert (environments(cache) / "file").exists()
    clear(cache)
    assert not environments(cache).exists()


def test_the_command_shows_it_and_clears_it(tmp_path: Path) -> None:
    hangup = Hangup(home=filled(tmp_path / "cache"))
    assert hangup("cache").stdout == f"{tmp_path / 'cache'}\n5 bytes\n"
    done = hangup("cache", "--clear")
    assert (done.stdout, done.stderr) == ("", f"Removed 5 bytes from {tmp_path / 'cache'}.\n")
    assert not environments(tmp_path / "cache").exists()


def test_the_command_does_not_make_a_cache_to_show_it(tmp_path: Path) -> None:
    hangup = Hangup(home=tmp_path / "cache")
    assert hangup("cache").stdout.endswith("\n0 bytes\n")
    assert hangup("cache", "--clear").returncode == 0
    assert not (tmp_path / "cache").exists()
