"""What the page to explore loads on demand: timelines and exception paths. Pure.

One file an app, under a version set and a Python. Texts that occur often are written once and
then named by their place.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeAlias

import msgspec

from hangup.analysis.outcomes import Outcomes, StackOutcomes
from hangup.model.outcomes import Outcome
from hangup.model.scenarios import BY_ID
from hangup.model.trace import Stack
from hangup.model.variants import baseline_id
from hangup.report import exception_path
from hangup.report.evidence import has_section
from hangup.report.explorer.data import details_file
from hangup.report.explorer.places import Places
from hangup.report.links import evidence_page
from hangup.report.timeline import timeline

UNIT_NS = 10_000
"""What times are counted in: hundredths of a millisecond."""


Line: TypeAlias = tuple[int, int | None]
"""A line of a timeline: its place in `lines`, and when it was, in units since the client left;
None where it is about no one moment."""


class Example(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One trial that stands for all that came out alike."""

    repeat: int
    n: int
    """So many trials came out so."""
    timeline: tuple[Line, ...] = ()


class Path(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """An exception path; texts are Markdown, by their place in `texts`."""

    sentence: int
    steps: tuple[int, ...] = ()
    """Its frames; none where there are no timelines either."""


class ScenarioDetails(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What is known of a scenario on a stack beside what the matrix shows."""

    as_baseline: bool = False
    """Whether the stack is a variant that came out as its baseline, whose evidence it shares."""
    examples: tuple[Example, ...] = ()
    """The most frequent first."""
    paths: tuple[Path, ...] | None = None
    """None where exceptions were not traced; empty where nothing was thrown."""


class StackDetails(msgspec.Struct, frozen=True, kw_only=True):
    """The details of a stack."""

    evidence: Mapping[str, str]
    """The pages of the report that have the evidence, below the results, by scenario's kind."""
    baseline_evidence: Mapping[str, str]
    """The same of its baseline, if it is a variant."""
    scenarios: Mapping[str, ScenarioDetails]


class Details(msgspec.Struct, frozen=True, kw_only=True):
    """The details of an app and its variants, under a version set and a Python."""

    version: int = 1
    texts: tuple[str, ...]
    """Texts in Markdown."""
    lines: tuple[tuple[str, str], ...]
    """Surfaces, empty where a line is about the trial, and what was observed there."""
    stacks: Mapping[str, StackDetails]
    """By app and server, with a `/` between them."""


def details_of(
    of_stacks: Sequence[StackOutcomes], outcomes: Outcomes, in_full: Collection[Stack]
) -> Details:
    """The details of the stacks of one file; with timelines and frames, of those `in_full`."""
    texts, lines = Places[str](), Places[tuple[str, str]]()
    found = {
        f"{of_stack.stack.app}/{of_stack.stack.server}": _of_stack(
            of_stack,
            texts,
            lines if of_stack.stack in in_full else None,
            outcomes,
        )
        for of_stack in of_stacks
    }
    return Details(texts=texts.things, lines=lines.things, stacks=found)


def by_file(of_stacks: Iterable[StackOutcomes]) -> Mapping[str, Sequence[StackOutcomes]]:
    """The stacks whose details are in a file, by its path below the results."""
    found: dict[str, list[StackOutcomes]] = defaultdict(list)
    for of_stack in of_stacks:
        found[details_file(of_stack.stack)].append(of_stack)
    return found


def _of_stack(
    of_stack: StackOutcomes,
    texts: Places[str],
    lines: Places[tuple[str, str]] | None,
    outcomes: Outcomes,
) -> StackDetails:
    stack = of_stack.stack
    own = [scenario for scenario in of_stack.scenarios if has_section(outcomes, stack, scenario)]
    baseline = msgspec.structs.replace(stack, app=baseline_id(stack.app))
    kinds = dict.fromkeys(BY_ID[scenario].kind for scenario in of_stack.scenarios)
    return StackDetails(
        evidence={kind: evidence_page(stack, kind) for kind in kinds},
        baseline_evidence={kind: evidence_page(baseline, kind) for kind in kinds}
        if len(own) < len(of_stack.scenarios)
        else {},
        scenarios={
            scenario: ScenarioDetails(
                as_baseline=scenario not in own,
                examples=tuple(
                    _example(trial, lines)
                    for trial in sorted(of_stack.of(scenario), key=lambda t: -t.trial.count)
                ),
                paths=_paths(of_stack, scenario, texts, in_full=lines is not None),
            )
            for scenario in of_stack.scenarios
            if BY_ID[scenario].kind != "recipe"
        },
    )


def _example(classified: Outcome, lines: Places[tuple[str, str]] | None) -> Example:
    trial = classified.trial
    return Example(
        repeat=trial.repeat,
        n=trial.count,
        timeline=tuple(
            (
                lines.of((line.surface, line.words)),
                None if line.after_ns is None else round(line.after_ns / UNIT_NS),
            )
            for line in timeline(trial)
        )
        if lines is not None
        else (),
    )


def _paths(
    of_stack: StackOutcomes, scenario: str, texts: Places[str], *, in_full: bool
) -> tuple[Path, ...] | None:
    paths = of_stack.exception_paths.get(scenario)
    if paths is None:
        return None
    return tuple(
        Path(
            sentence=texts.of(exception_path.sentence(path, of_stack.result)),
            steps=tuple(map(texts.of, exception_path.steps(path, of_stack.result)))
            if in_full
            else (),
        )
        for path in paths
    )
