"""What is committed is what the recorded traces give, and says nothing of any machine."""

import lzma
import re
import shutil
import subprocess
from pathlib import Path

from hangup.analysis.outcomes import Outcomes
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.report import pages, publish
from hangup.report.views import in_order
from hangup.store.results import read_stack_results
from tests.command import contents

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "results"
_MACHINE = re.compile(r"/(root|home|Users|work|tmp|private|var)/")


def test_committed_results_are_those_the_traces_give(tmp_path: Path) -> None:
    made = tmp_path / "results"
    shutil.copytree(RESULTS / "traces", made / "traces")
    # As in the repository, where pages link to the code of recipes beside them.
    (tmp_path / "apps" / "recipes").mkdir(parents=True)
    publish.rebuild(made, CodeExcerpts())
    built, committed = contents(made), contents(RESULTS)
    assert built.keys() == committed.keys()
    for name, data in built.items():
        assert data == committed[name], f"{name} is not up to date"


def test_readme_quotes_the_report() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    quoted = readme.partition("<!-- excerpt -->\n")[2].partition("<!-- /excerpt -->")[0]
    assert quoted == pages.excerpt(Outcomes(in_order(read_stack_results(RESULTS)))), (
        "put the output of `hangup report --excerpt` between the README's excerpt marks"
    )


def test_every_link_from_the_pages_to_code_leads_to_a_file() -> None:
    for page in RESULTS.rglob("*.md"):
        for target in re.findall(r"\]\((\.\./[^)#]+)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).is_file(), f"{page}: {target}"


def test_recorded_traces_name_no_place_of_a_machine() -> None:
    for name, data in contents(RESULTS).items():
        text = lzma.decompress(data) if name.endswith(".xz") else data
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
    assert command.endswith("/pytest -n 2")
