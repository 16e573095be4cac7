"""What a stack does to a team that runs it: what its trials show, and what they do not."""

from __future__ import annotations

from hangup.analysis.consequences import Consequences, Finding, consequences
from hangup.analysis.outcomes import Outcomes
from hangup.model.consequences import CONSEQUENCES, QUIET
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.trace import Trial
from hangup.model.vocabulary import Word
from tests.traces import CLOSES, LEAVES, stack, stack_result, trial

CANCELLED = ("stream begin", LEAVES, "stream end CancelledError at an await")
COMPLETED = ("stream begin", LEAVES, "stream end")
OPEN = ("stream begin", LEAVES, CLOSES)
FAILED = ("handler saw ValueError", "server-log saw ValueError")


def found(*trials: Trial, surfaces: tuple[str, ...] = ()) -> Consequences:
    """What these trials of one stack show."""
    return consequences(Outcomes([stack_result(*trials, surfaces=surfaces)]), stack())


def of(consequence: str, *trials: Trial, surfaces: tuple[str, ...] = ()) -> list[Finding]:
    """What they show of one question."""
    found_ = found(*trials, surfaces=surfaces).findings
    return [finding for finding in found_ if finding.consequence == consequence]


def test_every_consequence_is_asked_in_scenarios_that_there_are() -> None:
    assert len({consequence.id for consequence in CONSEQUENCES}) == len(CONSEQUENCES)
    for consequence in CONSEQUENCES:
        assert consequence.scenarios
        assert set(consequence.scenarios) <= SCENARIOS.keys()
        assert bool(consequence.clauses) != (consequence.id in QUIET)


def test_what_is_good_and_what_is_bad_is_found_with_its_trials() -> None:
    good, bad = of(
        "told",
        trial("idle", *CANCELLED, alike=(2, 3)),
        trial("ticking", *CANCELLED),
        trial("ticking", *COMPLETED, repeat=2),
    )
    assert (good.tone, bad.tone) == ("good", "bad")
    assert [(case.scenario, case.n, case.of) for case in good.cases] == [
        ("idle", 3, 3),
        ("ticking", 1, 2),
    ]
    assert [(case.scenario, case.n, case.of) for case in bad.cases] == [("ticking", 1, 2)]
    assert (good.trials, good.of) == (4, 5)
    assert not good.everywhere
    assert "produces all" in bad.text


def test_what_every_trial_shows_is_so_everywhere() -> None:
    (told,) = of("told", trial("idle", *CANCELLED), trial("ticking", *CANCELLED))
    assert told.everywhere
    (still_open, _) = sorted(
        of("told", trial("idle", *OPEN), trial("ticking", *CANCELLED)), key=lambda f: f.tone
    )
    assert still_open.tone == "bad"
    assert not still_open.everywhere


def test_trials_that_failed_decide_nothing() -> None:
    silent = trial("idle", "stream begin", failure=Word.NOT_REACHED)
    assert of("told", silent) == []
    undecided = dict(found(silent).undecided)
    assert "idle" in undecided["told"]


def test_what_was_not_run_is_not_decided() -> None:
    undecided = dict(found(trial("idle", *CANCELLED)).undecided)
    assert "idle" not in undecided["told"]
    assert "ticking" in undecided["told"]


def test_what_an_app_does_not_have_is_absent_and_not_undecided() -> None:
    without = found(trial("idle", *CANCELLED))
    assert without.absent == ("dependency", "background")
    assert not {"dependency", "background"} & dict(without.undecided).keys()
    torn_down = trial("idle", "dependency begin", "dependency end", *CANCELLED)
    (bad,) = of("dependency", torn_down, surfaces=("dependency",))
    assert bad.tone == "bad"
    assert "while the stream still runs" in bad.text


def test_a_silence_is_quiet_only_if_it_is_earned() -> None:
    hung_up = trial("idle", *CANCELLED)
    assert of("quiet", hung_up, surfaces=("handler",)) == []
    control = trial("plain-error", *FAILED)
    (quiet,) = of("quiet", hung_up, control, surfaces=("handler",))
    assert quiet.tone == "good"
    assert "the handler for `Exception`, the server's error log" in quiet.text


def test_what_raises_an_alarm_is_named() -> None:
    loud = trial("idle", "stream begin", LEAVES, "server-log saw RuntimeError", "stream end")
    control = trial("plain-error", *FAILED)
    (bad,) = of("quiet", loud, control, surfaces=("handler",))
    assert bad.tone == "bad"
    assert bad.text.startswith("the server's error log sees an error")


def test_a_hook_that_sees_an_error_is_told_apart_from_an_alarm() -> None:
    hook = "hook:after_exception"
    seen = trial("idle", "stream begin", LEAVES, f"{hook} saw CancelledError", "stream end")
    neutral = of("quiet", seen, surfaces=(hook,))
    assert [finding.tone for finding in neutral] == ["neutral"]
    assert "the hook `after_exception`" in neutral[0].text


def test_a_process_that_does_not_exit_is_told_with_how_long_it_had() -> None:
    (bad,) = of("exit", trial("shutdown", LEAVES, "exit saw still running"))
    assert bad.tone == "bad"
    assert "6 s after the signal" in bad.text
