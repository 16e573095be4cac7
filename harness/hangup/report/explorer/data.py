"""The matrix as data: what the page to explore embeds. Pure: outcomes in, data out.

What occurs often is written once and then named by its place: words, cells, and all that was
seen in a scenario on a stack. Which cells differ is decided here, by the test that `hangup diff`
applies, so that the page has nothing to decide.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import TypeAlias

import msgspec

import hangup
from hangup.analysis.effects import Comparable, compare, recipe_cell
from hangup.analysis.outcomes import Outcomes
from hangup.model import scenarios, servers
from hangup.model.effect import TRIAL, CellId, Counts, Result
from hangup.model.outcomes import Cell
from hangup.model.scenario import Kind
from hangup.model.trace import Stack, StackResult
from hangup.model.variants import baseline_id
from hangup.model.vocabulary import FAILURES, Surface, surface_title
from hangup.report.explorer.places import Places
from hangup.report.explorer.symbols import SYMBOLS, Symbol, of_observation, of_result
from hangup.report.links import EXPLORER, group_id, scenario_page
from hangup.report.observations import in_words

VERSION = 1
"""The version of the data's schema; another one where its fields change."""
RECIPE, RECIPE_BY_ITSELF = "recipe", "recipe-by-itself"
"""In place of surfaces: what came of a recipe's clean-up, beside other streams or without any."""
_RECIPE_TITLES = {
    RECIPE: "the recipe's clean-up",
    RECIPE_BY_ITSELF: "the recipe's clean-up, with no other stream on the server",
}


class StackHead(msgspec.Struct, frozen=True, kw_only=True):
    """A stack, and what a reader may want to know of it."""

    versions: str
    python: str
    app: str
    server: str
    title: str
    """What the app is."""
    server_title: str
    details: str
    """The file beside the page that has its timelines and exception paths."""
    date: str
    command: str
    window_s: float


class ScenarioHead(msgspec.Struct, frozen=True, kw_only=True):
    """A scenario in words."""

    id: str
    title: str
    question: str
    kind: Kind
    window_s: float | None
    """How long a negative is waited for, if not as long as the stack's other trials do."""
    page: str | None
    """Its page of the report, below the results; None if it has none."""


class SurfaceHead(msgspec.Struct, frozen=True, kw_only=True):
    """A surface in words."""

    id: str
    title: str


