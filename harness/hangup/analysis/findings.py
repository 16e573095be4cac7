"""Statements computed over outcomes. Pure: observations in, findings out.

Nothing here knows a framework or expects a result; every finding names the cells it
rests on, so that the report can lead from the statement to the evidence.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache

import msgspec

from hangup.analysis.classification import classify
from hangup.model import scenarios as catalogue
from hangup.model.outcomes import Cell, Observation
from hangup.model.scenario import Scenario
from hangup.model.scenarios import fits
from hangup.model.trace import TRACED, Latency, Stack, StackResult
from hangup.model.vocabulary import FAILURES, HANDLERS, HOOK, Surface, Word, is_exception

DISCONNECTS = tuple(s.id for s in catalogue.SCENARIOS if s.kind == "disconnect")
CLEANUPS = tuple(s.id for s in catalogue.SCENARIOS if s.kind == "cleanup")
MID_STREAM = (
    "error-before-first-event",
    "error-mid-stream",
    "app-error-mid-stream",
    "timeout-in-stream",
)
CONTROLS = tuple(s.id for s in catalogue.SCENARIOS if s.kind == "control")


_NO_ANSWERS = frozenset({*FAILURES, Word.NOT_APPLICABLE, Word.INCONCLUSIVE})


class Table:
    """The observations, to be looked up by cell."""

    def __init__(self, observations: Iterable[Observation]) -> None:
        self._cells: dict[Cell, list[Observation]] = defaultdict(list)
        self._surfaces: dict[tuple[str, Stack], set[str]] = defaultdict(set)
        for each in observations:
            self._cells[Cell(each.stack, each.scenario, each.surface)].append(each)
            self._surfaces[each.scenario, each.stack].add(each.surface)

    def __getitem__(self, cell: Cell) -> tuple[Observation, ...]:
        """What was seen there, most frequent first; empty if it was not looked at."""
        return tuple(sorted(self._cells.get(cell, ()), key=lambda s: (-s.n, s.saw)))

    def __iter__(self) -> Iterator[Cell]:
        return iter(sorted(self._cells))

    def saws(self, stack: Stack, scenario: str, surface: str) -> tuple[str, ...]:
        """What was seen there in at least one trial."""
        return tuple(each.saw for each in self[Cell(stack, scenario, surface)])

    def answers(self, stack: Stack, scenario: str, surface: str) -> tuple[str, ...]:
        """What was seen there, without the words that say that it could not be told."""
        return tuple(s for s in self.saws(stack, scenario, surface) if s not in _NO_ANSWERS)

    def surfaces(self, scenario: str, stacks: Iterable[Stack]) -> list[str]:
        """The surfaces that a scenario was looked at on, in the vocabulary's order."""
        found = {s for stack in stacks for s in self._surfaces.get((scenario, stack), ())}
        order = [str(surface) for surface in Surface]
        handlers_end = order.index(Surface.MIDDLEWARE)
        return sorted(
            found,
            key=lambda s: (order.index(s) if s in order else handlers_end + 0.5, s),
        )


class Glance(msgspec.Struct, frozen=True):
    """One cell of the first table: a statement and the scenario it is taken from."""

    text: str
    scenario: str | None


class Hazard(msgspec.Struct, frozen=True, kw_only=True):
    """Something that hurts in production, and the stacks it was seen on."""

    title: str
    meaning: str
    cells: tuple[Cell, ...]


class LatencyRow(msgspec.Struct, frozen=True, kw_only=True):
    """Latencies of one stack, in milliseconds, and their ratio to bare's beside them."""

    stack: Stack
    samples: int
    median_ms: float
    p95_ms: float
    ratio: float
    ratio_low: float
    ratio_high: float


# ---------------------------------------------------------------------------- at a glance


def glance(table: Table, stack: Stack) -> dict[str, Glance]:
    """What a reader wants to know of a stack first; by column title."""
    return {
        "idle": _end(table, stack, "idle"),
        "ticking": _end(table, stack, "ticking"),
        "back-pressure": _end(table, stack, "backpressure"),
        "`finally` late": _finally(table, stack),
        "seen by": _seen(table, stack),
        "clean-up unfinished": _cleanup(table, stack),
        "firehose: server": _one(table, stack, "firehose", Surface.LIVENESS),
        "SIGTERM: stream": _end(table, stack, "shutdown"),
        "SIGTERM: process": _one(table, stack, "shutdown", Surface.EXIT),
    }


