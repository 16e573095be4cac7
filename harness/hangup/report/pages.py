"""The report and the pages of evidence, as Markdown. Pure: parts in, texts out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import groupby

import jinja2
import msgspec

from hangup.analysis import findings
from hangup.analysis import upstream as cost
from hangup.analysis.claims import Ruling, Verdict
from hangup.analysis.classification import classify
from hangup.analysis.cleanup import Guide
from hangup.analysis.exception_path import exception_paths
from hangup.analysis.findings import Hazard, LatencyRow, Table
from hangup.analysis.upstream import CostRow
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model import scenarios as catalogue
from hangup.model import servers
from hangup.model.claims import CLAIMS
from hangup.model.outcomes import Cell, ClassifiedTrial, Observation
from hangup.model.scenario import Scenario
from hangup.model.trace import Stack, StackResult, Trial
from hangup.model.vocabulary import HOOK, Surface, Word
from hangup.report import diagram, timeline
from hangup.report import exception_path as why
from hangup.report.claims import ClaimsWriter
from hangup.report.cleanup import GuideWriter

EVIDENCE = "evidence"
REPORT = "report.md"

SITUATIONS = (
    "plain-error",
    "plain-app-error",
    "plain-cancelled",
    "error-in-endpoint",
    "error-before-first-event",
    "error-mid-stream",
    "app-error-mid-stream",
    "timeout-in-stream",
    "idle",
    "ticking",
    "backpressure",
    "before-response",
)
"""What the table of handlers sets side by side: ordinary errors first, then disconnects."""

_RECIPES = tuple(s for s in catalogue.SCENARIOS if s.kind == "recipe")
"""The scenarios that the guide is about; they have evidence of their own."""
_OTHERS = tuple(s for s in catalogue.SCENARIOS if s.kind != "recipe")
_RECIPES_PAGE = "-recipes"
_BESIDE_THE_POINT = (Surface.SEND, Surface.RECEIVE, Surface.ENDPOINT, Surface.MIDDLEWARE)
"""The surfaces left out of the evidence of recipes."""

_SEERS = (
    Surface.HANDLER,
    Surface.HANDLER_APP_ERROR,
    Surface.HANDLER_CANCELLED,
    Surface.MIDDLEWARE,
    Surface.DEPENDENCY,
    Surface.BACKGROUND,
)


WHERE = (
    ("Closed while the stream awaits its source", "idle", Surface.STREAM_END),
    ("Closed while events go out", "ticking", Surface.STREAM_END),
    ("Closed under back-pressure", "backpressure", Surface.STREAM_END),
    ("Closed before the endpoint has answered", "before-response", Surface.ENDPOINT),
    ("SIGTERM while the stream is open", "shutdown", Surface.STREAM_END),
)
"""What is told first of where an app's stream hears of a disconnect."""

DRAWN = "idle"
"""The scenario whose path is drawn."""


class Group(msgspec.Struct, frozen=True):
    """The stacks of one version set under one Python."""

    versions: str
    python: str
    stack_results: tuple[StackResult, ...]

    @property
    def id(self) -> str:
        return f"{self.versions}-py{self.python}"

    @property
    def title(self) -> str:
        return f"version set `{self.versions}`, Python {self.python}"

    @property
    def caption(self) -> str:
        """The title as it stands before a table."""
        return f"V{self.title[1:]}"

    @property
    def stacks(self) -> list[Stack]:
        return [stack_result.stack for stack_result in self.stack_results]

    @property
    def apps(self) -> list[str]:
        return list(dict.fromkeys(stack.app for stack in self.stacks))


