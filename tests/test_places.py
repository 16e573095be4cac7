"""Where something is so, among the stacks that were run."""

from __future__ import annotations

from itertools import product

from hangup.report.places import EVERYWHERE, at, places
from tests.traces import stack

SERVERS = ("uvicorn", "hypercorn")
RAN = [stack(app, server) for app, server in product("abcd", SERVERS)]


def test_a_place_in_a_sentence_has_its_preposition() -> None:
    assert at(places(RAN, RAN)) == EVERYWHERE
    assert at(places(RAN[:2], RAN)) == "on `a`"
    assert at(places(RAN[1:], RAN)) == "everywhere but `a` on uvicorn"


def test_most_apps_of_a_server_are_not_confused_with_all_stacks_but_one() -> None:
    one = stack("a", "hypercorn")
    all_but_one = places([s for s in RAN if s != one], RAN)
    most_of_hypercorn = places([s for s in RAN if s.server == "hypercorn" and s != one], RAN)
    assert all_but_one != most_of_hypercorn
    assert most_of_hypercorn == "hypercorn with all apps but `a`"


def test_no_two_sets_of_stacks_are_called_the_same() -> None:
    few = [stack(app, server) for app in "ab" for server in SERVERS]
    texts = set()
    for chosen in product((False, True), repeat=len(few)):
        found = [s for s, taken in zip(few, chosen, strict=True) if taken]
        if found:
            texts.add(places(found, few))
    assert len(texts) == 2 ** len(few) - 1