def headlines(table: Table, stacks: Sequence[Stack]) -> list[str]:
    """The answer in a few sentences, each with the stacks it was found on."""
    ends = Surface.STREAM_END

    def where(scenario: str, surface: str, *words: str, only: bool = False) -> str | None:
        """The stacks on which any (or only) these words were seen; None if none was run."""
        ran = [stack for stack in stacks if table.answers(stack, scenario, surface)]
        found = [
            stack
            for stack in ran
            if (saws := set(table.answers(stack, scenario, surface)))
            and (saws <= set(words) if only else saws & set(words))
        ]
        return share(found, ran) if ran else None

    handled = [
        stack
        for stack in stacks
        for scenario in DISCONNECTS
        if any(is_exception(saw) for saw in table.saws(stack, scenario, Surface.HANDLER))
    ]
    mid = "error-mid-stream"
    failing = [s for s in stacks if table.answers(s, mid, Surface.CLIENT)]
    complete = [s for s in failing if any(map(_looks_complete, table.saws(s, mid, Surface.CLIENT)))]
    able = [
        stack
        for stack in stacks
        if any(table.answers(stack, scenario, Surface.HANDLER) for scenario in DISCONNECTS)
    ]
    sentences = [
        (
            "A client that closes an idle stream is felt as `CancelledError` at an `await`",
            where("idle", ends, Word.CANCELLED_AT_AWAIT, only=True),
        ),
        (
            "The handler for `Exception` was called for some disconnect",
            share(list(dict.fromkeys(handled)), able) if able else None,
        ),
        (
            "A plain `await` in the clean-up is cut short",
            where("cleanup-await", Surface.CLEANUP, "CancelledError"),
        ),
        (
            "Under back-pressure nobody but the garbage collector tells the stream, if anybody",
            where("backpressure", ends, *_LATE),
        ),
        (
            "Under back-pressure it runs to its end for nobody",
            where("backpressure", ends, Word.COMPLETED),
        ),
        (
            "A stream that never awaits anything takes the server with it",
            where("firehose", Surface.LIVENESS, Word.NO_ANSWER),
        ),
        (
            "A stream that fails after some events looks complete to its client",
            share(complete, failing) if failing else None,
        ),
        (
            "An endpoint that has not answered yet is not told",
            where("before-response", Surface.ENDPOINT, Word.STILL_RUNNING),
        ),
        (
            "The process is still there some time after SIGTERM, while a stream is open",
            where("shutdown", Surface.EXIT, Word.STILL_RUNNING),
        ),
    ]
    return [f"{sentence}: {found}." for sentence, found in sentences if found is not None]


def share(found: Sequence[Stack], ran: Sequence[Stack]) -> str:
    """So many of so many stacks, and which, the shorter way round."""
    share = f"**{len(found)} of {len(ran)}** stacks"
    if not found or len(found) == len(ran):
        return share
    rest = [stack for stack in ran if stack not in found]
    if len(rest) < len(found):
        return f"{share}, not {named(rest, ran)}"
    return f"{share}: {named(found, ran)}"


def named(found: Sequence[Stack], ran: Sequence[Stack]) -> str:
    """The apps of these stacks, with servers where it is not all of an app's."""
    names = []
    for app in dict.fromkeys(stack.app for stack in found):
        on = [stack.server for stack in found if stack.app == app]
        every = [stack.server for stack in ran if stack.app == app]
        names.append(app if on == every else f"{app} on {' and '.join(on)}")
    return ", ".join(names)


def spread(observations: Sequence[Observation]) -> str:
    """What was seen in a cell: one word, or several with their shares."""
    if not observations:
        return "not run"
    if len(observations) == 1 and observations[0].n == observations[0].of:
        return formatted(observations[0].saw)
    return ", ".join(f"{formatted(s.saw)} {s.n}/{s.of}" for s in observations)


def formatted(saw: str) -> str:
    """A observation in Markdown: exceptions as code, words as they are."""
    return f"`{saw}`" if is_exception(saw) else saw


def _one(table: Table, stack: Stack, scenario: str, surface: str) -> Glance:
    return Glance(spread(table[Cell(stack, scenario, surface)]), scenario)


def _end(table: Table, stack: Stack, scenario: str) -> Glance:
    return _one(table, stack, scenario, Surface.STREAM_END)


_OPEN = frozenset({Word.SUSPENDED, Word.STILL_RUNNING, Word.SUSPENDED_OR_RUNNING})
_LATE = _OPEN | {Word.GARBAGE_COLLECTED}


