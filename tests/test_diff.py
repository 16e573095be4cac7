"""`hangup diff`: what its names mean, its exit status, and what it prints."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner

from hangup.analysis.outcomes import Outcomes
from hangup.cli import compared
from hangup.cli import diff as diff_command
from hangup.cli.main import app as command
from hangup.errors import UserError
from hangup.model.trace import Stack, StackResult
from hangup.model.vocabulary import Word
from hangup.store.results import SUFFIX, TRACES, write_stack_result
from hangup.store.tables import OUTCOMES, outcomes_csv
from tests.traces import LEAVES, Line, stack, stack_result, trial

AWAIT = ("stream begin", LEAVES, "stream end CancelledError at an await")
YIELD = ("stream begin", LEAVES, "stream end GeneratorExit at a yield")


def result(of: Stack, *outcomes: tuple[Line, ...], scenario: str = "idle") -> StackResult:
    """A stack on which the trials of a scenario came out so."""
    trials = [trial(scenario, *lines, repeat=n) for n, lines in enumerate(outcomes, 1)]
    return stack_result(*trials, of=of)


STACKS = (
    result(stack("quart", "uvicorn"), *[AWAIT] * 5),
    result(stack("quart", "hypercorn"), *[YIELD] * 5),
    result(stack("bare", "uvicorn"), *[AWAIT] * 5),
    result(stack("bare", "hypercorn"), *[YIELD] * 5),
    result(stack("quart", "uvicorn", python="3.11"), *[AWAIT] * 4, YIELD),
    result(stack("quart", "uvicorn", versions="article", python="3.12"), *[AWAIT] * 5),
)


def write(directory: Path, *results: StackResult) -> Path:
    for one in results:
        write_stack_result(directory, one)
    return directory


@pytest.fixture
def results(tmp_path: Path) -> Path:
    return write(tmp_path / "results", *STACKS)


def diff(*arguments: str | Path) -> tuple[int, str]:
    """The exit status, and what was printed; raises UserError."""
    found = CliRunner().invoke(command, ["diff", *map(str, arguments)])
    if isinstance(found.exception, UserError):
        raise found.exception
    return found.exit_code, found.stdout


# --- What is compared.


def test_servers_are_compared_on_all_stacks_that_have_both(results: Path) -> None:
    status, text = diff("uvicorn", "hypercorn", "--results", results)
    assert status == 1
    assert text.startswith("uvicorn → hypercorn, 2 pairs of stacks\n")
    assert "    stream-end: cancelled at an await → closed at a yield   p ≤ 0.0079\n" in text
    assert "      on " not in text, "the two stacks agree, so that they need no names"


def test_what_repeats_explain_is_no_difference(results: Path) -> None:
    status, text = diff("3.11", "3.13", "--results", results)
    assert status == 0
    assert "0 of " in text
    assert "Races" in text
    assert "Verdicts that change" not in text, "repeats may explain that they do"


def test_what_is_asked_for_narrows_what_is_compared(results: Path) -> None:
    _, text = diff("uvicorn", "hypercorn", "--results", results, "--app", "bare")
    assert "current-py3.13/bare/uvicorn and current-py3.13/bare/hypercorn" in text
    with pytest.raises(UserError, match="There is no app 'starlette'"):
        diff("uvicorn", "hypercorn", "--results", results, "--app", "starlette")


def test_results_are_compared_stack_by_stack(results: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other", *STACKS[1:], result(stack("bare", "granian"), AWAIT))
    assert diff(results, other) == (
        0,
        f"{results} → {other}, 5 pairs of stacks\n"
        "0 of 40 cells differ; 0 would be expected by chance at most.\n"
        "\n"
        f"Only in {results}: stack current-py3.13/quart/uvicorn\n"
        f"Only in {other}: stack current-py3.13/bare/granian\n",
    )


def test_a_table_and_a_file_of_traces_are_results_too(results: Path, tmp_path: Path) -> None:
    table = tmp_path / OUTCOMES
    table.write_text(outcomes_csv(Outcomes(STACKS).observations))
    assert diff(table, results)[0] == diff(results, table)[0] == 0
    one, other = (results / TRACES / f"{r.stack.id}{SUFFIX}" for r in STACKS[:2])
    status, text = diff(one, other)
    assert status == 1
    assert "current-py3.13/quart/uvicorn and current-py3.13/quart/hypercorn" in text


def test_a_file_that_is_no_table_is_said_to_be_none(tmp_path: Path, results: Path) -> None:
    table = tmp_path / "other.csv"
    table.write_text("a,b\n1,2\n")
    with pytest.raises(UserError, match=r"other\.csv is no table of outcomes"):
        diff(table, results)


def test_a_name_in_the_results_comes_before_a_path_unless_this_is_written_as_one(
    results: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(results.parent)
    for server, found in (("uvicorn", STACKS[0]), ("hypercorn", STACKS[0])):
        write(Path(server), found)
    assert diff("uvicorn", "hypercorn")[0] == 1
    monkeypatch.setattr(compared, "results_to_read", None)  # nothing is to be looked up there
    assert diff("./uvicorn", "./hypercorn")[0] == 0


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ("uvicorn", "hypercron", "did you mean hypercorn"),
        ("uvicorn", "quart", "uvicorn is a server and quart is an app"),
        ("article", "current", "not measured on one and the same app, server and Python"),
        ("quart", "quart", "quart is the same as quart"),
        ("bare/uvicorn", "current-py3.13/bare/hypercorn", "or neither"),
    ],
)
def test_names_that_cannot_be_compared_cost_one_sentence(
    results: Path, a: str, b: str, message: str
) -> None:
    with pytest.raises(UserError, match=message) as raised:
        diff(a, b, "--results", results)
    assert "\n" not in str(raised.value)
    assert raised.value.exit_code == 2


def test_a_name_that_is_of_two_kinds_is_ambiguous_unless_the_other_says_which(
    tmp_path: Path,
) -> None:
    twice = [result(stack(a, "uvicorn", versions=v), AWAIT) for a in "xy" for v in ("x", "y", "z")]
    results = write(tmp_path / "results", *twice)
    with pytest.raises(UserError, match="x and y are both app and version set"):
        diff("x", "y", "--results", results)
    assert diff("x", "z", "--results", results)[0] == 0


# --- What is printed.


RECIPE = ("source begin", LEAVES, "source end CancelledError at an await", "cleanup begin")


def test_the_results_of_recipes_are_counted_as_what_surfaces_saw_is(tmp_path: Path) -> None:
    ran = [
        result(stack("bare", server), *lines, scenario="waited-task-in-idle")
        for server, lines in (
            ("uvicorn", [(*RECIPE, "cleanup end")] * 5),
            ("hypercorn", [(*RECIPE, "cleanup end CancelledError")] * 5),
            ("granian", [*[(*RECIPE, "cleanup end")] * 4, (*RECIPE, "cleanup end CancelledError")]),
            ("daphne", [(*RECIPE, "cleanup end CancelledError")] * 2),
        )
    ]
    results = write(tmp_path / "results", *ran)
    status, text = diff("uvicorn", "hypercorn", "--results", results)
    assert status == 1
    assert "\n1 of 2 cells differ; 0.008 would be expected by chance at most.\n" in text
    _, text = diff("uvicorn", "granian", "--results", results)
    assert "\n0 of 2 cells differ; 0 would be expected by chance at most; 1 is a race.\n" in text
    assert "which may explain it" in text
    _, text = diff("uvicorn", "daphne", "--results", results)
    assert "; 1 is not decided (too few trials).\n" in text


def test_what_was_disturbed_is_said_to_be_not_compared(tmp_path: Path) -> None:
    good = [trial("post", *AWAIT, repeat=n) for n in range(1, 6)]
    hit = [trial("idle", repeat=n, failure=Word.DISTURBED) for n in range(1, 6)]
    ran = [
        stack_result(*good, *[trial("idle", *AWAIT, repeat=n) for n in range(1, 6)], of=stack("a")),
        stack_result(*good, *hit, of=stack("a+x")),
    ]
    status, text = diff("a", "a+x", "--results", write(tmp_path / "results", *ran))
    said = "Not compared, as all trials of one of the two were disturbed: scenario idle"
    assert status == 0
    assert text.endswith(f"\n\n{said}\n")


def test_json_is_one_document_of_all_that_was_found(results: Path) -> None:
    _, text = diff("bare/uvicorn", "bare/hypercorn", "--results", results, "--json")
    assert text.count("\n") == 1
    found = msgspec.json.decode(text)
    (row,) = (r for r in found["differences"] if r["cell"]["name"] == "stream-end")
    assert row["a"] == {"seen": [[["cancelled at an await"], 5]], "of": 5}
    assert row["pairs"][0]["b"]["server"] == "hypercorn"
    assert found["cells"] > 0
    assert found["only_a"]["stacks"] == []


def test_markdown_is_a_table(results: Path) -> None:
    status, text = diff("bare/uvicorn", "bare/hypercorn", "--results", results, "--markdown")
    assert status == 1
    row = "| idle | `stream-end` | cancelled at an await | closed at a yield | p = 0.0079 | all |\n"
    assert row in text
    assert {line.count("|") for line in text.splitlines() if line.startswith("|")} == {7}


# --- Confirming.


@pytest.mark.parametrize(("fresh", "status"), [(AWAIT, 0), (YIELD, 1)])
def test_a_fresh_sample_decides(
    results: Path,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    fresh: tuple[Line, ...],
    status: int,
) -> None:
    measured = []

    def run(
        context: object,
        *,
        server_ids: list[str],
        scenario_ids: list[str],
        repeats: int,
        results: Path,
        **asked: object,
    ) -> None:
        measured.append((server_ids, scenario_ids, repeats))
        came_to = AWAIT if server_ids == ["uvicorn"] else fresh
        write(results, result(stack("bare", *server_ids), *[came_to] * 7))

    monkeypatch.setattr(diff_command, "run", run)
    monkeypatch.setattr("tempfile.mkdtemp", lambda prefix: str(tmp_path / "fresh"))
    stacks = ("bare/uvicorn", "bare/hypercorn", "--results", results)
    assert diff(*stacks, "--confirm", "7")[0] == status
    assert measured == [(["uvicorn"], ["idle"], 7), (["hypercorn"], ["idle"], 7)]


def test_what_cannot_be_confirmed_is_refused(results: Path) -> None:
    with pytest.raises(UserError, match="--confirm is for two stacks of the same results"):
        diff("uvicorn", "hypercorn", "--results", results, "--confirm", "5")
    with pytest.raises(UserError, match="4 trials against 4 decide nothing"):
        diff("bare/uvicorn", "bare/hypercorn", "--results", results, "--confirm", "4")
