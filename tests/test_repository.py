"""What is committed is what the recorded traces give, and says nothing of any machine."""

import gzip
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from hangup.analysis.classification import all_outcomes
from hangup.environment.apps import find_apps
from hangup.model.servers import SERVERS
from hangup.report import pages as report
from hangup.report import publish
from hangup.store.results import read_stack_results
from tests.command import contents

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
VERSIONS = sorted(path for path in (ROOT / "apps" / "versions").iterdir() if path.is_file())
_MACHINE = re.compile(r"/(root|home|Users|work|tmp|private|var)/")


def test_committed_results_are_those_the_traces_give(tmp_path: Path) -> None:
    shutil.copytree(RESULTS / "traces", tmp_path / "traces")
    publish.rebuild(tmp_path)
    made = {path.relative_to(tmp_path): path for path in tmp_path.rglob("*") if path.is_file()}
    committed = contents(RESULTS)
    assert {str(name) for name in made} == committed.keys()
    for name, path in made.items():
        assert path.read_bytes() == committed[str(name)], f"{name} is not up to date"


def test_readme_quotes_the_report() -> None:
    stack_results = read_stack_results(RESULTS)
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    quoted = readme.partition("<!-- excerpt -->\n")[2].partition("<!-- /excerpt -->")[0]
    assert quoted == report.excerpt(stack_results, all_outcomes(stack_results)), (
        "put the output of `hangup report --excerpt` between the README's excerpt marks"
    )


def test_every_evidence_link_of_the_report_leads_somewhere() -> None:
    text = (RESULTS / "report.md").read_text(encoding="utf-8")
    used = set(re.findall(r"\]\[(\d+)\]", text))
    defined = re.findall(r"(?m)^\[(\d+)\]: (evidence/\S+)#(\S+)$", text)
    assert used == {number for number, _, _ in defined}
    links = {(page, anchor) for _, page, anchor in defined}
    headings: dict[str, set[str]] = {}
    for page, anchor in links:
        if page not in headings:
            text = (RESULTS / page).read_text(encoding="utf-8")
            headings[page] = {
                heading.lower().replace(" ", "-") for heading in re.findall(r"(?m)^#+ (.+)$", text)
            }
        assert anchor in headings[page], f"{page} has no section {anchor}"


def test_recorded_traces_name_no_place_of_a_machine() -> None:
    for name, data in contents(RESULTS).items():
        text = gzip.decompress(data) if name.endswith(".gz") else data
        found = _MACHINE.search(text.decode())
        assert found is None, f"{name} has {found}"


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    extract = next(line for line in script.splitlines() if line.startswith("command="))
    command = subprocess.run(
        ["bash", "-c", f'{extract}; printf %s "$command"'],
        cwd=ROOT, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert command.startswith("python3 -m venv .venv && ")
    assert command.endswith("/pytest")


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: str(path.name))
def test_version_sets_name_no_registry(path: Path) -> None:
    assert "://" not in path.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", VERSIONS, ids=lambda path: str(path.name))
def test_version_sets_have_all_that_apps_and_servers_ask_for(path: Path) -> None:
    wanted = [d for app in find_apps().values() for d in app.dependencies]
    wanted += [requirement for server in SERVERS for requirement in server.requirements]
    lines = path.read_text(encoding="utf-8").splitlines()
    has = {Requirement(line).name for line in lines if not line.startswith("#")}
    assert {Requirement(each).name for each in wanted} <= has
