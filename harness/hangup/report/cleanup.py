"""The guide in Markdown: what `hangup.analysis.cleanup` finds, linked to evidence and to code."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from hangup.analysis import findings
from hangup.analysis.cleanup import Advice, Guide, Tried, Verdict
from hangup.analysis.findings import Table
from hangup.environment.code_excerpts import CodeExcerpts
from hangup.model import cleanup as recipes
from hangup.model.cleanup import FLOOD, RECIPES, SITUATIONS, Recipe, Situation, scenario_id
from hangup.model.code_excerpts import CodeExcerpt
from hangup.model.outcomes import Cell
from hangup.model.trace import Stack
from hangup.model.vocabulary import Surface

Linked = Callable[[str, Stack, str], str]
"""A text, linked to the evidence of a scenario on a stack."""


MANY = 2
"""So many of the recipes that come nearest are named."""


class GuideWriter:
    """The pieces of Markdown that `guide.md.j2` puts together; false if no stack can be advised."""

    situations = SITUATIONS
    verdicts = tuple(Verdict)
    recipes = RECIPES

    def __init__(
        self,
        guide: Guide,
        stacks: Sequence[Stack],
        table: Table,
        quotes: CodeExcerpts,
        linked: Linked,
    ) -> None:
        self.guide = guide
        self.stacks = guide.ran(stacks)
        self.table = table
        self.quotes = quotes
        self.linked = linked
        self._shown: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self.stacks)

    @property
    def trials(self) -> str:
        """How many trials there are of each recipe in each situation, at the least."""
        return f"at least {self.guide.fewest_trials()}"

    def ran(self, stacks: Sequence[Stack]) -> list[Stack]:
        """Those of the stacks on which recipes were tried."""
        return self.guide.ran(stacks)

    def what_to_write(self, stacks: Sequence[Stack]) -> list[list[str]]:
        """A row for an app and the servers of which the same is to be said."""
        ran = self.ran(stacks)
        rows = []
        for app in dict.fromkeys(stack.app for stack in ran):
            for advice in self.guide.advice(app, ran):
                first = next(s for s in ran if (s.app, s.server) == (app, advice.servers[0]))
                rows.append(
                    [
                        f"**{app}**",
                        ", ".join(advice.servers),
                        self._written(advice, first) if advice.hold else "nothing tried holds",
                        "" if advice.hold else self._otherwise(advice, first),
                    ]
                )
        return rows

    def _written(self, advice: Advice, stack: Stack) -> str:
        written = []
        for recipe in advice.hold:
            late = [s for s in SITUATIONS if self._at_end(stack, recipe, s)]
            remark = f" (*{Verdict.AT_END}* in {self._links(stack, recipe, late)})" if late else ""
            written.append(f"{self._code(recipe, stack.app)}{remark}")
        return "<br>or ".join(written)

    def _at_end(self, stack: Stack, recipe: Recipe, situation: Situation) -> bool:
        return self.guide.tried(stack, recipe, situation).worst == Verdict.AT_END

    def _code(self, recipe: Recipe, app: str) -> str:
        """A recipe's id, linked to what it is in this app or in the recipes' file."""
        quote = self._quote(recipe.functions[-1], app)
        return f"[`{recipe.id}`]({quote.target})" if quote else f"`{recipe.id}`"

    def _otherwise(self, advice: Advice, stack: Stack) -> str:
        nearest = [
            f"{self._code(near.recipe, stack.app)} "
            f"({'; '.join(self._outcome(stack, near.recipe, s) for s in near.fails)})"
            for near in advice.nearest[:MANY]
        ]
        more = len(advice.nearest) - len(nearest)
        said = [f"nearest: {', '.join(nearest)}{f' and {more} more' if more else ''}"]
        if advice.helpless:
            said.append(f"nothing helps in {_names(advice.helpless)}")
        better = []
        if advice.better_servers:
            better.append(f"this app on {' or '.join(advice.better_servers)}")
        if advice.better_apps:
            better.append(f"on this server {', '.join(advice.better_apps)}")
        said.append(
            f"better: {'; '.join(better)}" if better else "no other app or server is better"
        )
        return "<br>".join(said)

    def _outcome(self, stack: Stack, recipe: Recipe, situation: Situation) -> str:
        tried = self.guide.tried(stack, recipe, situation)
        return self._link(f"{tried} in {situation.id}", stack, recipe, situation)

    def _link(self, text: str, stack: Stack, recipe: Recipe, situation: Situation) -> str:
        if not self.guide.tried(stack, recipe, situation).counts:
            return text
        return self.linked(text, stack, scenario_id(recipe, situation))

    def _links(self, stack: Stack, recipe: Recipe, situations: Iterable[Situation]) -> str:
        return ", ".join(self._link(f"`{s.id}`", stack, recipe, s) for s in situations)

    def floods(self, stacks: Sequence[Stack]) -> list[str]:
        """What came of a flood, and of one with a checkpoint in it; a line for each way."""
        ran = [s for s in self.ran(stacks) if self.guide.in_flood(s).counts]
        ways: dict[str, list[Stack]] = defaultdict(list)
        for stack in ran:
            plain = findings.spread(self.table[Cell(stack, FLOOD.id, Surface.LIVENESS)])
            recipe = scenario_id(recipes.BY_ID["checkpoint"], FLOOD)
            kept = findings.spread(self.table[Cell(stack, recipe, Surface.LIVENESS)])
            ways[f"{plain} → {kept}, {self.guide.in_flood(stack)}"].append(stack)
        return [
            f"{self._link(way, on[0], recipes.BY_ID['checkpoint'], FLOOD)}: "
            + findings.share(on, ran)
            for way, on in sorted(ways.items(), key=lambda item: (-len(item[1]), item[0]))
        ]

    def columns(self, stacks: Sequence[Stack]) -> list[Recipe]:
        """The recipes for all situations that any of the apps has what it takes for."""
        ran = self.ran(stacks)
        return [r for r in RECIPES if any(r in self.guide.general(stack) for stack in ran)]

    def matrix(self, stacks: Sequence[Stack]) -> list[list[str]]:
        """The worst of every recipe on every stack; a row for servers that are alike."""
        ran = self.ran(stacks)
        columns = self.columns(ran)
        rows = []
        for app in dict.fromkeys(stack.app for stack in ran):
            alike: dict[tuple[str, ...], list[Stack]] = defaultdict(list)
            for stack in (s for s in ran if s.app == app):
                alike[tuple(self._worst(stack, r)[0] for r in columns)].append(stack)
            for on in alike.values():
                servers = ", ".join(stack.server for stack in on)
                cells = [self._worst(on[0], recipe) for recipe in columns]
                linked = [
                    text if situation is None else self._link(text, on[0], recipe, situation)
                    for recipe, (text, situation) in zip(columns, cells, strict=True)
                ]
                rows.append([f"**{app}**", servers, *linked])
        return rows

    def _worst(self, stack: Stack, recipe: Recipe) -> tuple[str, Situation | None]:
        if not self.guide.applies(stack, recipe):
            return "–", None  # noqa: RUF001
        situation, tried = self.guide.worst(stack, recipe)
        failing = self.guide.fails(stack, recipe)
        if not failing:
            return "**all**", situation
        more = f" (+{len(failing) - 1})" if len(failing) > 1 else ""
        return f"{tried} in {situation.id}{more}", situation

    def failures(self, stacks: Sequence[Stack]) -> list[list[str]]:
        """For every recipe that fails somewhere, on how many stacks and how it does."""
        rows = []
        for recipe in self.columns(stacks):
            on = [stack for stack in self.ran(stacks) if self.guide.applies(stack, recipe)]
            if any(self.guide.fails(stack, recipe) for stack in on):
                cells = [self._failed(on, recipe, situation) for situation in SITUATIONS]
                rows.append([f"`{recipe.id}`", *cells])
        return rows

    def _failed(self, on: Sequence[Stack], recipe: Recipe, situation: Situation) -> str:
        tried: dict[Stack, Tried] = {s: self.guide.tried(s, recipe, situation) for s in on}
        bad = [stack for stack in on if not tried[stack].good]
        if not bad:
            return ""
        commonest = Counter(tried[stack].worst for stack in bad).most_common(1)[0][0]
        example = next(stack for stack in bad if tried[stack].worst == commonest)
        others = "" if all(tried[s].worst == commonest for s in bad) else " and others"
        text = f"{len(bad)}/{len(on)} {commonest}{others}"
        return self._link(text, example, recipe, situation)

    def holds_on(self, recipe: Recipe) -> str:
        """The stacks that a recipe holds on; empty if there is none."""
        ran = [stack for stack in self.stacks if self.guide.applies(stack, recipe)]
        if not ran:
            return ""
        found = [stack for stack in ran if not self.guide.fails(stack, recipe)]
        return findings.share(found, ran) if found else ""

    def expression(self, recipe: Recipe) -> str:
        """How a stream is made of a recipe's functions; empty where it is none."""
        text = "source"
        for function in recipe.functions:
            quote = self.quotes.recipe(function)
            if quote is not None:
                text = f"{function}({', '.join([text, *quote.parameters[1:]])})"
        return "" if text == "source" else text

    def places(self, recipe: Recipe) -> list[str]:
        """Where the code of a recipe is."""
        found: dict[str, str] = {}
        for function in recipe.functions:
            for app in dict.fromkeys(stack.app for stack in self.stacks):
                quote = self._quote(function, app)
                if quote is not None:
                    place = f"{quote.path}:{quote.first_line}"
                    found[place] = f"[`{place}`]({quote.target})"
        return list(found.values())

    def new_code(self, recipe: Recipe) -> list[str]:
        """The code of a recipe that was not shown with one before it."""
        texts = []
        for function in recipe.functions:
            quotes = (self._quote(function, stack.app) for stack in self.stacks)
            quote = next((quote for quote in quotes if quote is not None), None)
            if quote is not None and function not in self._shown:
                self._shown.add(function)
                texts.append(quote.text)
        return texts

    def _quote(self, function: str, app: str) -> CodeExcerpt | None:
        return self.quotes.recipe(function) or self.quotes.call_in_app(app, function)


def _names(situations: Iterable[Situation]) -> str:
    return ", ".join(f"`{situation.id}`" for situation in situations)
