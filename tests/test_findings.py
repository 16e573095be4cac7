"""What is said over all outcomes rests on answers, and on nothing else."""

from __future__ import annotations

import pytest

from hangup.analysis import findings
from hangup.analysis.classification import observations, outcomes
from hangup.analysis.findings import Table
from hangup.model.outcomes import Observation
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Latency, Stack
from hangup.model.vocabulary import FAILURES, Word
from hangup.report import pages as report
from tests.traces import CLOSES, COLLECTS, LEAVES, stack, stack_result, trial


def table(stack: Stack, *seen: tuple[str, str, str]) -> Table:
    return Table(
        Observation(stack=stack, scenario=scenario, surface=surface, saw=saw, n=5, of=5)
        for scenario, surface, saw in seen
    )


@pytest.mark.parametrize("why", sorted(FAILURES))
def test_a_stack_without_an_answer_is_counted_nowhere(why: str) -> None:
    one = stack()
    seen = table(one, ("before-response", "endpoint", why), ("idle", "stream-end", why))
    assert findings.headlines(seen, [one]) == []
    assert findings.hazards(seen) == []
    assert findings.glance(seen, one)["`finally` late"].text == why


def test_a_stack_that_could_not_start_is_not_said_to_clean_up_badly() -> None:
    one = stack()
    seen = table(one, ("cleanup-await", "cleanup", Word.FAILED_TO_START))
    assert findings.glance(seen, one)["clean-up unfinished"].text == Word.FAILED_TO_START
    assert findings.hazards(seen) == []


def test_a_silence_that_is_not_proven_is_not_reported_as_nothing() -> None:
    one = stack()
    seen = table(
        one, ("idle", "handler", Word.INCONCLUSIVE), ("idle", "server-log", Word.INCONCLUSIVE)
    )
    assert findings.glance(seen, one)["seen by"].text == Word.INCONCLUSIVE


def test_a_headline_counts_the_stacks_it_names() -> None:
    told, untold, failed = stack("a"), stack("b"), stack("c")
    rows = [
        (told, "CancelledError"),
        (untold, str(Word.STILL_RUNNING)),
        (failed, str(Word.NOT_REACHED)),
    ]
    seen = Table(
        Observation(stack=each, scenario="before-response", surface="endpoint", saw=saw, n=5, of=5)
        for each, saw in rows
    )
    (headline,) = findings.headlines(seen, [told, untold, failed])
    assert headline.endswith("**1 of 2** stacks: b.")


def test_a_response_that_never_ends_does_not_look_complete() -> None:
    one = stack()
    seen = table(one, ("error-mid-stream", "client", "200, 3 events, not ended"))
    assert "A failed stream looks complete" not in [h.title for h in findings.hazards(seen)]


def test_a_response_that_ends_after_an_error_looks_complete() -> None:
    one = stack()
    seen = table(one, ("error-mid-stream", "client", "200, 3 events, ended"))
    assert "A failed stream looks complete" in [h.title for h in findings.hazards(seen)]


@pytest.mark.parametrize(
    ("end", "source", "outlives"),
    [
        (Word.CANCELLED_AT_AWAIT, Word.SUSPENDED, True),
        (Word.CLOSED_AT_YIELD, Word.FINISHED, True),
        (Word.CANCELLED_AT_AWAIT, Word.ALREADY_FINISHED, False),
        (Word.CANCELLED_AT_AWAIT, "CancelledError", False),
        (Word.SUSPENDED, Word.SUSPENDED, False),
        (Word.COMPLETED, Word.FINISHED, False),
        (Word.NOT_REACHED, Word.SUSPENDED, False),
    ],
)
def test_a_source_that_goes_on_after_a_stream_that_was_told_outlives_it(
    end: str, source: str, outlives: bool
) -> None:
    one = stack()
    seen = table(one, ("idle", "stream-end", end), ("idle", "source", source))
    title = "The inner source outlives its stream"
    assert (title in [h.title for h in findings.hazards(seen)]) == outlives


def test_the_excerpt_is_of_the_current_version_set_alone() -> None:
    one = trial("idle", "stream begin", LEAVES)
    stack_results = [
        stack_result(one, of=stack("quart", versions="article", python="3.11")),
        stack_result(one, of=stack(versions="current", python="3.13")),
    ]
    text = report.excerpt(stack_results, [s for each in stack_results for s in outcomes(each)])
    assert text == report.excerpt(stack_results[1:], outcomes(stack_results[1]))
    assert report.excerpt(stack_results[:1], outcomes(stack_results[0])).endswith("Python 3.11.)\n")


def test_what_comes_after_the_window_does_not_count() -> None:
    late = trial("idle", "asgi begin", "stream begin", LEAVES, CLOSES,
                 "stream end CancelledError at an await", "server-log saw ValueError",
                 "asgi end")  # fmt: skip
    found = observations(late, BY_ID["idle"], ())
    assert found["stream-end"] == (Word.SUSPENDED,)
    assert found["asgi"] == (Word.STILL_RUNNING,)
    assert found["server-log"] == (Word.NOTHING,)


def test_what_the_collection_sets_off_is_not_taken_for_the_stacks_own_doing() -> None:
    collected = trial("cleanup-task", "dependency begin", "stream begin", LEAVES, CLOSES, COLLECTS,
                      "stream saw GeneratorExit at a yield", "cleanup begin", "cleanup end",
                      "stream end GeneratorExit at a yield",
                      "dependency end GeneratorExit")  # fmt: skip
    found = observations(collected, BY_ID["cleanup-task"], ("dependency",))
    assert found["stream-end"] == (Word.GARBAGE_COLLECTED,)
    assert found["dependency"] == (Word.STILL_RUNNING,)
    assert found["cleanup"] == (Word.DID_NOT_RUN,)


def test_a_cancellation_after_anothers_collection_is_still_a_cancellation() -> None:
    told = trial("idle", "stream begin", LEAVES, COLLECTS, "stream end CancelledError at an await")
    assert observations(told, BY_ID["idle"], ())["stream-end"] == (Word.CANCELLED_AT_AWAIT,)


def test_a_latency_is_a_ratio_of_medians_with_an_interval_around_it() -> None:
    latency = Latency(own_ns=(2_000_000,) * 20 + (9_000_000,), bare_ns=(1_000_000,) * 21)
    row = findings.latency_row(stack(), latency)
    assert row is not None
    assert (row.samples, row.median_ms, row.ratio) == (21, 2.0, 2.0)
    assert row.ratio_low <= row.ratio <= row.ratio_high


@pytest.mark.parametrize("latency", [None, Latency(), Latency(own_ns=(1, 2))])
def test_without_samples_beside_it_there_is_no_latency(latency: Latency | None) -> None:
    assert findings.latency_row(stack(), latency) is None


def test_every_hazard_leads_to_cells_that_were_seen() -> None:
    hung = stack_result(trial("firehose", "stream begin", LEAVES, "liveness saw no answer"))
    seen = outcomes(hung)
    for hazard in findings.hazards(Table(seen)):
        assert {(c.scenario, c.surface) for c in hazard.cells} <= {
            (s.scenario, s.surface) for s in seen
        }
