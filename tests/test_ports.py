"""The ports that servers are given."""

from __future__ import annotations

import random
import socket

import pytest

from hangup.runner import ports
from hangup.runner.client import HOST


def test_no_two_servers_of_a_run_get_the_same_port() -> None:
    given = [ports.free_port() for _ in range(600)]
    assert len(set(given)) == len(given)


def test_a_port_that_is_listened_on_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as taken:
        busy = taken.getsockname()[1]
        with socket.create_server((HOST, 0)) as free:
            other = free.getsockname()[1]
        choices = iter([busy, other])
        monkeypatch.setattr(random, "choice", lambda _: next(choices))
        assert ports.free_port() == other
