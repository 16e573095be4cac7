"""The command as a user runs it, and the app files that misbehave on purpose."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import msgspec
import psutil

from hangup.model.trace import StackResult, Trial
from hangup.store.journal import Batch
from hangup.store.results import read_stack_results
from hangup.store.run_lock import RUN_DIRECTORY, runs_directory

ROOT = Path(__file__).parent.parent
COMMAND = Path(sys.executable).with_name("hangup")
DEADLINE_S = 60.0
"""When waiting for something to happen is given up; nothing comes near it unless it hangs."""

Table = dict[tuple[str, str, str], dict[str, tuple[int, int]]]
"""By app, scenario and surface: what it saw, in how many of how many trials."""


@dataclass(frozen=True)
class Hangup:
    """The command `hangup` with a cache of its own."""

    home: Path
    command: Path = COMMAND

    def __call__(
        self, *arguments: str | Path, cwd: Path = ROOT
    ) -> subprocess.CompletedProcess[str]:
        """Run it to its end."""
        return subprocess.run(
            self._command(arguments),
            cwd=cwd,
            env=self._environment(),
            capture_output=True,
            text=True,
            timeout=3 * DEADLINE_S,
        )

    def start(self, *arguments: str | Path, cwd: Path = ROOT) -> subprocess.Popen[str]:
        """Start it and leave it running."""
        return subprocess.Popen(
            self._command(arguments),
            cwd=cwd,
            env=self._environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            preexec_fn=_as_in_a_terminal,
        )

    def _command(self, arguments: tuple[str | Path, ...]) -> list[str]:
        return [str(self.command), *(str(argument) for argument in arguments)]

    def _environment(self) -> dict[str, str]:
        return os.environ | {"HANGUP_HOME": str(self.home), "NO_COLOR": "1"}


def _as_in_a_terminal() -> None:
    """Undo that signals are ignored, which they are where a shell runs tests in the background."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def a_short_run(app: str, *more: str | Path) -> list[str | Path]:
    """What to run where one scenario on one server is enough."""
    options = ["--app", app, "--server", "uvicorn", "--repeats", "1", "--latency", "0"]
    return ["run", *options, *more]


def table(results: Path) -> Table:
    """`outcomes.csv`, to be asked what a surface saw."""
    found: Table = {}
    with (results / "outcomes.csv").open(newline="") as lines:
        for row in csv.DictReader(lines):
            saw = found.setdefault((row["app"], row["scenario"], row["surface"]), {})
            saw[row["saw"]] = (int(row["n"]), int(row["of"]))
    return found


def only_stack_result(results: Path) -> StackResult:
    (stack_result,) = read_stack_results(results)
    return stack_result


def trials_of(stack_result: StackResult, scenario: str) -> list[Trial]:
    return [trial for trial in stack_result.trials if trial.scenario == scenario]


def contents(results: Path) -> dict[str, bytes]:
    """Every file of some results, without what runs keep beside them."""
    return {
        str(path.relative_to(results)): path.read_bytes()
        for path in sorted(results.rglob("*"))
        if path.is_file() and RUN_DIRECTORY not in path.parts
    }


def journalled(results: Path) -> list[Batch]:
    """What a run into these results that was cut off has finished."""
    (journal,) = runs_directory(results).glob("*/journal.jsonl")
    return [msgspec.json.decode(line, type=Batch) for line in journal.read_bytes().splitlines()]


def wait_until(happened: Callable[[], object], what: str) -> None:
    """Wait for an event that nobody will announce; only a deadline ends it otherwise."""
    deadline_s = time.monotonic() + DEADLINE_S
    while not happened():
        assert time.monotonic() < deadline_s, f"never happened: {what}"
        time.sleep(0.01)


def processes_of(directory: Path) -> set[int]:
    """The processes whose command or environment names this directory."""
    name = str(directory)
    found = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error):  # it has ended meanwhile, or is not ours
            texts = [*process.cmdline(), *process.environ().values()]
            if any(name in text for text in texts):
                found.add(process.pid)
    return found


def write_app(directory: Path, name: str, *changes: str, needs: str = "anyio") -> Path:
    """Write an app that is as `bare` is but for some changes, which come after it."""
    directory.mkdir(exist_ok=True)
    bare = (ROOT / "apps" / "bare.py").read_text()
    block, mark, code = bare.partition("# ///\n")
    block = block.replace('dependencies = ["anyio", "httpx"]', f'dependencies = ["{needs}"]')
    path = directory / f"{name}.py"
    path.write_text("\n".join([block + mark + code, *changes]))
    return path