def render(
    stack_results: Sequence[StackResult],
    observations: Iterable[Observation],
    verdicts: Iterable[Verdict],
    quotes: CodeExcerpts,
) -> dict[str, str]:
    """All pages, by their path below the results; `quotes` is where code is quoted from."""
    table = Table(observations)
    ordered = sorted(stack_results, key=_order)
    groups = [
        Group(versions, python, tuple(members))
        for (versions, python), members in groupby(
            ordered,
            key=lambda stack_result: (stack_result.stack.versions, stack_result.stack.python),
        )
    ]
    writer = _Writer(table)
    stacks = [stack_result.stack for stack_result in ordered]
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hangup.report"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.tests["endingwith"] = str.endswith
    environment.globals.update(
        write=writer,
        claimed=ClaimsWriter(verdicts, table, writer.linked),
        claims=CLAIMS,
        Ruling=Ruling,
        Word=Word,
        scenarios=[s for s in _OTHERS if table.surfaces(s.id, stacks)],
        scenario_by_id=catalogue.BY_ID,
        servers=servers.BY_ID,
    )
    guide = GuideWriter(
        Guide(ordered),
        [stack_result.stack for stack_result in ordered],
        table,
        quotes,
        writer.linked,
    )
    pages = {
        REPORT: environment.get_template("report.md.j2").render(
            groups=groups,
            stack_results=ordered,
            trials=sum(len(stack_result.trials) for stack_result in ordered),
            guide=guide,
            hazards=findings.hazards(table),
            same_events=findings.same_events(ordered),
            traced=findings.traced(ordered),
            left_out=findings.left_out,
            situations=[catalogue.BY_ID[name] for name in SITUATIONS],
        )
    }
    template = environment.get_template("evidence.md.j2")
    for group in groups:
        for app in group.apps:
            members = [
                stack_result
                for stack_result in group.stack_results
                if stack_result.stack.app == app
            ]
            pages[f"{EVIDENCE}/{group.id}/{app}.md"] = template.render(
                group=group,
                app=app,
                stack_results=members,
                samples=_samples(members),
                paths={(t.scenario, p.stack.server): t for p in members for t in p.traced},
            )
            if guide.ran([stack_result.stack for stack_result in members]):
                pages[f"{EVIDENCE}/{group.id}/{app}{_RECIPES_PAGE}.md"] = template.render(
                    group=group,
                    app=app,
                    stack_results=members,
                    samples=_samples(members),
                    scenarios=_RECIPES,
                    paths={},
                )
    return pages


def excerpt(stack_results: Sequence[StackResult], observations: Iterable[Observation]) -> str:
    """What the README shows of the first group's table: a row an app, on its first server."""
    table = Table(observations)
    first: dict[str, StackResult] = {}
    ordered = sorted(stack_results, key=_order)
    top = ordered[0].stack
    for stack_result in ordered:
        stack = stack_result.stack
        if (stack.versions, stack.python) == (top.versions, top.python):
            first.setdefault(stack.app, stack_result)
    chosen = list(first.values())
    columns = list(findings.glance(table, chosen[0].stack))
    lines = [f"| app | {' | '.join(columns)} |", "|---|" + "---|" * len(columns)]
    for stack_result in chosen:
        cells = findings.glance(table, stack_result.stack)
        lines.append(f"| {stack_result.title} | {' | '.join(cells[c].text for c in columns)} |")
    stack = chosen[0].stack
    lines += ["", f"(On {servers.BY_ID[stack.server].title}; Python {stack.python}.)"]
    return "\n".join(lines) + "\n"


class Sample(msgspec.Struct, frozen=True):
    """One trial shown for all that came out alike."""

    each: ClassifiedTrial
    alike: int
    of: int

    @property
    def text(self) -> str:
        if catalogue.BY_ID[self.each.trial.scenario].kind != "recipe":
            return timeline.text(self.each)
        trial = self.each.trial
        events = tuple(e for e in trial.events if e.surface not in _BESIDE_THE_POINT)
        brief = msgspec.structs.replace(trial, events=events)
        return timeline.text(msgspec.structs.replace(self.each, trial=brief))


def _samples(stack_results: Sequence[StackResult]) -> dict[tuple[str, str], list[Sample]]:
    """By scenario and server, a trial for every way in which trials came out."""
    samples: dict[tuple[str, str], list[Sample]] = {}
    for stack_result in stack_results:
        trials: dict[str, list[ClassifiedTrial]] = defaultdict(list)
        for each in classify(stack_result):
            trials[each.trial.scenario].append(each)
        for scenario, all_of_it in trials.items():
            ways: dict[str, list[ClassifiedTrial]] = defaultdict(list)
            for each in all_of_it:
                ways[repr(each.saws)].append(each)
            samples[scenario, stack_result.stack.server] = [
                Sample(alike[0], len(alike), len(all_of_it))
                for alike in sorted(ways.values(), key=lambda way: -len(way))
            ]
    return samples