def _finally(table: Table, stack: Stack) -> Glance:
    """After which hang-ups the stream's body was not left within the window by the stack."""
    late = [s for s in DISCONNECTS if _LATE.intersection(table.saws(stack, s, "stream-end"))]
    ran = [s for s in DISCONNECTS if table.answers(stack, s, Surface.STREAM_END)]
    if not ran:
        return _end(table, stack, "idle")
    if not late:
        return Glance("never", ran[0])
    return Glance(", ".join(f"`{scenario}`" for scenario in late), late[0])


def watchers(table: Table, stack: Stack, scenario: str) -> list[str]:
    """The handlers, hooks and log that could see something."""
    return [
        surface
        for surface in table.surfaces(scenario, [stack])
        if surface in (*HANDLERS, Surface.SERVER_LOG) or surface.startswith(HOOK)
    ]


def _seen(table: Table, stack: Stack) -> Glance:
    """What handlers, hooks and the log saw of disconnects, over all of them."""
    seen: dict[str, list[str]] = defaultdict(list)
    for scenario in DISCONNECTS:
        for surface in watchers(table, stack, scenario):
            if any(
                is_exception(saw) or saw == Word.ERROR_LINE or saw == Word.CALLED
                for saw in table.saws(stack, scenario, surface)
            ):
                seen[surface].append(scenario)
    if not seen:
        told = any(
            table.answers(stack, scenario, surface)
            for scenario in DISCONNECTS
            for surface in watchers(table, stack, scenario)
        )
        return Glance(Word.NOTHING if told else Word.INCONCLUSIVE, "idle")
    ran = [s for s in DISCONNECTS if table.answers(stack, s, Surface.ASGI)]
    stack_results = [f"`{surface}`{_among(found, ran)}" for surface, found in seen.items()]
    return Glance("; ".join(stack_results), next(iter(seen.values()))[0])


def _among(found: Sequence[str], ran: Sequence[str]) -> str:
    """Which of the scenarios that were run these are, the shorter way round."""
    rest = [scenario for scenario in ran if scenario not in found]
    if not rest:
        return ""
    if len(rest) < len(found):
        return f" (not in {', '.join(rest)})"
    return f" ({', '.join(found)})"


def _looks_complete(saw: str) -> bool:
    """Whether what a client got of a stream that failed lets it think that it got all."""
    return saw.startswith("200") and saw.endswith(f", {Word.WHOLE}")


_COMPLETED = frozenset({Word.FINISHED, Word.FINISHED_AFTER_APP})


def _cleanup(table: Table, stack: Stack) -> Glance:
    """Which of the ways to clean up did not come to their end in every trial."""
    run = [s for s in CLEANUPS if table.answers(stack, s, Surface.CLEANUP)]
    good = [s for s in run if _COMPLETED.issuperset(table.answers(stack, s, Surface.CLEANUP))]
    bad = [s for s in run if s not in good]
    if not run:
        return _one(table, stack, CLEANUPS[0], Surface.CLEANUP)
    if not bad:
        return Glance("none", run[0])
    return Glance(", ".join(f"`{s.removeprefix('cleanup-')}`" for s in bad), bad[0])


# ---------------------------------------------------------------------------- paths


class TracingEffect(msgspec.Struct, frozen=True, kw_only=True):
    """Whether following exceptions has changed what was seen."""

    cells: int
    """So many cells were compared."""
    differing: tuple[tuple[Cell, str], ...]
    """Those in which the trial that was followed saw what no other trial saw, and what."""


def traced(stack_results: Iterable[StackResult]) -> TracingEffect:
    """Compare each trial in which exceptions were followed with those in which not."""
    cells = 0
    differing = []
    for stack_result in stack_results:
        usual: dict[tuple[str, str], set[str]] = defaultdict(set)
        for each in classify(stack_result):
            for surface, saws in each.saws.items():
                usual[each.trial.scenario, surface].update(saws)
        both = msgspec.structs.replace(
            stack_result, trials=stack_result.trials + stack_result.traced
        )
        for each in classify(both):
            if each.trial.repeat != TRACED:
                continue
            for surface, saws in each.saws.items():
                seen = usual.get((each.trial.scenario, surface))
                if seen is None:
                    continue
                cells += 1
                cell = Cell(stack_result.stack, each.trial.scenario, surface)
                differing += [(cell, saw) for saw in saws if saw not in seen]
    return TracingEffect(cells=cells, differing=tuple(differing))


# ---------------------------------------------------------------------------- hazards


