"""Files and directories that are made whole, whoever else makes them, and locks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hangup.environment import installations
from hangup.environment.installations import fetch, install
from hangup.environment.uv_command import Completed
from hangup.files import locked, new_directory, write_whole
from hangup.model.plan import Interpreter

INTERPRETER = Interpreter(path="python", version="CPython 3.13.0")


def fill(directory: Path, text: str) -> None:
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "python").write_text(text)


def test_whoever_makes_a_directory_first_wins(tmp_path: Path) -> None:
    place = tmp_path / "place"
    with new_directory(place) as slow:
        fill(slow, "slow")
        with new_directory(place) as fast:
            fill(fast, "fast")
    assert (place / "bin" / "python").read_text() == "fast"
    assert list(tmp_path.iterdir()) == [place]


def make_half(place: Path) -> None:
    with new_directory(place) as directory:
        fill(directory, "half")
        raise ValueError


def make_where_a_file_comes_to_be(place: Path) -> None:
    with new_directory(place) as directory:
        fill(directory, "whole")
        place.write_text("in the way")


def test_a_directory_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (it is ours)
        make_half(tmp_path / "place")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_moved_to_its_place_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        make_where_a_file_comes_to_be(tmp_path / "place")
    assert [path.name for path in tmp_path.iterdir()] == ["place"]


@pytest.mark.parametrize(
    "make",
    [
        lambda cache: install((), INTERPRETER, cache),
        lambda cache: fetch("h11==0.16.0", "3.13", cache),
    ],
    ids=["install", "fetch"],
)
def test_of_two_that_make_the_same_both_get_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], Awaitable[Path]]
) -> None:
    """The second one begins and ends while the first one is at work."""
    begun: list[str] = []

    async def uv_with_a_rival(*arguments: str) -> Completed:
        names = [argument for argument in arguments if argument.startswith(str(tmp_path))]
        begun.append(names[0])
        if len(begun) == 1:
            await make(tmp_path)
        fill(Path(names[0]), "python")
        return Completed(0, "", "")

    async def main() -> Path:
        return await make(tmp_path)

    monkeypatch.setattr(installations, "run_uv", uv_with_a_rival)
    found = asyncio.run(main())
    assert found.exists()
    assert len(set(begun)) == 2
    assert len(list(tmp_path.iterdir())) == 1


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("first", "second", "allowed"),
    [("shared", "shared", True), ("shared", "alone", False), ("alone", "shared", False)],
)
def test_a_lock_is_held_by_many_that_share_it_or_by_one(
    tmp_path: Path, first: str, second: str, *, allowed: bool
) -> None:
    with locked(tmp_path / "lock", shared=first == "shared"):
        try:
            with locked(tmp_path / "lock", shared=second == "shared"):
                had = True
        except BlockingIOError:
            had = False
    assert had == allowed
    with locked(tmp_path / "lock"):
        pass
