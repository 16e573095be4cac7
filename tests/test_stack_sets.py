"""Some stacks among others are described by what they have in common, in few names."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from itertools import chain, combinations, product

import pytest

from hangup.analysis.stack_sets import describe
from hangup.model.trace import Stack
from hangup.report import stack_text
from tests.traces import stack


def stacks(
    apps: Iterable[str] = ("quart", "starlette", "bare"),
    servers: Iterable[str] = ("uvicorn", "hypercorn"),
    pythons: Iterable[str] = ("3.11", "3.13"),
    versions: Iterable[str] = ("current",),
) -> list[Stack]:
    return [
        stack(app, server, python=python, versions=version)
        for version, python, app, server in product(versions, pythons, apps, servers)
    ]


def having(among: Collection[Stack], **values: str | tuple[str, ...]) -> list[Stack]:
    return [
        one
        for one in among
        if all(
            getattr(one, factor) in ((of,) if isinstance(of, str) else of)
            for factor, of in values.items()
        )
    ]


def subsets(among: Collection[Stack]) -> Iterable[tuple[Stack, ...]]:
    return chain.from_iterable(combinations(among, n) for n in range(len(among) + 1))


EVERY_COMBINATION = stacks(("quart", "bare"), versions=("article", "current"))[:10]
WITH_GAPS = [
    *stacks(("quart",), ("uvicorn",)),
    *stacks(("bare",), ("hypercorn",), ("3.13",)),
    *stacks(("starlette",), pythons=("3.11",), versions=("article",)),
    *stacks(("starlette",), ("uvicorn",), versions=("current",)),
]


@pytest.mark.parametrize("among", [EVERY_COMBINATION, WITH_GAPS], ids=["alike", "with gaps"])
def test_whatever_stacks_are_described_it_is_they_and_no_others(among: list[Stack]) -> None:
    for found in subsets(among):
        description = describe(found, among)
        assert [one for one in among if description.includes(one)] == list(found), found


ALL = stacks()


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (ALL, "everywhere"),
        (having(ALL, app="quart"), "`quart`"),
        (having(ALL, app=("quart", "bare")), "all apps but `starlette`"),
        (having(ALL, server="hypercorn"), "hypercorn"),
        (having(ALL, python="3.11"), "Python 3.11"),
        (having(ALL, app="quart", server="uvicorn"), "`quart` on uvicorn"),
        (having(ALL, server="uvicorn", python="3.11"), "uvicorn, Python 3.11"),
        (
            having(ALL, app=("quart", "bare"), server="uvicorn"),
            "uvicorn with all apps but `starlette`",
        ),
        (
            [
                *having(ALL, app="quart", server="uvicorn"),
                *having(ALL, app="bare", server="hypercorn"),
            ],
            "`quart` on uvicorn; `bare` on hypercorn",
        ),
        (
            [one for one in ALL if one not in having(ALL, app="quart", server="uvicorn")],
            "everywhere but `quart` on uvicorn",
        ),
        (
            [
                *having(ALL, app="quart"),
                *having(ALL, app="starlette", server="uvicorn"),
            ],
            "`quart`; `starlette` on uvicorn",
        ),
        (
            [
                *having(ALL, server="uvicorn"),
                *having(ALL, app=("quart", "starlette"), server="hypercorn", python="3.11"),
            ],
            "uvicorn; hypercorn with all apps but `bare`, Python 3.11",
        ),
    ],
)
def test_a_description_is_the_shortest(found: list[Stack], words: str) -> None:
    in_order = [one for one in ALL if one in found]
    assert stack_text.in_words(describe(in_order, ALL)) == words


def test_version_sets_are_named_where_they_make_the_difference() -> None:
    among = stacks(versions=("article", "current"))
    found = having(among, versions="article", app="quart")
    assert stack_text.in_words(describe(found, among)) == "`quart`, version set `article`"


def test_what_all_have_in_common_goes_without_saying() -> None:
    among = having(ALL, app="quart")
    assert stack_text.in_words(describe(among, among)) == "everywhere"
    found = having(among, server="uvicorn")
    assert stack_text.in_words(describe(found, among)) == "uvicorn"


def test_apps_of_which_it_is_all_there_is_are_named_together() -> None:
    among = [*stacks(("a",), ("uvicorn",), ("3.13",)), *stacks(("b", "c"), pythons=("3.13",))]
    found = having(among, app=("a", "b"))
    assert stack_text.in_words(describe(found, among)) == "all apps but `c`"