class _Writer:
    """The pieces of Markdown that the templates put together."""

    def __init__(self, table: Table) -> None:
        self.table = table
        self.targets: dict[str, int] = {}
        """Where the links lead, and the numbers that stand for them: the report has so many
        links that each address may stand in it only once."""

    def glance(self, stack: Stack) -> dict[str, str]:
        """The first table's cells, linked."""
        return {
            title: self.linked(cell.text, stack, cell.scenario)
            for title, cell in findings.glance(self.table, stack).items()
        }

    def headlines(self, group: Group) -> list[str]:
        """The answer in a few sentences."""
        return findings.headlines(self.table, group.stacks)

    def cell(self, stacks: Sequence[Stack], scenario: str, surface: str) -> str:
        """What the stacks of one app saw: once if they agree, else by server."""
        ways: dict[str, list[Stack]] = defaultdict(list)
        for stack in stacks:
            seen = self.table[Cell(stack, scenario, surface)]
            ran = self.table.surfaces(scenario, [stack])
            unsupported = str(Word.NOT_APPLICABLE) if ran else findings.spread(())
            ways[findings.spread(seen) if seen else unsupported].append(stack)
        if len(ways) == 1:
            return self.linked(next(iter(ways)), stacks[0], scenario, by_server=False)
        return "<br>".join(
            f"{', '.join(stack.server for stack in agreeing)}: "
            + self.linked(text, agreeing[0], scenario)
            for text, agreeing in ways.items()
        )

    def surfaces(self, scenario: Scenario, group: Group) -> list[str]:
        """The surfaces that are worth a row: those that any app of the group has."""
        return [
            surface
            for surface in self.table.surfaces(scenario.id, group.stacks)
            if any(
                saw != Word.NOT_APPLICABLE
                for stack in group.stacks
                for saw in self.table.saws(stack, scenario.id, surface)
            )
        ]

    def seers(self, stacks: Sequence[Stack]) -> list[str]:
        """The handlers, middleware and hooks that an app has, and the server's log."""
        found = [
            surface
            for situation in SITUATIONS
            for surface in self.table.surfaces(situation, stacks)
        ]
        own = [
            surface
            for surface in (*_SEERS, *sorted({s for s in found if s.startswith(HOOK)}))
            if any(
                saw != Word.NOT_APPLICABLE
                for stack in stacks
                for situation in SITUATIONS
                for saw in self.table.saws(stack, situation, surface)
            )
        ]
        return [*map(str, own), str(Surface.SERVER_LOG)]

    def ran(self, scenario: Scenario, group: Group) -> bool:
        """Whether a scenario was run in this group at all."""
        return bool(self.table.surfaces(scenario.id, group.stacks))

    def places(self, hazard: Hazard, group: Group) -> list[str]:
        """A hazard's cells in a group: a line an app and scenario."""
        found: dict[tuple[str, str], list[Cell]] = defaultdict(list)
        for cell in hazard.cells:
            if cell.stack in group.stacks:
                found[cell.stack.app, cell.scenario].append(cell)
        by_app: dict[str, list[str]] = defaultdict(list)
        for (app, scenario), cells in found.items():
            on = sorted({cell.stack.server for cell in cells})
            every = {stack.server for stack in group.stacks if stack.app == app}
            where = "" if set(on) == every else f" on {', '.join(on)}"
            link = self.linked(f"`{scenario}`", cells[0].stack, scenario, by_server=bool(where))
            by_app[app].append(f"{link}{where}")
        return [f"**{app}**: {'; '.join(places)}" for app, places in by_app.items()]

    def wheres(self, stacks: Sequence[Stack]) -> list[str]:
        """Where a disconnect surfaces, a line a question."""
        return [
            f"{question}: {self.cell(stacks, scenario, surface)}"
            for question, scenario, surface in WHERE
            if self.table.surfaces(scenario, stacks)
        ]

    def whys(self, stack_results: Sequence[StackResult], scenario: str) -> list[str]:
        """Why: a sentence on the path in a scenario; once if servers agree, else by server."""
        ways: dict[str, list[StackResult]] = defaultdict(list)
        for stack_result in stack_results:
            for trial in stack_result.traced:
                if trial.scenario == scenario:
                    ways[self._why(trial, stack_result)].append(stack_result)
        every = len(stack_results)
        return [
            ("" if len(agreeing) == every else f"On {_names(agreeing)}: ")
            + f"{sentence} {self.linked('Path', agreeing[0].stack, scenario)}."
            for sentence, agreeing in ways.items()
        ]

    def _why(self, trial: Trial, stack_result: StackResult) -> str:
        found = why.own_paths(exception_paths(trial.steps))
        return why.sentence(found[0], stack_result) if found else why.nothing(trial)

    def diagram(self, stack_result: StackResult) -> str | None:
        """The path of a disconnect on a stack, as a Mermaid flowchart."""
        for trial in stack_result.traced:
            found = why.own_paths(exception_paths(trial.steps))
            if trial.scenario == DRAWN and found:
                receives = self.table.saws(stack_result.stack, DRAWN, Surface.RECEIVE)
                watchers = findings.watchers(self.table, stack_result.stack, DRAWN)
                silent = [
                    surface
                    for surface in watchers
                    if self.table.saws(stack_result.stack, DRAWN, surface) == (Word.NOTHING,)
                ]
                told = Word.DISCONNECT in receives
                return diagram.flowchart(found[0], stack_result, told=told, unreached=silent)
        return None

    def seen_at(self, cell: Cell, saw: str) -> str:
        """A observation with its cell, linked."""
        stack = cell.stack
        place = f"{stack.app} on {stack.server}, {cell.scenario}, {cell.surface}"
        return f"{findings.formatted(saw)} ({self.linked(place, stack, cell.scenario)})"

    def steps(self, trial: Trial, stack_result: StackResult) -> list[list[str]]:
        """The paths of a trial, each as items of a list."""
        return [
            list(why.steps(path, stack_result))
            for path in why.own_paths(exception_paths(trial.steps))
        ]

    def costs(self, group: Group) -> list[tuple[CostRow, str]]:
        """What hang-ups cost upstream, and the first of it linked to its evidence."""
        return [
            (row, self.linked(row.closed, row.stack, row.scenario))
            for row in cost.cost_rows(group.stack_results)
        ]

    def latencies(self, group: Group) -> list[LatencyRow]:
        """The rows there are."""
        rows = (
            findings.latency_row(stack_result.stack, stack_result.latency)
            for stack_result in group.stack_results
        )
        return [row for row in rows if row is not None]

    def latency(self, stack_result: StackResult) -> str:
        """A stack's latency as a ratio to bare's."""
        row = findings.latency_row(stack_result.stack, stack_result.latency)
        return f"{row.ratio:.1f} times bare" if row else "not measured"

    def linked(self, text: str, stack: Stack, scenario: str | None, by_server: bool = True) -> str:
        """A text that leads to the evidence of a scenario on a stack."""
        if scenario is None or text in ("not run", Word.NOT_APPLICABLE):
            return text
        page_of = _RECIPES_PAGE if catalogue.BY_ID[scenario].kind == "recipe" else ""
        page = f"{EVIDENCE}/{stack.versions}-py{stack.python}/{stack.app}{page_of}.md"
        anchor = f"{scenario}-on-{stack.server}" if by_server else scenario
        target = f"{page}#{anchor}"
        return f"[{text}][{self.targets.setdefault(target, len(self.targets) + 1)}]"


def _names(stack_results: Sequence[StackResult]) -> str:
    return ", ".join(stack_result.stack.server for stack_result in stack_results)


def _order(stack_result: StackResult) -> tuple[bool, str, str, bool, str, int]:
    """What is current first; bare first in its group, servers in the order of their table."""
    stack = stack_result.stack
    known = list(servers.BY_ID)
    server = known.index(stack.server) if stack.server in known else len(known)
    group = (stack.versions != "current", stack.versions, stack.python)
    return (*group, stack.app != "bare", stack.app, server)
