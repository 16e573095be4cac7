"""Decision records: what a team commits to its own repository, filled from the results at hand.

A record stands on its own: it names what was measured, with which versions and when, and says what
was not. `Record` is what `hangup decide --json` prints; `hangup.report.decision_text` makes MADR's
Markdown of it.
"""

from __future__ import annotations

import posixpath
import statistics
from collections.abc import Iterator, Mapping, Sequence

import msgspec

from hangup.analysis.cleanup import (
    CleanupGuide,
    CleanupResult,
    Exits,
    Recommendation,
    combined,
    exits,
    longest_clean_up_ns,
)
from hangup.analysis.consequences import Consequences, Finding, consequences
from hangup.analysis.outcomes import Outcomes
from hangup.analysis.upstream import CostRow, cost_rows
from hangup.model import servers
from hangup.model.cleanup import BY_ID as RECIPES
from hangup.model.cleanup import (
    FLOOD,
    SITUATIONS,
    Kind,
    Recipe,
    Situation,
    scenario_id,
    whole_title,
)
from hangup.model.consequences import BY_ID as CONSEQUENCES
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.scenarios import fits
from hangup.model.trace import Stack, StackResult
from hangup.model.variants import baseline_id
from hangup.report.cleanup import CleanupView, Excerpts

STATUS = "proposed"
"""What a record is until a team has accepted it."""


# ---------------------------------------------------------------------------- what a record says


class Subject(msgspec.Struct, frozen=True, kw_only=True):
    """What was measured, and with what."""

    app: str
    app_title: str
    server: str
    server_title: str
    command: str
    """How the server was started; `APP` stands for the app."""
    versions: str
    """The version set."""
    python: str
    """The interpreter, with its full version."""
    python_feature: str
    """The version that a run is told, such as `3.13`."""
    os: str
    cpu: str
    cores: int
    date: str
    """When it was measured."""
    hangup: str
    """The version of hangup that measured it."""
    window_s: float
    """How long a trial waits for what is to come, where it is not said otherwise."""
    trials: int
    packages: Mapping[str, str]
    """All that was installed: name to version."""
    main_packages: tuple[str, ...]
    """Those that the app and the server are named after, and those that exceptions came through."""


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an option in one situation."""

    situation: str
    when: str
    """The situation, as a clause."""
    kind: Kind
    scenario: str
    counts: tuple[tuple[CleanupResult, int], ...]
    """How many trials came out how, the worst first."""
    done: int
    """In how many of the conclusive trials clean-up was done."""
    of: int
    may_fail: float
    """The share of failures that so many trials still allow, from 0 to 1 (95 %, one-sided)."""
    exits: Exits
    """Whether the process exited, where it was to; of nothing where it was not."""

    def came_to(self, result: CleanupResult) -> int:
        """In how many trials it came to this."""
        return dict(self.counts).get(result, 0)


class Tally(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an option in all situations of one kind."""

    kind: Kind
    done: int
    of: int
    may_fail: float
    """The share of failures that so many trials still allow, from 0 to 1 (95 %, one-sided): of all
    disconnects together, of each error and shutdown; it allows for the choice among options."""
    situations: int

    @property
    def always(self) -> bool:
        """Whether there were conclusive trials, and clean-up was done in each."""
        return 0 < self.of == self.done


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """A way of having clean-up done that was tried."""

    id: str
    title: str
    """What it is, in words that stand on their own."""
    expression: str
    """How a stream is made with it; empty where it stands elsewhere than around the stream."""
    elsewhere: bool
    """Whether its clean-up stands in another place of the app than around the stream."""
    attempts: tuple[Attempt, ...]
    tallies: tuple[Tally, ...]
    """By kind, of the situations of which anything is known."""

    def of_kind(self, kind: Kind) -> list[Attempt]:
        """What came of it in the situations of one kind of which anything is known."""
        return [attempt for attempt in self.attempts if attempt.kind == kind and attempt.of]

    def tally(self, kind: Kind) -> Tally:
        """What came of it in all of them."""
        found = (tally for tally in self.tallies if tally.kind == kind)
        return next(found, Tally(kind=kind, done=0, of=0, may_fail=1.0, situations=0))


def _exits(attempts: Sequence[Attempt]) -> Exits:
    return Exits(
        still_running=sum(attempt.exits.still_running for attempt in attempts),
        of=sum(attempt.exits.of for attempt in attempts),
    )


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """A piece of code to paste."""

    path: str
    """Where it is in the repository of hangup."""
    text: str

    @property
    def name(self) -> str:
        """The file's name."""
        return posixpath.basename(self.path)

    @property
    def lines(self) -> int:
        """How long it is."""
        return self.text.count("\n") + 1