def _cells(
    table: Table,
    scenarios: Iterable[str],
    surface: str,
    wrong: Callable[[str], bool],
) -> tuple[Cell, ...]:
    wanted = frozenset(scenarios)
    return tuple(
        cell
        for cell in table
        if cell.scenario in wanted
        and cell.surface == surface
        and any(wrong(each.saw) and each.n for each in table[cell])
    )


_TOLD = frozenset(
    {
        Word.CANCELLED_AT_AWAIT,
        Word.CANCELLED_AT_YIELD,
        Word.CLOSED_AT_YIELD,
        Word.CLOSED_AT_AWAIT,
    }
)


def _outlived(table: Table) -> tuple[Cell, ...]:
    """The sources that went on after a stream that was always told of the hang-up.

    In `nested` a source stands at a `yield`, which is another matter.
    """
    on = _OPEN | {Word.FINISHED}
    scenarios = [scenario for scenario in DISCONNECTS if scenario != "nested"]
    return tuple(
        cell
        for cell in _cells(table, scenarios, Surface.SOURCE, lambda saw: saw in on)
        if (ends := table.answers(cell.stack, cell.scenario, Surface.STREAM_END))
        and _TOLD.issuperset(ends)
    )


_ADDED: dict[str, Callable[[Scenario], bool]] = {
    "streams that relay": lambda s: s.relays,
    "streams that poll for the disconnect": lambda s: s.script.polls,
    "recipes for clean-up": lambda s: s.kind == "recipe",
}
"""What only thorough runs have, and which scenarios that is."""


def left_out(stack_results: Sequence[StackResult]) -> list[str]:
    """What a thorough run would add to these parts, and on which of them it is lacking."""
    stacks = [stack_result.stack for stack_result in stack_results]
    lacking: dict[str, list[Stack]] = defaultdict(list)
    for stack_result in stack_results:
        ran = {trial.scenario for trial in stack_result.trials}
        for title, belongs in _ADDED.items():
            added = {s.id for s in catalogue.SCENARIOS if s.thorough and belongs(s)}
            fitting = {
                s
                for s in added
                if fits(catalogue.BY_ID[s], stack_result.surfaces, stack_result.unsupported)
            }
            if fitting and ran.isdisjoint(fitting):
                lacking[title].append(stack_result.stack)
        if not stack_result.traced:
            lacking["the ways of exceptions"].append(stack_result.stack)
    return [
        title if len(on) == len(stacks) else f"{title} on {named(on, stacks)}"
        for title, on in lacking.items()
    ]


