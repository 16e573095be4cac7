"""The ports that servers are given."""

from __future__ import annotations

import random
import socket

import pytest

from hangup.errors import UserError
from hangup.runner import ports
from hangup.runner.client import HOST


def test_no_two_servers_of_a_run_get_the_same_port() -> None:
    given = [ports.free_port() for _ in range(600)]
    assert len(set(given)) == len(given)


def test_a_port_that_is_listened_on_is_not_given_out(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as taken:
        busy = taken.getsockname()[1]
        monkeypatch.setattr(ports, "_PORTS", range(busy, busy + 1))
        with pytest.raises(UserError, match=f"No TCP port from {busy} to {busy} is left"):
            ports.free_port()
    assert ports.free_port() == busy


def test_when_all_have_been_given_out_that_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server((HOST, 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(ports, "_PORTS", range(port, port + 1))
    assert ports.free_port() == port
    with pytest.raises(UserError, match="No TCP port"):
        ports.free_port()


@pytest.mark.parametrize("first", [0, 1, 2])
def test_every_port_is_found_wherever_the_search_begins(
    monkeypatch: pytest.MonkeyPatch, first: int
) -> None:
    monkeypatch.setattr(ports, "_PORTS", range(20_000, 20_003))
    monkeypatch.setattr(ports, "_given", set())
    monkeypatch.setattr(ports, "is_free", lambda port: True)
    monkeypatch.setattr(random, "choice", lambda choices: choices[first])
    assert {ports.free_port() for _ in range(3)} == {20_000, 20_001, 20_002}
