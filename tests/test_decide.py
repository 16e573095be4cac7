"""Decision records: what `hangup decide` prints, and what the report has of it."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
from msgspec.structs import replace
from typer.testing import CliRunner

from hangup.analysis.cleanup import CleanupGuide, CleanupResult
from hangup.cli.main import app as command
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.errors import UserError
from hangup.model.cleanup import RECIPES, SITUATIONS, whole_title
from hangup.model.servers import BY_ID as SERVERS
from hangup.model.trace import StackResult, Trial
from hangup.model.vocabulary import Word
from hangup.report import pages
from hangup.report.decision_record import Record, decision_record
from hangup.report.decision_text import record_text
from hangup.report.links import EVIDENCE, NoLinks
from hangup.report.pages.decisions import APPS
from hangup.report.publish import publish
from hangup.store.results import read_stack_result, write_stack_result
from tests.command import ROOT
from tests.rendering import outcomes_of, rendered
from tests.test_pages import dead_links, made, made_again, with_recipes
from tests.traces import CLOSES, LEAVES, stack, stack_result, trial

HEADINGS = [
    "## Context and Problem Statement",
    "## Decision Drivers",
    "## Considered Options",
    "## Decision Outcome",
    "### Consequences",
    "### Confirmation",
    "## Pros and Cons of the Options",
    "## More Information",
]
"""The headings of MADR, in their order."""
CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
COMPLETED = ("stream begin", LEAVES, "stream end")


def record_of(result: StackResult, *others: StackResult) -> Record:
    """The record of the first of these stacks."""
    return decision_record(outcomes_of(result, *others), result.stack, CodeExcerpts())


def text_of(result: StackResult, *others: StackResult) -> str:
    """The same as Markdown, without links."""
    outcomes = outcomes_of(result, *others)
    record = decision_record(outcomes, result.stack, CodeExcerpts())
    return record_text(record, outcomes, result.stack, NoLinks(""))


def only(result: StackResult, wanted: Callable[[Trial], bool]) -> StackResult:
    """The same stack with some of its trials."""
    return replace(result, trials=tuple(filter(wanted, result.trials)))


def failing(result: StackResult, recipe: str, *situations: str) -> StackResult:
    """The same stack, on which the clean-up of a recipe does not begin in some situations."""
    names = {f"{recipe}-in-{situation}" for situation in situations}

    def without_clean_up(of: Trial) -> Trial:
        kept = tuple(event for event in of.events if event.surface != "cleanup")
        return replace(of, events=kept) if of.scenario in names else of

    return replace(result, trials=tuple(map(without_clean_up, result.trials)))


def section(text: str, heading: str) -> str:
    """What stands below a heading, up to the next of its level or above."""
    level = heading.partition(" ")[0]
    below = text.partition(f"\n{heading}\n")[2]
    return re.split(rf"(?m)^#{{1,{len(level)}}} ", below)[0]


def decide(*arguments: str | Path) -> str:
    """What was printed; raises UserError."""
    found = CliRunner().invoke(command, ["decide", *map(str, arguments)])
    if found.exception is not None and not isinstance(found.exception, SystemExit):
        raise found.exception
    assert found.exit_code == 0, found.output
    return found.stdout


@pytest.fixture
def results(tmp_path: Path) -> Path:
    """Results with two apps, two servers and two Pythons, and no evidence."""
    directory = tmp_path / "results"
    for result in (
        with_recipes("starlette"),
        with_recipes("starlette", server="hypercorn"),
        stack_result(*made("idle", *[CANCELLED] * 5), of=stack("quart")),
        stack_result(*made("idle", CANCELLED), of=stack("quart", "hypercorn")),
        stack_result(*made("idle", CANCELLED), of=stack("starlette", python="3.11")),
        stack_result(*made("idle", CANCELLED), of=stack("bare", versions="article")),
    ):
        write_stack_result(directory, result)
    return directory


# --- What a record says.


def test_a_record_has_the_headings_of_madr() -> None:
    for text in (text_of(with_recipes()), text_of(stack_result(*made("idle", CANCELLED)))):
        assert re.match(r"# .+\n\n\* Status: proposed\n\* Date: 2025-01-31\n\n## ", text)
        found = [line for line in text.splitlines() if line in HEADINGS]
        expected = [h for h in HEADINGS if "Pros" not in h or "### `" in text]
        assert found == expected


def test_a_record_names_what_was_measured() -> None:
    context = section(text_of(with_recipes()), "## Context and Problem Statement")
    for said in (
        "an app made up for a test",
        "uvicorn, h11 on asyncio",
        "uvicorn 1.0",
        "CPython 3.13.0",
        "an OS, a CPU, 2 cores",
        "2025-01-31, by hangup 0.1.0, with its version set `current`",
        f"| trials | {len(with_recipes().trials)} |",
    ):
        assert said in context
    assert "anyio 4.0" in section(text_of(with_recipes()), "### Versions")


def test_the_decision_is_what_the_guide_recommends_and_its_code_is_there_in_full() -> None:
    result = failing(with_recipes(), "try-finally", "idle")
    (recommended,) = CleanupGuide(outcomes_of(result)).recommended(result.stack)
    record = record_of(result)
    assert record.chosen is not None
    assert record.chosen.option.id == recommended.recipe.id != "try-finally"
    text = text_of(result)
    assert f'Chosen option: "`{recommended.recipe.id}`"' in text
    file = ROOT / "apps" / "recipes" / f"{recommended.recipe.functions[-1]}.py"
    assert f"```python\n{file.read_text().strip()}\n```" in text
    assert f"stream = {record.chosen.option.expression}\n" in text


def test_what_does_for_all_but_shutdowns_is_named_with_its_own_figures() -> None:
    shutdowns = [s.id for s in SITUATIONS if s.kind == "shutdown"]
    result = failing(with_recipes(), "try-finally", *shutdowns)
    record = record_of(result)
    assert record.simpler is not None
    assert record.simpler.option.id == "try-finally"
    assert record.chosen is not None
    assert record.chosen.option.id == "except-cancelled"
    outcome = section(text_of(result), "## Decision Outcome")
    assert "`try-finally` (a plain `await` in `finally`; 31 lines) is enough: 3 of 3" in outcome
    assert "but 0 of 6 in which the server is told to stop" in outcome


def test_each_option_says_what_it_survived_in_how_many_trials_and_the_bound() -> None:
    text = text_of(failing(with_recipes(), "anyio-shield", "idle"))
    survived = section(text, "### `try-finally`")
    assert "* Good, because clean-up is done whenever the client leaves: 3 of 3 trials" in survived
    assert "(up to 64% may still fail)" in survived
    assert "6 of 6 trials in 6 situations (in one of these situations up to 95% may" in survived
    assert "Bad" not in survived
    failed = section(text, "### `anyio-shield`")
    assert (
        "* Bad, because clean-up is not begun: when the client closes while the stream awaits its "
        "source (1 of 1 trials).\n"
    ) in failed
    assert "| `anyio-shield` | 2 of 3 | all 1 | all 6 |" in text
    assert "| **`try-finally`** | all 3 | all 1 | all 6 |" in text


def test_what_is_known_of_no_trial_is_said_not_to_be_known() -> None:
    result = with_recipes(inconclusive=["ticking"])
    text = text_of(result)
    assert "no trial was conclusive: when the client closes while an event" in text
    record = record_of(result)
    assert record.chosen is not None
    assert record.chosen.unknown == ("ticking",)
    assert not record.recommended


def test_an_option_that_fails_when_clients_leave_is_not_recommended() -> None:
    text = text_of(with_recipes(fails=["idle"]))
    assert text.startswith("# Undecided: ")
    outcome = section(text, "## Decision Outcome")
    assert "None is chosen: no option that was tried is known to clean up whenever" in outcome
    assert "Chosen option" not in text
    assert "In review" not in text
    assert "is there to start from" in outcome


def test_an_option_that_fails_at_shutdowns_only_is_chosen_with_what_it_fails_in() -> None:
    text = text_of(with_recipes(fails=["shutdown"]))
    outcome = section(text, "## Decision Outcome")
    assert "Chosen option" in outcome
    assert "**none is known to work in all of them**" in outcome
    assert "* Bad, because clean-up is not begun: when the server gets SIGTERM while" in outcome


def test_results_without_recipes_say_what_was_not_measured() -> None:
    text = text_of(stack_result(*made("idle", CANCELLED), of=stack("starlette")))
    assert text.startswith("# Undecided: ")
    run = (
        "`hangup run --thorough --app starlette --server uvicorn --versions current --python 3.13`"
    )
    assert f"None was tried: {run} tries them." in section(text, "## Considered Options")
    assert "no option was tried" in section(text, "## Decision Outcome")
    missing = section(text, "### What was not measured")
    assert "* Not run: some hang-ups: the client closes while events go out; " in missing
    assert "* Not run: all shutdowns of the app as it is.\n" in missing
    assert "An option that was not tried: a plain `await` in `finally`" in missing


def test_recipes_that_were_not_tried_everywhere_are_options_and_none_is_chosen() -> None:
    once = only(with_recipes(), lambda t: t.scenario == "anyio-shield-in-idle")
    record = record_of(once)
    assert [option.id for option in record.options] == ["anyio-shield"]
    assert record.chosen is None
    assert "None was chosen: an option is compared" in text_of(once)


def test_options_are_told_in_words_that_stand_on_their_own() -> None:
    ids = {recipe.id for recipe in RECIPES}
    for recipe in RECIPES:
        assert not ids & set(re.findall(r"`([^`]+)`", whole_title(recipe))), recipe.id
    assert "shielded AnyIO cancel scope" in whole_title(
        next(recipe for recipe in RECIPES if recipe.id == "shutdown-aware")
    )


def test_that_the_process_exits_is_said_only_where_it_was_seen() -> None:
    shared = with_recipes()
    assert "the process exited" not in text_of(shared)
    alone = replace(shared, trials=tuple(replace(t, alone=True) for t in shared.trials))
    assert "* Good, because the process exited within the trial: when the server gets" in text_of(
        alone
    )


def test_a_variant_of_the_server_says_what_the_same_code_comes_to() -> None:
    own = with_recipes(fails=["shutdown"])
    on_variant = with_recipes(server="uvicorn+graceful-2s")
    shutdowns = only(on_variant, lambda t: "-in-shutdown" in t.scenario)
    title = SERVERS["uvicorn+graceful-2s"].title
    said = f"* Good, because with *{title}* the same code did the clean-up in 6 of 6 trials"
    text = text_of(own, shutdowns)
    assert said in text
    assert "the process was still running at the end" not in text
    same = text_of(on_variant, with_recipes(server="hypercorn"))
    assert "the same came out with" not in same
    alike = only(own, lambda t: "-in-shutdown" in t.scenario)
    again = replace(alike, stack=stack(server="uvicorn+graceful-2s"))
    assert f"* Neutral, because the same came out with *{title}*." in text_of(own, again)


def test_a_server_on_which_fewer_situations_fail_is_named() -> None:
    worse, better = (
        replace(result, trials=(*result.trials, *made_again(result.trials)))
        for result in (with_recipes(server="hypercorn", fails=["shutdown"]), with_recipes())
    )
    assert record_of(worse, better).better_servers == ("uvicorn",)
    assert "on `uvicorn`: see `hangup decide starlette uvicorn`" in text_of(worse, better)
    assert record_of(better, worse).better_servers == ()


def test_what_the_stack_does_by_itself_is_told_with_its_trials() -> None:
    result = stack_result(
        *made("idle", CANCELLED, CANCELLED), *made("ticking", CANCELLED, COMPLETED)
    )
    consequences = section(text_of(result), "### Consequences")
    assert "*Is the stream told that its client has left?*" in consequences
    assert "source (2 of 2 trials); when the client closes while events go out (1 of 2" in (
        consequences
    )
    assert "* Bad, because the stream is not told of the hang-up and produces all" in consequences


def test_a_hang_ups_cost_upstream_is_told() -> None:
    opened = ("asgi begin", "source begin", "upstream accepts", "upstream sends #1")
    closed = trial(
        "relay", *opened, LEAVES, "upstream sends #2", "upstream closed", CLOSES, repeat=1
    )
    text = text_of(stack_result(closed))
    assert "was closed 2.0 ms (median; at most 2.0 ms) after the hang-up, and 1 event (" in text


def test_a_clean_up_longer_than_was_tried_is_not_promised() -> None:
    record = record_of(with_recipes())
    assert record.longest_clean_up_s == 0.001
    assert "takes longer than 0.001 s" in text_of(with_recipes())


def test_no_two_items_of_a_list_are_set_apart() -> None:
    assert not re.search(r"(?m)^\* .*\n\n\* ", text_of(with_recipes(fails=["shutdown"])))


# --- Among the results.


def test_the_report_has_the_records_of_some_apps_as_the_command_prints_them(
    tmp_path: Path,
) -> None:
    own = [with_recipes(APPS[0]), with_recipes(APPS[0], server="hypercorn"), with_recipes("bare")]
    found = rendered(*own)
    name = f"decisions/{APPS[0]}-uvicorn.md"
    assert [page for page in found if page.startswith("decisions/")] == [name]
    assert f"](../{EVIDENCE}" not in found[name]  # by number
    assert dead_links(rendered(*own, link_code=False)) == []
    directory = tmp_path / "results"
    publish(directory, own, CodeExcerpts(), merge=False)
    record = directory / name
    again = tmp_path / "results" / "decisions" / "again.md"
    decide(APPS[0], "--results", directory, "--output", again)
    assert record.read_text() == pages.GENERATED + again.read_text()


@pytest.mark.parametrize("app", APPS)
def test_the_reference_results_make_records(app: str) -> None:
    paths = sorted((ROOT / "results" / "traces" / "current-py3.13" / app).glob("*.xz"))
    outcomes = outcomes_of(*map(read_stack_result, paths))
    of = stack(app)
    record = decision_record(outcomes, of, CodeExcerpts())
    text = record_text(record, outcomes, of, NoLinks(""))
    assert [line for line in text.splitlines() if line in HEADINGS] == HEADINGS
    assert record.options
    assert record.chosen is not None
    assert record.chosen.code
    assert len(text.encode()) <= 60_000
    assert msgspec.json.decode(msgspec.json.encode(record), type=Record) == record


# --- The command.


def test_the_first_group_that_has_the_stack_is_taken(results: Path) -> None:
    assert "| Python | CPython 3.13.0 |" in decide("starlette", "--results", results)
    old = decide("starlette", "--results", results, "--python", "3.11")
    assert "--python 3.11`" in old
    assert "version set `article`" in decide("bare", "--results", results)


def test_links_lead_from_where_the_record_is_to_the_evidence(results: Path, tmp_path: Path) -> None:
    assert "]: " not in decide("starlette", "--results", results), "there is no evidence"
    (results / EVIDENCE).mkdir()
    record = tmp_path / "docs" / "decisions" / "0007.md"
    decide("starlette", "--results", results, "--output", record)
    addresses = re.findall(r"(?m)^\[\d+\]: (.*)$", record.read_text())
    assert addresses
    for address in addresses:
        assert address.startswith("../../results/evidence/current-py3.13/starlette/")


def test_a_record_elsewhere_names_no_place_of_this_machine(results: Path, tmp_path: Path) -> None:
    below = tmp_path / "some" / "where"
    below.mkdir(parents=True)
    moved = results.rename(below / "results")
    (moved / EVIDENCE).mkdir()
    record = tmp_path / "elsewhere" / "0007.md"
    decide("starlette", "--results", moved, "--output", record)
    assert "]: " not in record.read_text()


def test_json_is_what_the_record_is_made_of(results: Path) -> None:
    printed = decide("starlette", "--results", results, "--json")
    record = msgspec.json.decode(printed, type=Record)
    assert record.subject.app == "starlette"
    assert record.chosen is not None
    assert record.chosen.option.tally("disconnect").done == 3
    assert record.options[0].attempts[0].counts == ((CleanupResult.GOOD, 1),)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["starlete"], "There is no app 'starlete'; did you mean starlette"),
        (["starlette", "uvicron"], "There is no server 'uvicron'; did you mean uvicorn"),
        (["starlette", "--python", "3.9"], "There is no Python '3.9'"),
        (["starlette", "--versions", "newest"], "There is no version set 'newest'"),
        (["bare", "hypercorn"], "no trials of bare on hypercorn, but on uvicorn; `hangup run"),
        (["bare", "--python", "3.11"], "no trials of bare on uvicorn under Python 3.11; `hangup"),
        (["starlette", "--against", "starlette"], "starlette is the app itself"),
        (["starlette", "--against", "quar"], "There is no app 'quar'; did you mean quart"),
    ],
)
def test_what_is_not_there_is_said(results: Path, arguments: list[str], message: str) -> None:
    with pytest.raises(UserError, match=re.escape(message)):
        decide(*arguments, "--results", results)


# --- Two apps.

EXITED, STILL_RUNNING = "exit saw exited", "exit saw still running"


def at_shutdown(app: str, exit_: str) -> StackResult:
    """An app on which five shutdowns came out so."""
    trials = made("shutdown", *[("stream begin", LEAVES, CLOSES, exit_)] * 5)
    return stack_result(*trials, of=stack(app))


def compared(tmp_path: Path, a: StackResult, b: StackResult, *options: str) -> str:
    directory = tmp_path / "compared"
    for result in (a, b):
        write_stack_result(directory, result)
    return decide(a.stack.app, "--against", b.stack.app, "--results", directory, *options)


def test_the_app_that_answers_more_questions_well_is_chosen(tmp_path: Path) -> None:
    good, bad = at_shutdown("quart", EXITED), at_shutdown("starlette", STILL_RUNNING)
    text = compared(tmp_path, bad, good)
    assert text.startswith(
        "# Serve event streams on `uvicorn` with `quart` rather than `starlette`\n"
    )
    assert [line for line in text.splitlines() if line in HEADINGS] == HEADINGS
    assert "because it answers 1 of 7 questions well, and `starlette` 0." in text
    assert "| Shutdown ends | not well | well |" in text
    consequences = section(text, "### Consequences")
    assert "* Good, because of “Shutdown ends”: well with `quart`, not well with `star" in (
        consequences
    )
    assert "(5 of 5 trials)" in section(text, "### `starlette`")
    assert "takes longer than the window more often than with `quart`: at SIGTERM" in section(
        text, "### `starlette`"
    )
    assert "more often" not in section(text, "### `quart`")


def test_apps_that_answer_as_many_are_left_to_the_team(tmp_path: Path) -> None:
    one, other = (at_shutdown(app, EXITED) for app in ("quart", "starlette"))
    text = compared(tmp_path, one, other)
    assert text.startswith("# Undecided: event streams on `uvicorn` with `quart` or `starlette`\n")
    assert "None was chosen: both answer 1 of 7 questions well." in text
    assert "Chosen option" not in text


def test_what_differs_is_what_diff_says_that_differs(tmp_path: Path) -> None:
    good, bad = at_shutdown("quart", EXITED), at_shutdown("starlette", STILL_RUNNING)
    text = compared(tmp_path, bad, good)
    row = "| the server's process | still running | exited | SIGTERM while a stream is open |"
    assert row in text
    diff = CliRunner().invoke(
        command, ["diff", "starlette", "quart", "--results", str(tmp_path / "compared")]
    )
    (differing,) = re.findall(r"(\d+) of (\d+) cells differ", diff.stdout)
    assert "{} of {} places that were looked at differ".format(*differing) in text
    assert f"* *{Word.STILL_RUNNING}*: {Word.STILL_RUNNING.meaning}" in text


def test_what_repeats_may_explain_is_no_difference(tmp_path: Path) -> None:
    one = stack_result(*made("idle", *[CANCELLED] * 4, COMPLETED), of=stack("quart"))
    other = stack_result(*made("idle", *[CANCELLED] * 5), of=stack("starlette"))
    text = compared(tmp_path, one, other)
    assert "0 of " in section(text, "### What they do differently")
    assert "| what sees it |" not in text


def test_the_clean_up_of_the_chosen_app_is_told(tmp_path: Path) -> None:
    good = with_recipes("quart")
    good = replace(good, trials=(*good.trials, *at_shutdown("quart", EXITED).trials))
    bad = at_shutdown("starlette", STILL_RUNNING)
    text = compared(tmp_path, good, bad)
    assert "clean-up that has to be awaited is done with `quart` in 3 of 3 trials" in text
    json = msgspec.json.decode(compared(tmp_path, good, bad, "--json"))
    assert json["chosen"] == "quart"
    assert json["a"]["clean_up"]["option"]["id"] == "try-finally"
