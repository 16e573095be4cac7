"""Files and directories that are made whole, whoever else makes them, and locks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from hangup.environment import installations
from hangup.environment.commands import Completed
from hangup.environment.installations import fetch, install
from hangup.errors import UserError
from hangup.files import locked, new_directory, write_whole
from hangup.model.plan import Interpreter

INTERPRETER = Interpreter(path="python", version="CPython 3.13.0")


def fill(directory: Path, text: str) -> None:
    (directory / "bin").mkdir(parents=True)
    (directory / "bin" / "python").write_text(text)


def test_whoever_makes_a_directory_first_wins(tmp_path: Path) -> None:
    target = tmp_path / "target"
    with new_directory(target) as slow:
        fill(slow, "slow")
        with new_directory(target) as fast:
            fill(fast, "fast")
    assert (target / "bin" / "python").read_text() == "fast"
    assert list(tmp_path.iterdir()) == [target]


def make_half(target: Path) -> None:
    with new_directory(target) as directory:
        fill(directory, "half")
        raise ValueError


def make_where_a_file_comes_to_be(target: Path) -> None:
    with new_directory(target) as directory:
        fill(directory, "whole")
        target.write_text("in the way")


def test_a_directory_that_cannot_be_made_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError):  # noqa: PT011 (it is ours)
        make_half(tmp_path / "target")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_moved_to_its_target_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError):
        make_where_a_file_comes_to_be(tmp_path / "target")
    assert [path.name for path in tmp_path.iterdir()] == ["target"]


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


def test_an_environment_whose_interpreter_has_moved_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[str] = []

    async def make(*arguments: str) -> Completed:
        (name,) = [argument for argument in arguments if argument.startswith(str(tmp_path))]
        (Path(name) / "bin").mkdir(parents=True)
        (Path(name) / "bin" / "python").symlink_to(tmp_path / "interpreter")
        made.append(name)
        return Completed(0, "", "")

    monkeypatch.setattr(installations, "run_uv", make)
    (tmp_path / "interpreter").touch()
    python = asyncio.run(install((), INTERPRETER, tmp_path))
    assert asyncio.run(install((), INTERPRETER, tmp_path)) == python
    assert len(made) == 1
    python.unlink()
    python.symlink_to(tmp_path / "where it was")
    assert asyncio.run(install((), INTERPRETER, tmp_path)) == python
    assert python.exists()
    assert sorted(tmp_path.iterdir()) == sorted([tmp_path / "interpreter", python.parent.parent])

    (tmp_path / "interpreter").unlink()
    with pytest.raises(UserError, match="has no Python that can be run"):
        asyncio.run(install((), INTERPRETER, tmp_path))


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "new" / "file"
    write_whole(path, b"one")
    write_whole(path, b"two")
    assert path.read_bytes() == b"two"
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize(
    ("first_shares", "second_shares", "allowed"),
    [(True, True, True), (True, False, False), (False, True, False)],
)
def test_a_lock_is_held_by_many_that_share_it_or_by_one(
    tmp_path: Path, *, first_shares: bool, second_shares: bool, allowed: bool
) -> None:
    with locked(tmp_path / "lock", shared=first_shares):
        try:
            with locked(tmp_path / "lock", shared=second_shares):
                had = True
        except BlockingIOError:
            had = False
    assert had == allowed
    with locked(tmp_path / "lock"):
        pass