class OnVariant(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an option at shutdowns on a variant of the server."""

    server: str
    title: str
    done: int
    of: int
    exits: Exits
    """Whether the process exited in these trials."""
    same: bool
    """Whether it came to the same as on the server itself."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """An option that is recommended, and what for."""

    option: Option
    kinds: tuple[Kind, ...]
    fails: tuple[str, ...]
    """The situations of these kinds in which it failed."""
    unknown: tuple[str, ...]
    """Those of which nothing conclusive is known."""
    by_itself: bool
    """Whether it was also run with no other stream beside it in all of these situations."""
    on_variants: tuple[OnVariant, ...]
    """What came of it at the same shutdowns on variants of the server that were tried."""
    code: tuple[Code, ...]

    @property
    def lines(self) -> int:
        """How much code it is."""
        return sum(code.lines for code in self.code)


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """What a hang-up costs upstream in one scenario."""

    scenario: str
    closed_ms: tuple[float | None, ...]
    """By trial, how long after the hang-up the upstream connection was closed; None for not."""
    sent_after: tuple[int, ...]
    """By trial, how many events the upstream sent after the hang-up."""

    @property
    def closed_range(self) -> str:
        """When the connection was closed: median and maximum; empty if it never was."""
        known = [ms for ms in self.closed_ms if ms is not None]
        if not known:
            return ""
        return f"{statistics.median(known):.1f} ms (median; at most {max(known):.1f} ms)"

    @property
    def sent_range(self) -> str:
        """How much was sent after the hang-up: median and maximum."""
        median, most = statistics.median(self.sent_after), max(self.sent_after)
        return f"{median:g} event{'' if median == 1 else 's'} (median; at most {most})"


class NotMeasured(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the trials do not tell."""

    what: str
    scenarios: tuple[str, ...] = ()
    """The scenarios that were not run or not decided."""


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """A decision on where an app's clean-up goes."""

    title: str
    status: str
    date: str
    subject: Subject
    situations: tuple[tuple[Kind, tuple[str, ...]], ...]
    """The situations that options were tried in, as clauses, by kind."""
    options: tuple[Option, ...]
    chosen: Choice | None
    """What failed in the fewest situations; None where not every option was tried in every
    situation of a kind."""
    recommended: bool
    """Whether that is known to work whenever the client leaves and the source raises an error."""
    simpler: Choice | None
    """What does for all but shutdowns, if that is something else."""
    better_servers: tuple[str, ...]
    """Servers on which this app has an option that fails in fewer situations."""
    paused: Attempt | None
    """What came of a stream that never awaits, once it pauses before each event."""
    consequences: tuple[Finding, ...]
    """What the stack does by itself, without any of the options."""
    costs: tuple[Cost, ...]
    longest_clean_up_s: float | None
    """How long the longest clean-up took that the chosen option finished."""
    not_measured: tuple[NotMeasured, ...]


# ---------------------------------------------------------------------------- computed


def decision_record(
    outcomes: Outcomes, stack: Stack, excerpts: Excerpts, guide: CleanupGuide | None = None
) -> Record:
    """The record for a stack; all its outcomes are among these.

    `guide` is the one to these outcomes, if there is one already.
    """
    guide = guide or CleanupGuide(outcomes)
    result = outcomes.of(stack).result
    view = CleanupView(guide, [stack], outcomes, excerpts)
    options = tuple(_options(outcomes, guide, stack, view))
    choices = [
        _choice(found, options, view, _on_variants(guide, outcomes, stack, found.recipe))
        for on in guide.ran([stack])
        for found in guide.recommended(on)
    ]
    chosen = choices[-1] if choices else None
    recommended = chosen is not None and not _fails_before_shutdown(chosen)
    found = consequences(outcomes, stack)
    return Record(
        title=_title(result, chosen if recommended else None),
        status=STATUS,
        date=result.date,
        subject=subject(result),
        situations=_situations(options),
        options=options,
        chosen=chosen,
        recommended=recommended,
        simpler=choices[0] if len(choices) > 1 else None,
        better_servers=_better_servers(guide, _on_other_servers(outcomes, stack), stack),
        paused=_paused(outcomes, guide, stack),
        consequences=found.findings,
        costs=tuple(_cost(row) for row in cost_rows(outcomes) if row.stack == stack),
        longest_clean_up_s=_longest_s(outcomes, stack, chosen),
        not_measured=tuple(_not_measured(outcomes, guide, result, options, found)),
    )


def _fails_before_shutdown(chosen: Choice) -> bool:
    """Whether an option failed, or is not known to work, while nobody stops the server."""
    return any(
        situation.kind != "shutdown" and situation.id in (*chosen.fails, *chosen.unknown)
        for situation in SITUATIONS
    )


def subject(result: StackResult) -> Subject:
    """What a stack's result is about, and what it was measured with."""
    stack, environment = result.stack, result.environment
    return Subject(
        app=stack.app,
        app_title=result.title,
        server=stack.server,
        server_title=servers.server_title(stack.server),
        command=result.command.replace(servers.APP, "APP"),
        versions=stack.versions,
        python=environment.python,
        python_feature=stack.python,
        os=environment.os,
        cpu=environment.cpu,
        cores=environment.cores,
        date=result.date,
        hangup=result.hangup,
        window_s=result.window_s,
        trials=sum(trial.count for trial in result.trials),
        packages=environment.packages,
        main_packages=_main_packages(result),
    )


def _main_packages(result: StackResult) -> tuple[str, ...]:
    """What a reader compares with their own versions first."""
    known = servers.BY_ID.get(result.stack.server)
    named = {requirement.lower() for requirement in (known.requirements if known else ())}
    named |= {distribution.name.lower() for distribution in result.distributions.values()}
    app = result.stack.app.partition("+")[0].split("-")
    for begin in range(len(app)):
        named |= {"-".join(app[begin:end]) for end in range(begin + 1, len(app) + 1)}
    return tuple(name for name in result.environment.packages if name.lower() in named)


def _title(result: StackResult, chosen: Choice | None) -> str:
    what = f"clean-up of event streams with `{result.stack.app}` on `{result.stack.server}`"
    if chosen is None:
        return f"Undecided: {what}"
    how = chosen.option.expression or chosen.option.id
    return f"{what[0].upper()}{what[1:]}: `{how}`"


def _options(
    outcomes: Outcomes, guide: CleanupGuide, stack: Stack, view: CleanupView
) -> list[Option]:
    """The recipes of which anything was tried."""
    found = []
    for recipe in guide.general(stack):
        attempts = tuple(
            _attempt(outcomes, guide, stack, recipe, situation)
            for situation in SITUATIONS
            if guide.tried(stack, recipe, situation).counts
        )
        if attempts:
            found.append(
                Option(
                    id=recipe.id,
                    title=whole_title(recipe),
                    expression=view.expression(recipe),
                    elsewhere=recipe.surface is not None,
                    attempts=attempts,
                    tallies=tuple(_tallies(guide, stack, recipe)),
                )
            )
    return found


def _tallies(guide: CleanupGuide, stack: Stack, recipe: Recipe) -> Iterator[Tally]:
    """What came of a recipe by kind of situation, as a verdict of the guide has it."""
    for kind in dict.fromkeys(situation.kind for situation in SITUATIONS):
        known = [
            tried
            for situation in SITUATIONS
            if situation.kind == kind and (tried := guide.tried(stack, recipe, situation)).of
        ]
        if known:
            pooled = combined(known)
            bounds = [pooled] if kind == "disconnect" else known
            yield Tally(
                kind=kind,
                done=pooled.of - pooled.failures,
                of=pooled.of,
                may_fail=max(tried.bound for tried in bounds),
                situations=len(known),
            )


def _attempt(
    outcomes: Outcomes, guide: CleanupGuide, stack: Stack, recipe: Recipe, situation: Situation
) -> Attempt:
    tried = guide.tried(stack, recipe, situation)
    return Attempt(
        situation=situation.id,
        when=situation.title,
        kind=situation.kind,
        scenario=scenario_id(recipe, situation),
        counts=tried.counts,
        done=tried.of - tried.failures,
        of=tried.of,
        may_fail=tried.bound,
        exits=exits(outcomes, stack, recipe, situation),
    )


def _situations(options: Sequence[Option]) -> tuple[tuple[Kind, tuple[str, ...]], ...]:
    tried = {attempt.situation for option in options for attempt in option.attempts}
    kinds = dict.fromkeys(s.kind for s in SITUATIONS if s.id in tried)
    return tuple(
        (kind, tuple(s.title for s in SITUATIONS if s.kind == kind and s.id in tried))
        for kind in kinds
    )


def _choice(
    found: Recommendation,
    options: Sequence[Option],
    view: CleanupView,
    on_variants: Iterator[OnVariant],
) -> Choice:
    return Choice(
        option=next(option for option in options if option.id == found.recipe.id),
        kinds=found.kinds,
        fails=tuple(situation.id for situation in found.fails),
        unknown=tuple(situation.id for situation in found.unknown),
        by_itself=found.by_itself,
        on_variants=tuple(on_variants),
        code=tuple(Code(path=e.path, text=e.text) for e in view.excerpts(found.recipe)),
    )


def _on_other_servers(outcomes: Outcomes, stack: Stack) -> list[Stack]:
    """The stacks that differ from this one in their server only, itself included."""
    return [
        of_stack.stack
        for of_stack in outcomes.stacks
        if msgspec.structs.replace(of_stack.stack, server=stack.server) == stack
    ]


def _better_servers(guide: CleanupGuide, stacks: Sequence[Stack], stack: Stack) -> tuple[str, ...]:
    """Where this app is better off."""
    for advice in guide.advice(stack.app, guide.ran(stacks)):
        if stack in advice.stacks:
            return advice.better_servers
    return ()


def _on_variants(
    guide: CleanupGuide, outcomes: Outcomes, stack: Stack, recipe: Recipe
) -> Iterator[OnVariant]:
    """What came of a recipe where one thing of the server is changed."""
    tried = [
        situation
        for situation in SITUATIONS
        if situation.kind == "shutdown" and guide.tried(stack, recipe, situation).of
    ]
    own = [_attempt(outcomes, guide, stack, recipe, situation) for situation in tried]
    for other in _on_other_servers(outcomes, stack):
        known = servers.BY_ID.get(other.server)
        if other == stack or known is None or baseline_id(other.server) != stack.server:
            continue
        attempts = [_attempt(outcomes, guide, other, recipe, situation) for situation in tried]
        if attempts and all(attempt.of for attempt in attempts):
            yield OnVariant(
                server=other.server,
                title=known.title,
                done=sum(attempt.done for attempt in attempts),
                of=sum(attempt.of for attempt in attempts),
                exits=_exits(attempts),
                same=[(a.done, a.of, a.exits) for a in attempts]
                == [(a.done, a.of, a.exits) for a in own],
            )


def _paused(outcomes: Outcomes, guide: CleanupGuide, stack: Stack) -> Attempt | None:
    found = _attempt(outcomes, guide, stack, RECIPES["checkpoint"], FLOOD)
    return found if found.of else None


def _cost(row: CostRow) -> Cost:
    return Cost(
        scenario=row.scenario,
        closed_ms=tuple(None if ns is None else round(ns / 1e6, 1) for ns in row.closed_ns),
        sent_after=tuple(row.sent_after),
    )


def _longest_s(outcomes: Outcomes, stack: Stack, chosen: Choice | None) -> float | None:
    if chosen is None:
        return None
    longest_ns = longest_clean_up_ns(outcomes, stack, RECIPES[chosen.option.id])
    return None if longest_ns is None else float(f"{longest_ns / 1e9:.2g}")


_KINDS: Mapping[str, str] = {
    "disconnect": "hang-ups",
    "control": "streams and endpoints that end or fail by themselves",
    "cleanup": "ways to clean up that are no option here",
    "operator": "shutdowns of the app as it is",
}
"""What the scenarios of a kind are called; recipes have their own list."""


def _not_measured(
    outcomes: Outcomes,
    guide: CleanupGuide,
    result: StackResult,
    options: Sequence[Option],
    found: Consequences,
) -> list[NotMeasured]:
    """What was not run, not decided, or is not there to be measured."""
    stack = result.stack
    fitting = [
        scenario
        for scenario in SCENARIOS.values()
        if scenario.kind in _KINDS and fits(scenario, result.surfaces, result.unsupported)
    ]
    not_run = {scenario.id for scenario in fitting if not outcomes.ran(scenario.id, [stack])}
    missing = []
    for kind, title in _KINDS.items():
        of_kind = {scenario.id for scenario in fitting if scenario.kind == kind}
        names = tuple(scenario.id for scenario in fitting if scenario.id in of_kind & not_run)
        if names:
            all_ = of_kind <= not_run
            missing.append(
                NotMeasured(
                    what=f"Not run: {'all' if all_ else 'some'} {title}",
                    scenarios=() if all_ else names,
                )
            )
    missing += [
        NotMeasured(what=f"Not decided, “{CONSEQUENCES[id_].title}”", scenarios=undecided)
        for id_, names in found.undecided
        if (undecided := tuple(name for name in names if name not in not_run))
    ]
    missing += [
        NotMeasured(what=f"Not part of the app: “{CONSEQUENCES[id_].title}”")
        for id_ in found.absent
    ]
    tried = {option.id for option in options}
    missing += [
        NotMeasured(what=f"An option that was not tried: {whole_title(recipe)}")
        for recipe in guide.general(stack)
        if recipe.id not in tried
    ]
    missing += [
        NotMeasured(what=f"An option that the app has no place for: {whole_title(recipe)}")
        for recipe in RECIPES.values()
        if not guide.applies(stack, recipe)
    ]
    return missing
