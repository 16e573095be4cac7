"""The cache: where it is, how large, and when it may be emptied."""

from __future__ import annotations

import os
import re
from pathlib import Path

import platformdirs
import pytest

from hangup.environment import cache as cache_module
from hangup.environment.cache import (
    cache_directory,
    clear,
    environments,
    in_use,
    size_bytes,
    sources,
)
from hangup.errors import UserError
from tests.command import Hangup


def filled(cache: Path) -> Path:
    """A cache as hangup makes it, with something in it."""
    with in_use(cache):
        (environments(cache) / "file").write_bytes(b"12345")
    return cache


def test_it_is_the_platforms_or_the_one_that_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("HANGUP_HOME", raising=False)
    assert cache_directory() == platformdirs.user_cache_path("hangup")
    monkeypatch.setenv("HANGUP_HOME", str(tmp_path / "mine"))
    assert cache_directory() == tmp_path / "mine"
    assert not (tmp_path / "mine").exists()


def test_it_may_be_named_from_the_home_directory(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("HANGUP_HOME", "~/mine")
    assert cache_directory() == tmp_path / "mine"


def test_without_a_home_directory_it_must_be_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HANGUP_HOME", raising=False)
    monkeypatch.setattr(platformdirs, "user_cache_path", lambda _: Path("~/.cache"))
    with pytest.raises(UserError, match="set HANGUP_HOME"):
        cache_directory()
    monkeypatch.setenv("HANGUP_HOME", "~no-such-user-zz/x")
    with pytest.raises(UserError, match="set HANGUP_HOME"):
        cache_directory()


def test_what_is_linked_to_twice_counts_once(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"12345")
    os.link(tmp_path / "file", tmp_path / "again")
    assert size_bytes(tmp_path) == 5
    assert size_bytes(tmp_path / "not there") == 0


def test_it_is_not_cleared_while_it_is_used(tmp_path: Path) -> None:
    cache = filled(tmp_path)
    with in_use(cache), in_use(cache), pytest.raises(UserError, match="A run is using"):
        clear(cache)
    assert (environments(cache) / "file").exists()
    assert clear(cache) == []
    assert not environments(cache).exists()
    assert not sources(cache).exists()


def test_what_hangup_has_not_made_is_left(tmp_path: Path) -> None:
    (environments(tmp_path) / "mine").mkdir(parents=True)
    filled(tmp_path)
    (tmp_path / "file").touch()
    assert clear(tmp_path) == [environments(tmp_path)]
    assert (environments(tmp_path) / "mine").exists()
    assert (tmp_path / "file").exists()
    assert not sources(tmp_path).exists()


def test_it_is_marked_as_a_cache(tmp_path: Path) -> None:
    filled(tmp_path)
    for directory in (environments(tmp_path), sources(tmp_path)):
        first, _ = (directory / "CACHEDIR.TAG").read_text().splitlines()
        assert first == "Signature: 8a477f597d28d172789f06886806bc55"


def test_one_that_is_a_file_costs_a_sentence(tmp_path: Path) -> None:
    cache = tmp_path / "file"
    cache.touch()
    for read_only in (True, False):
        with (
            pytest.raises(UserError, match="cannot be made or written"),
            in_use(cache, read_only=read_only),
        ):
            pass
    assert clear(cache) == []


def test_one_that_cannot_be_written_can_be_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *, shared: bool) -> None:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr(cache_module, "locked", fail)
    with in_use(tmp_path, read_only=True):
        pass
    with pytest.raises(UserError, match="Permission denied"), in_use(tmp_path):
        pass


def test_the_command_shows_it_and_clears_it(tmp_path: Path) -> None:
    hangup = Hangup(home=filled(tmp_path / "cache"))
    shown, size = hangup("cache").stdout.splitlines()
    assert shown == str(tmp_path / "cache")
    assert re.fullmatch(r"\d+ bytes", size)
    done = hangup("cache", "--clear")
    assert (done.stdout, done.stderr) == ("", f"Removed from the cache: {size}\n")
    assert not environments(tmp_path / "cache").exists()


def test_the_command_says_what_it_has_left(tmp_path: Path) -> None:
    mine = environments(tmp_path / "cache")
    mine.mkdir(parents=True)
    done = Hangup(home=tmp_path / "cache")("cache", "--clear")
    assert done.stderr.splitlines() == [
        "Removed from the cache: 0 bytes",
        f"Left, as hangup did not make it or cannot remove it: {mine}",
    ]


def test_the_command_does_not_make_a_cache_to_show_it(tmp_path: Path) -> None:
    hangup = Hangup(home=tmp_path / "cache")
    assert hangup("cache").stdout.endswith("\n0 bytes\n")
    assert hangup("cache", "--clear").returncode == 0
    assert not (tmp_path / "cache").exists()
