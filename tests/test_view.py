"""`hangup view`: results served to a browser on this machine."""

from __future__ import annotations

import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from hangup.report.explorer import PAGE
from tests.command import DEADLINE_S, Hangup


@pytest.fixture
def results(tmp_path: Path) -> Path:
    (tmp_path / PAGE).write_text("<title>explore</title>", encoding="utf-8")
    (tmp_path / "README.md").write_text("# Größe", encoding="utf-8")
    return tmp_path


@pytest.fixture
def served(hangup: Hangup, results: Path) -> Iterator[subprocess.Popen[str]]:
    """The command, which serves some results."""
    command = hangup.start("view", "--no-browser", "--results", results)
    yield command
    command.kill()
    command.communicate()


def test_results_are_served_until_ctrl_c(served: subprocess.Popen[str]) -> None:
    assert served.stdout is not None
    address = served.stdout.readline().strip()
    assert httpx.get(address).text == "<title>explore</title>"
    page = httpx.get(address.replace(PAGE, "README.md"))
    assert page.text == "# Größe"
    assert page.headers["content-type"].startswith("text/plain")
    served.send_signal(signal.SIGINT)
    assert served.communicate(timeout=DEADLINE_S) == ("", "")
    assert served.returncode == 0


@pytest.mark.parametrize("path", ["out.txt", "below/", "../out.txt"])
def test_nothing_is_served_but_files_of_the_results(
    served: subprocess.Popen[str], results: Path, path: str
) -> None:
    (results / "below").mkdir()
    outside = results.parent / f"{results.name}-outside.txt"
    outside.write_text("mine", encoding="utf-8")
    (results / "out.txt").symlink_to(outside)
    assert served.stdout is not None
    address = served.stdout.readline().strip()
    assert httpx.get(address.replace(PAGE, path)).status_code == 404
    assert httpx.get(address).status_code == 200


def test_results_without_a_page_cost_a_sentence(hangup: Hangup, tmp_path: Path) -> None:
    done = hangup("view", "--no-browser", "--results", tmp_path)
    assert done.returncode == 2
    assert done.stderr == f"hangup: {tmp_path} has no {PAGE}; `hangup report` writes it.\n"


def test_a_port_that_is_taken_costs_a_sentence(hangup: Hangup, results: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = hangup("view", "--no-browser", "--port", str(port), "--results", results)
    assert done.returncode == 2
    assert done.stderr == f"hangup: Port {port} cannot be served at: Address already in use.\n"
