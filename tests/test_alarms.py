"""What sees hang-ups that also sees errors, and what still runs after them."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from hangup.analysis.alarms import Watch, still_run, torn_down, watches
from hangup.analysis.claims import verdicts
from hangup.analysis.outcomes import Outcomes
from hangup.model.trace import StackResult
from hangup.model.vocabulary import Word, is_alarm
from tests.rendering import rendered
from tests.test_pages import dead_links
from tests.traces import LEAVES, Line, stack, stack_result, trial

ENDED = ("stream begin", LEAVES, "stream end CancelledError at an await")
HANDLED = (*ENDED, "handler saw ValueError")
ERROR = ("endpoint begin", "endpoint end ValueError", "handler saw ValueError")


def watched(
    app: str,
    idle: Sequence[Line] = ENDED,
    *,
    server: str = "uvicorn",
    surfaces: Sequence[str] = ("handler",),
    error: Sequence[Line] = ERROR,
    in_stream: Sequence[Line] = HANDLED,
) -> StackResult:
    """An app with the controls and three hang-ups, of which all but the first are silent."""
    trials = [
        trial("plain-error", *error),
        trial("error-mid-stream", *in_stream),
        trial("idle", *idle),
        trial("post", *ENDED),
        trial("idle-rst", *ENDED),
    ]
    return stack_result(*trials, surfaces=surfaces, of=stack(app, server))


def watch_of(surface: str, *results: StackResult) -> list[Watch]:
    outcomes = Outcomes(results)
    found = watches(outcomes, [result.stack for result in results])
    return [watch for watch in found if watch.surface == surface]


# --- Computed.


@pytest.mark.parametrize(
    ("saw", "alarm"),
    [
        ("ValueError", True),
        (Word.ERROR_LINE, True),
        (Word.ERROR_STATUS, True),
        (Word.CALLED, False),
        (Word.FINISHED, False),
        (Word.NOTHING, False),
    ],
)
def test_an_alarm_is_an_error_that_was_seen(saw: str, alarm: bool) -> None:
    assert is_alarm(saw) is alarm


def test_a_surface_that_saw_no_hang_up_as_an_error_is_silent() -> None:
    (silent,) = watch_of("handler", watched("bare"))
    assert silent.silent
    assert len(silent.hang_ups) == 3
    (loud,) = watch_of("handler", watched("bare", HANDLED))
    assert not loud.silent
    assert [seen[0].scenario for seen in loud.alarms] == ["idle"]


def test_a_silence_that_no_control_proves_is_no_silence() -> None:
    (unproven,) = watch_of("handler", watched("bare", error=ENDED, in_stream=ENDED))
    assert not unproven.silent
    assert not unproven.alarms
    assert unproven.unknown[0].saw == Word.UNREACHED


def test_trials_that_did_not_take_place_say_nothing() -> None:
    result = watched("bare")
    failed = trial("idle", failure=Word.DISTURBED)
    trials = [failed if t.scenario == "idle" else t for t in result.trials]
    (watch,) = watch_of("handler", stack_result(*trials, surfaces=["handler"], of=result.stack))
    assert [seen[0].scenario for seen in watch.hang_ups] == ["post", "idle-rst"]


def test_of_a_variant_only_what_its_baseline_has_not_is_watched() -> None:
    reported = ("endpoint begin", "error-report saw ValueError")
    both = watched("bare+x", surfaces=("handler", "error-report"), error=(*ERROR, reported[1]))
    assert watch_of("handler", both)
    assert not watch_of("handler", watched("bare"), both)[1:]
    assert watch_of("error-report", watched("bare"), both)


def test_what_is_torn_down_when_is_what_the_trials_of_a_hang_up_say() -> None:
    outlives = ("dependency begin", *ENDED, "dependency end")
    before = ("dependency begin", "dependency end", *ENDED)
    between = ("dependency begin", "stream begin", "dependency end", *ENDED[1:])
    results = [
        stack_result(trial("idle", *lines), surfaces=["dependency"], of=stack(app))
        for app, lines in (("a", outlives), ("b", before), ("c", between))
    ]
    outcomes = Outcomes([*results, stack_result(trial("idle", *ENDED), of=stack("none"))])
    stacks = [of.stack for of in outcomes.stacks]
    found = torn_down(verdicts(outcomes), stacks, "idle")
    assert found is not None
    assert found.after_stream == (stack("a"),)
    assert found.before_stream == (stack("b"),)
    assert found.otherwise == (stack("c"),)
    assert torn_down(verdicts(outcomes), stacks, "post") is None
    assert torn_down(verdicts(outcomes), [stack("none")], "idle") is None


def test_what_still_runs_is_asked_of_those_that_have_it() -> None:
    ran = (*ENDED, "background begin", "background end")
    complete = trial("complete", "stream begin", "stream end", "background begin", "background end")
    one = stack_result(complete, trial("idle", *ran), surfaces=["background"], of=stack("a"))
    outcomes = Outcomes([one, stack_result(trial("idle", *ENDED), of=stack("none"))])
    (found,) = still_run(outcomes, [of.stack for of in outcomes.stacks])
    assert found.stack == stack("a")
    assert found.hang_ups[0][0].saw == Word.FINISHED


# --- The page.


def page(*results: StackResult) -> str:
    return rendered(*results)["alarms.md"]


def answer(text: str, about: str) -> str:
    (line,) = (line for line in text.splitlines() if line.startswith(f"- **Does {about} see"))
    return line


def test_the_answer_says_where_a_handler_sees_a_hang_up_and_where_not() -> None:
    text = page(watched("a", HANDLED), watched("b"), watched("c"))
    said = answer(text, "the handler for `Exception`")
    assert " No, on all apps but `a`: in none of up to 3 kinds of hang-up" in said
    assert " Yes, on `a`: [the client closes while the stream awaits its source]" in said


def test_a_handler_that_is_not_known_to_be_in_place_is_not_said_to_see_nothing() -> None:
    said = answer(page(watched("a", error=ENDED, in_stream=ENDED)), "the handler for `Exception`")
    assert "never reached" in said.lower()
    assert "No" not in said.removeprefix("- **Does")


def test_an_error_that_is_seen_in_an_endpoint_only_is_said() -> None:
    said = "it does not see one that a stream raises after some events on `a`."
    text = page(watched("a", in_stream=ENDED), watched("b"))
    assert said in answer(text, "the handler for `Exception`")


def rows(text: str, seen_by: str) -> list[list[str]]:
    """The cells of the table that is about a surface."""
    table = text.partition(f"**{seen_by}**:\n\n")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line[1:-1].split(" | ")] for line in table]


def test_stacks_on_which_the_same_is_seen_share_a_row() -> None:
    text = page(watched("a", HANDLED), watched("b"), watched("c"))
    loud, silent = rows(text, "The handler for `Exception`")
    assert "`ValueError`" in loud[3]
    assert loud[3].endswith("<br>else [nothing][" + loud[3].rpartition("[")[2])
    assert loud[0] == "`a`"
    assert silent[0] == "all apps but `a`"
    assert "nothing" in silent[3]
    assert "`ValueError`" in silent[1]


def test_a_share_is_of_the_scenarios_in_which_it_is_that_share() -> None:
    control = [trial("plain-error", *ERROR), trial("error-mid-stream", *HANDLED)]
    once = [trial("idle", *HANDLED), trial("idle", *ENDED, repeat=2)]
    twice = [
        trial("post", *HANDLED),
        trial("post", *ENDED, repeat=2),
        trial("post", *ENDED, repeat=3),
    ]
    quiet = [trial(name, *ENDED) for name in ("idle-rst", "idle-timeout")]
    result = stack_result(*control, *once, *twice, *quiet, surfaces=["handler"], of=stack("a"))
    (row,) = rows(page(result), "The handler for `Exception`")
    assert "1/2" in row[3]
    assert "1/3" in row[3]


def test_what_a_variant_has_added_is_named_by_its_app() -> None:
    surfaces = ("handler", "error-report")
    saw = "error-report saw ValueError"
    variants = [
        watched(f"{app}+sentry", idle, surfaces=surfaces, error=(*ERROR, saw))
        for app, idle in (("a", ENDED), ("b", (*ENDED, saw)))
    ]
    text = page(watched("a"), watched("b"), *variants)
    said = answer(text, "the error reporter (Sentry)")
    assert " No, on `a`: " in said
    assert " Yes, on `b`: " in said


def test_what_a_variant_has_no_evidence_of_is_no_link() -> None:
    surfaces = ("handler", "error-report")
    saw = "error-report saw ValueError"
    variant = watched("a+sentry", surfaces=surfaces, error=(*ERROR, saw))
    pages = rendered(watched("a"), variant)
    dead = [link for link in dead_links(pages) if link.startswith("alarms.md")]
    assert dead == []
    ((_, ordinary, _, hang_up),) = rows(pages["alarms.md"], "The error reporter (Sentry)")
    assert ordinary.startswith("[`ValueError`][")
    assert hang_up == "nothing"


def test_hooks_are_apart() -> None:
    hooked = ("hook:after", "handler")
    text = page(watched("a", (*ENDED, "hook:after saw called"), surfaces=hooked))
    before, after = text.split("<summary>The hooks of frameworks")
    assert "he hook `after`" not in before
    assert "he hook `after`" in after


def test_a_page_without_hang_ups_says_so() -> None:
    text = page(stack_result(trial("complete", "stream begin", "stream end")))
    assert "Not run" in text
    assert "|" not in text
