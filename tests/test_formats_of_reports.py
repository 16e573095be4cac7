"""The formats of a report, and the schemas of what other programs read."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jsonschema import Draft202012Validator

from hangup.analysis.claims import verdicts
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model.trace import StackResult
from hangup.report import explorer, json_report, publish, schemas
from hangup.report.formats import FORMATS, FormatId
from hangup.report.pages.context import Context
from hangup.report.schemas import SCHEMAS, Schema
from hangup.store.results import write_stack_result
from hangup.store.tables import OUTCOME_COLUMNS, outcomes_csv
from tests.command import Hangup, contents
from tests.rendering import outcomes_of
from tests.test_pages import with_recipes
from tests.traces import LEAVES, stack, stack_result, trial

COMMITTED = Path(schemas.__file__).parent
CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")


def context_of(*results: StackResult) -> Context:
    outcomes = outcomes_of(*results)
    return Context(outcomes, verdicts(outcomes), CodeExcerpts(), link_code=False)


@pytest.fixture(scope="module")
def context() -> Context:
    return context_of(
        with_recipes("bare"),
        with_recipes("quart", fails=["idle"]),
        stack_result(trial("idle", *CANCELLED, alike=[2]), of=stack("quart", "hypercorn")),
        stack_result(trial("idle", *CANCELLED), of=stack("quart+gzip", python="3.11")),
    )


def validator(schema: Schema) -> Draft202012Validator:
    Draft202012Validator.check_schema(schema.document)
    return Draft202012Validator(schema.document)


def errors(schema: Schema, document: Any) -> list[str]:
    return [error.message for error in validator(schema).iter_errors(document)]


def report_of(context: Context) -> Any:
    return json.loads(json_report.text(json_report.json_report(context, schemas.REPORT.file)))


def test_the_json_report_is_as_its_schema_says(context: Context) -> None:
    report = report_of(context)
    assert errors(schemas.REPORT, report) == []
    del report["groups"][0]["ranking"][0]["rank"]
    report["version"] = "one"
    assert len(errors(schemas.REPORT, report)) == 2


def test_the_json_report_says_what_the_pages_say(context: Context) -> None:
    report = report_of(context)
    assert report["$schema"] == schemas.REPORT.file
    first, second = report["groups"]
    assert (first["python"], second["python"]) == ("3.13", "3.11")
    assert [ranked["app"] for ranked in first["ranking"]] == ["quart", "bare"]
    assert {entry["id"] for entry in first["stacks"]} >= {"current-py3.13/quart/hypercorn"}
    (advice,) = (entry for entry in first["cleanup"] if entry["app"] == "quart")
    assert advice["recommended"][0]["fails"]
    claim = next(entry for entry in report["claims"] if entry["id"] == "cancelled-at-an-await")
    on = {verdict["stack"]: verdict["ruling"] for verdict in claim["verdicts"]}
    assert on["current-py3.13/quart/hypercorn"] == "confirmed"


def test_rows_of_outcomes_are_as_their_schema_says(context: Context) -> None:
    rows = list(csv.DictReader(io.StringIO(outcomes_csv(context.outcomes.observations))))
    assert rows
    for row in rows:
        numbers = {"n": int(row["n"]), "of": int(row["of"])}
        assert errors(schemas.OUTCOMES, row | numbers) == []
    assert len(errors(schemas.OUTCOMES, rows[0])) == 2  # the numbers are texts
    properties = schemas.OUTCOMES.document["$defs"]["OutcomeRow"]["properties"]
    assert tuple(properties) == OUTCOME_COLUMNS


def test_what_the_page_to_explore_reads_is_as_its_schemas_say(context: Context) -> None:
    files = explorer.pages(context)
    _, _, embedded = files[explorer.PAGE].partition('id="data">')
    data = json.loads(embedded.partition("</script>")[0])
    assert errors(schemas.EXPLORER, data) == []
    details = [text for name, text in files.items() if name != explorer.PAGE]
    assert details
    for text in details:
        _, _, found = text.partition(", ")
        assert errors(schemas.EXPLORER_DETAILS, json.loads(found.removesuffix(");\n"))) == []


@pytest.mark.parametrize("schema", SCHEMAS, ids=lambda schema: str(schema.name))
def test_a_schema_is_the_one_of_its_version(schema: Schema) -> None:
    committed = COMMITTED / schema.file.rpartition("/")[2]
    assert committed.read_text(encoding="utf-8") == schema.text, (
        "what is written has changed: if a field is renamed, removed or means something else, "
        "raise the version; then `hangup report --format json` writes the schema anew"
    )


# --- What is written.


@pytest.fixture
def results(tmp_path: Path) -> Path:
    write_stack_result(tmp_path, stack_result(trial("idle", *CANCELLED)))
    return tmp_path


def written(directory: Path) -> set[str]:
    return {name.partition("/")[0] for name in contents(directory)} - {"traces"}


TABLES = {"outcomes.csv", "claims.csv", "metadata.json"}


def test_markdown_and_html_are_written_by_default(results: Path) -> None:
    publish.rebuild(results, CodeExcerpts())
    found = written(results)
    assert {"README.md", "index.html", "explorer", *TABLES} <= found
    assert "report.json" not in found


def test_only_the_formats_that_are_asked_for_are_written(hangup: Hangup, results: Path) -> None:
    done = hangup("report", "--format", "json,html", "--results", results)
    assert done.returncode == 0, done.stderr
    assert "report.json" in done.stderr
    expected = {"report.json", "schemas", "index.html", "explorer", *TABLES}
    assert written(results) == expected


def test_an_unknown_format_costs_a_sentence(hangup: Hangup, results: Path) -> None:
    done = hangup("report", "--format", "md,pdf", "--results", results)
    assert done.returncode == 2
    assert done.stderr == "hangup: There is no format 'pdf'; there are md, html, json.\n"


@pytest.mark.parametrize(("format_id", "suffix"), [("md", ".md"), ("md", ".svg"), ("html", ".js")])
def test_files_of_an_older_report_go_and_others_stay(
    results: Path, format_id: FormatId, suffix: str
) -> None:
    made = FORMATS[format_id]
    older = results / "explorer" / "gone" / f"gone{suffix}"
    own = older.with_name(f"own{suffix}")
    own.parent.mkdir(parents=True)
    older.write_text(made.mark)
    own.write_text("mine")
    publish.rebuild(results, CodeExcerpts(), ["json"])
    assert older.exists()
    publish.rebuild(results, CodeExcerpts(), [format_id])
    assert not older.exists()
    assert own.exists()


def test_a_report_says_the_same_however_often_it_is_written(results: Path) -> None:
    publish.rebuild(results, CodeExcerpts(), list(FORMATS))
    once = contents(results)
    publish.rebuild(results, CodeExcerpts(), list(FORMATS))
    assert contents(results) == once
    assert msgspec.json.decode(once["report.json"])
