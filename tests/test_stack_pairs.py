"""Which stacks are compared: what names mean, and what differs in one thing."""

from __future__ import annotations

from itertools import product

import pytest

from hangup.analysis.stack_pairs import all_names, meanings, one_factor, pairs
from hangup.model.effect import Pair
from tests.traces import stack

STACKS = [
    stack(app, server, versions=versions, python=python)
    for app, server, (versions, python) in product(
        ("bare", "bare+gzip"),
        ("uvicorn", "hypercorn", "uvicorn+fast"),
        (("article", "3.11"), ("current", "3.11"), ("current", "3.13")),
    )
]


@pytest.mark.parametrize(
    ("name", "kind", "fields"),
    [
        ("bare+gzip", "app", {"app": "bare+gzip"}),
        ("uvicorn+fast", "server", {"server": "uvicorn+fast"}),
        ("article", "version set", {"versions": "article"}),
        ("3.11", "Python", {"python": "3.11"}),
        ("bare/uvicorn", "stack", {"app": "bare", "server": "uvicorn"}),
        ("current-py3.13", "version set under a Python", {"versions": "current", "python": "3.13"}),
        (
            "current-py3.13/bare/uvicorn",
            "stack",
            {"app": "bare", "server": "uvicorn", "versions": "current", "python": "3.13"},
        ),
    ],
)
def test_a_name_means_what_it_names(name: str, kind: str, fields: dict[str, str]) -> None:
    assert meanings(name, STACKS) == {kind: fields}
    assert name in all_names(STACKS)


def test_a_name_that_is_not_there_means_nothing_and_one_of_two_things_means_both() -> None:
    assert meanings("granian", STACKS) == meanings("article-py3.13", STACKS) == {}
    both = [*STACKS, stack("article")]
    assert meanings("article", both).keys() == {"app", "version set"}


def test_two_names_pair_the_stacks_that_are_alike_in_all_else() -> None:
    found = pairs({"versions": "article"}, {"versions": "current"}, STACKS)
    assert len(found) == 6
    assert all(p.factors == ("versions",) and p.a.python == "3.11" for p in found)
    (both,) = pairs(
        {"app": "bare", "versions": "article"},
        {"app": "bare+gzip", "versions": "current"},
        [s for s in STACKS if s.server == "hypercorn"],
    )
    assert both.factors == ("app", "versions")


def test_stacks_without_a_counterpart_are_not_paired() -> None:
    assert pairs({"python": "3.11"}, {"python": "3.13"}, [stack(python="3.11")]) == []


def test_what_differs_in_one_thing_is_paired_by_that_thing() -> None:
    titles = {(f.kind.title, f.title): len(f.pairs) for f in one_factor(STACKS)}
    assert titles == {
        ("Variants of apps", "+gzip"): 9,
        ("Variants of servers", "+fast"): 6,
        ("Servers", "uvicorn → hypercorn"): 6,
        ("Pythons", "3.11 → 3.13"): 6,
        ("Version sets", "article → current"): 6,
    }
    assert all(len(pair.factors) == 1 for found in one_factor(STACKS) for pair in found.pairs)


def test_a_variant_is_one_change_whatever_it_is_a_variant_of() -> None:
    apps = ("a", "a+x", "b", "b+x", "b+y", "c+x")
    found = {f.title: f.pairs for f in one_factor([stack(app) for app in apps])}
    assert found == {
        "+x": (Pair(stack("a"), stack("a+x")), Pair(stack("b"), stack("b+x"))),
        "+y": (Pair(stack("b"), stack("b+y")),),
    }


def test_pythons_are_compared_with_the_next_by_number() -> None:
    found = one_factor([stack(python=python) for python in ("3.9", "3.13", "3.11")])
    assert [f.title for f in found] == ["3.9 → 3.11", "3.11 → 3.13"]