def hazards(table: Table) -> list[Hazard]:
    """What was found that hurts; only those that were found at all."""
    everything = tuple(s.id for s in catalogue.SCENARIOS if s.kind != "recipe")
    found = [
        Hazard(
            title="The server stops answering",
            meaning="After the hang-up, another request to the same process got no answer "
            "within the window: one reader who leaves takes the worker with it.",
            cells=_cells(table, everything, Surface.LIVENESS, Word.NO_ANSWER.__eq__),
        ),
        Hazard(
            title="A stream is told nothing",
            meaning="The client is gone and the stream was still suspended, or still producing, "
            "when the window closed: what it holds stays held, what it pulls is paid for.",
            cells=_cells(
                table,
                DISCONNECTS,
                Surface.STREAM_END,
                lambda saw: saw in _OPEN,
            ),
        ),
        Hazard(
            title="A stream runs to its end for nobody",
            meaning="It was never told and produced everything it had.",
            cells=_cells(table, DISCONNECTS, Surface.STREAM_END, Word.COMPLETED.__eq__),
        ),
        Hazard(
            title="`finally` waits for the garbage collector",
            meaning="Nothing was thrown into the stream until nobody referred to it any more; "
            "when that is depends on reference cycles and on luck.",
            cells=_cells(table, DISCONNECTS, Surface.STREAM_END, Word.GARBAGE_COLLECTED.__eq__),
        ),
        Hazard(
            title="The inner source outlives its stream",
            meaning="The stream was told and has ended, but what it reads from runs in a task of "
            "its own: it went on to its end for nobody, or was not over when "
            "the window closed.",
            cells=_outlived(table),
        ),
        Hazard(
            title="The inner source is not closed with the stream",
            meaning="The stream was told, but the generator it reads from was left at its "
            "`yield`, for the garbage collector or for ever.",
            cells=_cells(
                table,
                ("nested",),
                Surface.SOURCE,
                lambda saw: saw in (Word.GARBAGE_COLLECTED, Word.SUSPENDED),
            ),
        ),
        Hazard(
            title="The upstream is left connected",
            meaning="The stream relayed another server's, and its connection to that server was "
            "still open when the window closed: what goes on being sent is for nobody.",
            cells=_cells(table, DISCONNECTS, Surface.UPSTREAM, Word.STILL_OPEN.__eq__),
        ),
        Hazard(
            title="An endpoint goes on for nobody",
            meaning="The client left before the response began, and the endpoint was not told.",
            cells=_cells(table, ("before-response",), Surface.ENDPOINT, Word.STILL_RUNNING.__eq__),
        ),
        Hazard(
            title="A disconnect looks like an error",
            meaning="Nobody made a mistake, yet the server's log has an error for it, or the "
            "handler for `Exception` was called: alarms for clients that left.",
            cells=tuple(
                sorted(
                    set(
                        _cells(
                            table,
                            DISCONNECTS,
                            Surface.SERVER_LOG,
                            lambda saw: is_exception(saw) or saw == Word.ERROR_LINE,
                        )
                        + _cells(table, DISCONNECTS, Surface.HANDLER, is_exception)
                    )
                )
            ),
        ),
        Hazard(
            title="Clean-up does not finish",
            meaning="It was cut short, or was not over when the window closed, or the stream "
            "was never told to do it.",
            cells=_cells(
                table, CLEANUPS, Surface.CLEANUP, lambda saw: saw not in _COMPLETED | _NO_ANSWERS
            ),
        ),
        Hazard(
            title="An error is never reported",
            meaning="The stream failed with an ordinary error, and neither a handler nor the "
            "server's log saw anything.",
            cells=tuple(
                cell
                for cell in _cells(table, CONTROLS, Surface.STREAM, is_exception)
                if not any(
                    is_exception(saw) or saw == Word.ERROR_LINE
                    for surface in watchers(table, cell.stack, cell.scenario)
                    for saw in table.saws(cell.stack, cell.scenario, surface)
                )
            ),
        ),
        Hazard(
            title="A failed stream looks complete",
            meaning="The stream raised after the response had begun, and the client got a "
            "response with a proper end: it cannot know that something is missing.",
            cells=_cells(
                table,
                MID_STREAM,
                Surface.CLIENT,
                _looks_complete,
            ),
        ),
        Hazard(
            title="A request never ends",
            meaning="Nobody hung up, the stream or endpoint was over, and the app still had not "
            "returned when the window closed: the client waits for the rest.",
            cells=_cells(table, CONTROLS, Surface.ASGI, Word.STILL_RUNNING.__eq__),
        ),
        Hazard(
            title="Shutdown takes longer than the window",
            meaning="SIGTERM was sent while a stream was open, and the process was still there "
            "when the window closed.",
            cells=_cells(table, ("shutdown",), Surface.EXIT, Word.STILL_RUNNING.__eq__),
        ),
    ]
    return [hazard for hazard in found if hazard.cells]


# ---------------------------------------------------------------------------- latency


@cache
def latency_row(stack: Stack, latency: Latency | None) -> LatencyRow | None:
    """The latencies of a stack; None if there are none or none of bare beside them."""
    if latency is None:
        return None
    own, bare = latency.own_ns, latency.bare_ns
    if len(own) < 2 or len(bare) < 2:
        return None
    low, high = _ratio_interval(own, bare)
    return LatencyRow(
        stack=stack,
        samples=len(own),
        median_ms=statistics.median(own) / 1e6,
        p95_ms=statistics.quantiles(own, n=20)[-1] / 1e6,
        ratio=statistics.median(own) / statistics.median(bare),
        ratio_low=low,
        ratio_high=high,
    )


def _ratio_interval(own: Sequence[int], bare: Sequence[int]) -> tuple[float, float]:
    """A 95 % percentile-bootstrap interval of the ratio of medians.

    The seed is fixed so that the same samples always give the same report.
    """
    choices = random.Random(0).choices
    ratios = sorted(
        statistics.median(choices(own, k=len(own))) / statistics.median(choices(bare, k=len(bare)))
        for _ in range(1000)
    )
    return ratios[25], ratios[974]


# ---------------------------------------------------------------------------- checks


def same_events(stack_results: Sequence[StackResult]) -> bool:
    """Whether every trial of `complete` delivered the same events to its client."""
    received = {
        trial.received
        for stack_result in stack_results
        for trial in stack_result.trials
        if trial.scenario == "complete" and trial.failure is None
    }
    return len(received) == 1 and received != {()}
