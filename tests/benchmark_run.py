"""How much faster the harness is than the plain way, on the same trials in the same run.

The plain way is what a script would do: for every trial a fresh server, a fixed sleep
until it is surely up, the hang-up, a fixed sleep until everything has surely happened.

    python tests/benchmark_run.py [REPEATS]

Not a test: it prints both times and their ratio. Environments are made before the clock
starts, for both.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from hangup.environment.apps import find_apps
from hangup.environment.cache import cache_directory
from hangup.environment.cache import environments as cached_environments
from hangup.environment.installations import install, resolve
from hangup.environment.interpreters import find_interpreter
from hangup.environment.staging import stage, staged_app
from hangup.environment.version_sets import constraints_of
from hangup.model import scenarios as catalogue
from hangup.model import servers
from hangup.model.scenario import Scenario
from hangup.runner.client import HOST, target

ROOT = Path(__file__).resolve().parent.parent
APPS = ("bare", "starlette")
SERVER = "uvicorn"
SCENARIOS = ("idle", "ticking", "before-response", "nested", "cleanup-await", "error-mid-stream")
REPEATS = int(sys.argv[1]) if len(sys.argv) > 1 else 5
UP_S = 1.5
"""Until a server is surely up."""
STREAMING_S = 0.5
"""Until a stream is surely in its state."""
WINDOW_S = 2.0
"""The harness's own window, so that both could see the same."""


def harness_way(results: Path) -> tuple[float, int]:
    """Run the subset with `hangup run`; seconds and the number of trials."""
    command = [sys.executable, "-m", "hangup", "run", "--latency", "0"]
    command += ["--repeats", str(REPEATS), "--results", str(results), "--server", SERVER]
    for app in APPS:
        command += ["--app", app]
    for scenario in SCENARIOS:
        command += ["--scenario", scenario]
    began_s = time.monotonic()
    subprocess.run(command, check=True, cwd=ROOT)
    elapsed_s = time.monotonic() - began_s
    chosen = [s for s in catalogue.SCENARIOS if s.id in SCENARIOS or s.proof]
    return elapsed_s, len(APPS) * REPEATS * sum(s.repeat_factor for s in chosen)


def plain_way(pythons: dict[str, Path], staged: Path, scenarios: list[Scenario]) -> float:
    """Run every trial on a server of its own, with fixed sleeps; seconds."""
    apps = find_apps()
    began_s = time.monotonic()
    port = 18000
    for app in APPS:
        for scenario in scenarios:
            for repeat in range(REPEATS * scenario.repeat_factor):
                port += 1
                server = subprocess.Popen(
                    [pythons[app], *servers.BY_ID[SERVER].arguments(port)],
                    env=os.environ
                    | {
                        "HANGUP_APP": str(staged_app(staged, apps[app].path)),
                        "PYTHONPATH": str(staged),
                    },
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.DEVNULL,
                )
                try:
                    time.sleep(UP_S)
                    url = f"http://{HOST}:{port}{target(scenario, f'plain-{repeat}')}"
                    hang_up(url)
                    time.sleep(WINDOW_S)
                finally:
                    server.kill()
                    server.wait()
    return time.monotonic() - began_s


def hang_up(url: str) -> None:
    """Read for a while, then leave."""
    deadline_s = time.monotonic() + STREAMING_S
    try:
        with httpx.stream("GET", url, timeout=httpx.Timeout(5, read=STREAMING_S)) as response:
            for _ in response.iter_raw():
                if time.monotonic() > deadline_s:
                    break
    except httpx.ConnectError:
        raise  # nobody is there: then nothing is measured
    except httpx.HTTPError:
        pass


async def environments() -> dict[str, Path]:
    """The environments both ways use."""
    interpreter = await find_interpreter(None)
    constraints = constraints_of("current")
    cache = cached_environments(cache_directory())
    apps = find_apps()
    pythons = {}
    for app in APPS:
        wanted = apps[app].dependencies + servers.BY_ID[SERVER].requirements
        pins = await resolve(wanted, constraints, interpreter, cache)
        pythons[app] = await install(pins, interpreter, cache)
    return pythons


def main() -> None:
    """Measure both ways and print the ratio."""
    pythons = asyncio.run(environments())
    chosen = [s for s in catalogue.SCENARIOS if s.id in SCENARIOS or s.proof]
    with tempfile.TemporaryDirectory() as directory:
        harness_s, trials = harness_way(Path(directory) / "results")
        staged = Path(directory) / "staged"
        stage(staged, find_apps().values())
        plain_s = plain_way(pythons, staged, chosen)
    print(f"{trials} trials on {len(APPS)} stacks, {os.cpu_count()} cores")
    print(f"harness     {harness_s:7.1f} s   {harness_s / trials:6.3f} s a trial")
    print(f"plain way   {plain_s:7.1f} s   {plain_s / trials:6.3f} s a trial")
    print(f"ratio       {plain_s / harness_s:7.1f}")


if __name__ == "__main__":
    main()