class Observed(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was seen, as readers are shown it."""

    text: str
    meaning: str | None
    """None where it is the type of an exception, empty where it is not known."""
    symbol: int
    """Its place in `symbols`."""


class SeenCell(msgspec.Struct, frozen=True, array_like=True):
    """What a surface saw: in so many trials of `of` each, the most frequent first."""

    of: int
    seen: tuple[tuple[int, int], ...]
    """The place of what was seen in `observed`, and in how many trials."""
    comparable: bool
    """Whether any trial says what the surface saw, or that it did not take place."""


Row: TypeAlias = tuple[tuple[int, int], ...]
"""What was seen in a scenario on a stack: surfaces and cells, by their places."""


class ExplorerData(msgspec.Struct, frozen=True, kw_only=True):
    """All that the page to explore shows without a file beside it."""

    version: int = VERSION
    hangup: str
    """The version of hangup that wrote it."""
    symbols: tuple[Symbol, ...]
    results: Mapping[str, str]
    """What the comparison of two cells may come to, with the meaning; by place in `compared`."""
    stacks: tuple[StackHead, ...]
    """In the order of the report: the first one is of the group that is shown first."""
    scenarios: tuple[ScenarioHead, ...]
    surfaces: tuple[SurfaceHead, ...]
    observed: tuple[Observed, ...]
    cells: tuple[SeenCell, ...]
    rows: tuple[Row, ...]
    table: tuple[tuple[int, ...], ...]
    """By stack and scenario: the place in `rows`, or -1 where it was not run."""
    compared: tuple[tuple[int, int, int], ...]
    """Two cells, the one with the lower place first, and the place in `results` of what they come
    to. Only of cells that were seen by one surface in one scenario, and that are not the same."""


class _Cell(msgspec.Struct, frozen=True):
    """A cell and what it is compared by: cells that look the same may be told apart by that."""

    shown: SeenCell
    counts: Counts | None
    """What trials saw together; None if none says anything."""
    took_place: Counts | None = None
    """Whether the trials took place, disturbed ones apart."""


def explorer_data(outcomes: Outcomes, comparables: Mapping[Stack, Comparable]) -> ExplorerData:
    """The data of all stacks, in the order of the outcomes."""
    stacks = [of_stack.stack for of_stack in outcomes.stacks]
    ran = [s for s in scenarios.SCENARIOS if outcomes.ran(s.id, stacks)]
    observed, cells, rows = Places[Observed](), Places[_Cell](), Places[Row]()
    surfaces = _surfaces(outcomes, stacks)
    at_surface = {surface: place for place, surface in enumerate(surfaces)}
    met: dict[tuple[str, str], set[int]] = defaultdict(set)
    table = []
    for stack in stacks:
        of_stack = []
        for scenario in ran:
            row = []
            for surface, cell in _cells(outcomes, comparables[stack], scenario.id, observed):
                place = cells.of(cell)
                met[scenario.id, surface].add(place)
                row.append((at_surface[surface], place))
            of_stack.append(rows.of(tuple(row)) if row else -1)
        table.append(tuple(of_stack))
    return ExplorerData(
        hangup=hangup.__version__,
        symbols=SYMBOLS,
        results={str(result): result.meaning for result in Result},
        stacks=tuple(_head(of_stack.result) for of_stack in outcomes.stacks),
        scenarios=tuple(
            ScenarioHead(
                id=s.id,
                title=s.title,
                question=s.question,
                kind=s.kind,
                window_s=s.window_s,
                page=None if s.kind == "recipe" else scenario_page(s.id),
            )
            for s in ran
        ),
        surfaces=tuple(SurfaceHead(id=s, title=_surface_title(s)) for s in surfaces),
        observed=observed.things,
        cells=tuple(cell.shown for cell in cells.things),
        rows=rows.things,
        table=tuple(table),
        compared=tuple(sorted(_compared(cells.things, met))),
    )


def details_file(stack: Stack) -> str:
    """The file with the timelines and exception paths of an app and its variants.

    Below the results.
    """
    return f"{EXPLORER}/{group_id(stack)}/{baseline_id(stack.app)}.js"


def _head(result: StackResult) -> StackHead:
    stack = result.stack
    return StackHead(
        versions=stack.versions,
        python=stack.python,
        app=stack.app,
        server=stack.server,
        title=result.title,
        server_title=servers.server_title(stack.server),
        details=details_file(stack),
        date=result.date,
        command=result.command,
        window_s=result.window_s,
    )


def _surfaces(outcomes: Outcomes, stacks: Sequence[Stack]) -> list[str]:
    """All surfaces, in the vocabulary's order; what came of recipes last."""
    of_recipes = [s for s in scenarios.SCENARIOS if s.kind == "recipe"]
    asked = [s.id for s in scenarios.SCENARIOS if s.kind != "recipe"]
    found = {surface for scenario in asked for surface in outcomes.surfaces(scenario, stacks)}
    known = [str(surface) for surface in Surface]
    hooks = sorted(found - set(known))
    after = known.index(Surface.MIDDLEWARE) + 1
    ordered = [s for s in (*known[:after], *hooks, *known[after:]) if s in found]
    any_recipe = any(outcomes.ran(recipe.id, stacks) for recipe in of_recipes)
    return [*ordered, *_RECIPE_TITLES] if any_recipe else ordered


def _surface_title(surface: str) -> str:
    return _RECIPE_TITLES.get(surface) or surface_title(surface)


def _cells(
    outcomes: Outcomes, comparable: Comparable, scenario: str, observed: Places[Observed]
) -> Iterator[tuple[str, _Cell]]:
    """What was seen in a scenario on a stack, by surface; of a recipe, its result."""
    stack = comparable.stack
    if scenarios.BY_ID[scenario].kind == "recipe":
        for surface in (RECIPE, RECIPE_BY_ITSELF):
            cell = recipe_cell(scenario, by_itself=surface == RECIPE_BY_ITSELF)
            counts = comparable.cells.get(cell)
            if counts is not None:
                seen = tuple(
                    (observed.of(_observed(result, *of_result(result))), n)
                    for (result,), n in counts.seen
                )
                yield surface, _Cell(SeenCell(counts.of, seen, True), counts)
        return
    took_place = comparable.cells.get(CellId(scenario, "observation", TRIAL))
    for surface in outcomes.surfaces(scenario, [stack]):
        counts = comparable.cells.get(CellId(scenario, "observation", surface))
        found = outcomes[Cell(stack, scenario, surface)]
        seen = tuple(
            (observed.of(_observed(text, *of_observation(o.saw))), o.n)
            for o in found
            for text in [in_words(o.saw, surface, scenario, stack.server)]
        )
        failed = took_place is not None and all(o.saw in FAILURES for o in found)
        shown = SeenCell(found[0].of, seen, counts is not None or failed)
        yield surface, _Cell(shown, counts, took_place)


def _observed(text: str, symbol: Symbol, meaning: str | None) -> Observed:
    return Observed(text=text, meaning=meaning, symbol=SYMBOLS.index(symbol))


def _compared(
    cells: Sequence[_Cell], met: Mapping[tuple[str, str], set[int]]
) -> Iterator[tuple[int, int, int]]:
    """The pairs of cells that are not the same, and what they come to."""
    results = list(Result)
    pairs = {pair for places in met.values() for pair in combinations(sorted(places), 2)}
    for a, b in pairs:
        found = _result(cells[a], cells[b])
        if found not in (None, Result.SAME):
            yield a, b, results.index(found)


def _result(one: _Cell, other: _Cell) -> Result | None:
    """What two cells come to; None if they cannot be compared.

    Where the trials of one did not take place, it is that they did not which is compared.
    """
    if not (one.shown.comparable and other.shown.comparable):
        return None
    if one.counts is not None and other.counts is not None:
        return compare(_ANY_CELL, one.counts, other.counts).result
    if one.took_place is None or other.took_place is None:
        return None
    return compare(_ANY_CELL, one.took_place, other.took_place).result


_ANY_CELL = CellId("", "observation", "")
"""The name of a comparison of which only the result is of interest."""
