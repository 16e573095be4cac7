"""The verdicts on claims as Markdown: the cells of a table, and what is to be said below it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from hangup.analysis.claims import Case, Ruling, Verdict
from hangup.analysis.conditions import decisive
from hangup.analysis.findings import Table, spread
from hangup.model.claims import Claim, Source
from hangup.model.outcomes import Cell
from hangup.model.trace import Stack

_IN_PART = "Hold in part"
_NOT_TOLD = "Could not be told"
_HOLDS = {"Hold": {Ruling.CONFIRMED}, "Do not hold": {Ruling.REFUTED}, _IN_PART: set(Ruling)}
"""What is said of a claim by what it came to on those of an app's servers that decide it."""

Link = Callable[[str, Stack, str | None, bool], str]
"""Makes a text a link to the evidence: text, stack, scenario, whether to a server's part."""


class ClaimsWriter:
    """The pieces that `claims.md.j2` puts together."""

    def __init__(self, verdicts: Iterable[Verdict], table: Table, link: Link) -> None:
        self._verdicts = {(each.claim, each.stack): each for each in verdicts}
        self._table = table
        self._link = link

    def asked(self, claim: Claim, stacks: Sequence[Stack]) -> bool:
        """Whether a claim says anything of any of these stacks."""
        found = [self._verdicts.get((claim.id, stack)) for stack in stacks]
        return any(each and each.ruling != Ruling.NOT_APPLICABLE for each in found)

    def cell(self, claim: Claim, stacks: Sequence[Stack]) -> str:
        """The verdict on the stacks of one app: once if they agree, else by server."""
        about = [
            stack
            for stack in stacks
            if self._verdicts[claim.id, stack].ruling != Ruling.NOT_APPLICABLE
        ]
        ways: dict[str, list[Stack]] = defaultdict(list)
        for stack in about or stacks:
            ways[_text(self._verdicts[claim.id, stack])].append(stack)
        if len(ways) == 1:
            every = len(about) in (0, len(stacks))
            text, (first, *_) = next(iter(ways.items()))
            return self._linked(text, claim, first, by_server=not every)
        return "<br>".join(
            f"{', '.join(stack.server for stack in agreeing)}: "
            + self._linked(text, claim, agreeing[0], by_server=True)
            for text, agreeing in ways.items()
        )

    def of_app(self, claims: Sequence[Claim], stacks: Sequence[Stack]) -> list[str]:
        """What holds in an app, what does not, and what does in part; a line each."""
        found: dict[str, list[str]] = {title: [] for title in (*_HOLDS, _NOT_TOLD)}
        for claim in claims:
            if not self.asked(claim, stacks):
                continue
            about = [
                stack
                for stack in stacks
                if self._verdicts[claim.id, stack].ruling != Ruling.NOT_APPLICABLE
            ]
            if not any(self._verdicts[claim.id, stack].run for stack in about):
                continue  # which its app is not to be blamed for
            rulings = {self._verdicts[claim.id, stack].ruling for stack in about}
            rulings -= {Ruling.INCONCLUSIVE}
            title = next(t for t, only in _HOLDS.items() if rulings <= only)
            title = title if rulings else _NOT_TOLD
            name = f"{claim.number}. {claim.id}" if claim.number else claim.id
            link = self._linked(name, claim, about[0], by_server=len(about) < len(stacks))
            texts = {_text(self._verdicts[claim.id, stack]) for stack in about}
            more = f" ({next(iter(texts))})" if title == _IN_PART and len(texts) == 1 else ""
            found[title].append(f"{link}{more}")
        return [f"{title}: {'; '.join(names)}" for title, names in found.items() if names]

    def sources(self, claim: Claim) -> str:
        """Where it is said, and where the opposite is."""
        said = f"Said by {_sources(claim.cited)}."
        return f"{said} Denied by {_sources(claim.disputed_by)}." if claim.disputed_by else said

    def details(self, claim: Claim, stacks: Sequence[Stack]) -> list[str]:
        """What the cells leave out, a line an app: where it is refuted, where not decided."""
        lines = []
        for app in dict.fromkeys(stack.app for stack in stacks):
            own = [stack for stack in stacks if stack.app == app]
            refuted = self._cases(claim, own, lambda case: case.refuted > 0)
            stack_results = [f"refuted in {', '.join(refuted)}"] if refuted else []
            undecided = self._cases(
                claim, own, lambda case: case.of > 0 and not case.confirmed + case.refuted
            )
            if undecided:
                stack_results.append(f"not decided in {', '.join(undecided)}")
            partly = self._cases(
                claim, own, lambda case: 0 < case.confirmed + case.refuted < case.of, _undecided
            )
            if partly:
                stack_results.append(f"not decided by some trials of {', '.join(partly)}")
            whys = {why for s in own if (why := self._verdicts[claim.id, s].why) and not undecided}
            stack_results += sorted(whys)
            if stack_results:
                lines.append(f"**{app}**: {'; '.join(stack_results)}")
        return lines

    def _cases(
        self,
        claim: Claim,
        stacks: Sequence[Stack],
        chosen: Callable[[Case], bool],
        remark: Callable[[Case], str] | None = None,
    ) -> list[str]:
        """The chosen cases of one app, each a link, with a remark and on which servers.

        Without a remark, it says what was seen.
        """
        found: dict[tuple[str, str], list[Stack]] = defaultdict(list)
        for stack in stacks:
            for case in self._verdicts[claim.id, stack].cases:
                if chosen(case):
                    seen = remark(case) if remark else self._seen(claim, stack, case)
                    found[case.scenario, seen].append(stack)
        applies = [s for s in stacks if self._verdicts[claim.id, s].cases]
        texts = []
        for (scenario, seen), on in found.items():
            everywhere = len(on) == len(applies)
            name = f"`{scenario}`"
            ran = any(c.scenario == scenario for c in self._verdicts[claim.id, on[0]].run)
            link = self._link(name, on[0], scenario, not everywhere) if ran else name
            where = "" if everywhere else f" on {', '.join(stack.server for stack in on)}"
            texts.append(f"{link}{where}{f' ({seen})' if seen else ''}")
        return texts

    def _seen(self, claim: Claim, stack: Stack, case: Case) -> str:
        share = f"{case.refuted} of {case.of} trials" if 0 < case.refuted < case.of else ""
        surface = decisive(claim.condition)
        if surface is None:
            return share
        seen = f"`{surface}`: {spread(self._table[Cell(stack, case.scenario, surface)])}"
        return f"{share}, {seen}" if share else seen

    def _linked(self, text: str, claim: Claim, stack: Stack, *, by_server: bool) -> str:
        order = (Ruling.REFUTED, Ruling.MIXED, Ruling.CONFIRMED, Ruling.INCONCLUSIVE)
        cases = self._verdicts[claim.id, stack].run
        telling = sorted(cases, key=lambda case: order.index(case.ruling))
        scenario = telling[0].scenario if telling else None
        return self._link(text, stack, scenario, by_server)


def _undecided(case: Case) -> str:
    return f"{case.of - case.confirmed - case.refuted} of {case.of}"


def _text(verdict: Verdict) -> str:
    """A verdict in a few words; where scenarios differ, the shorter way round."""
    confirmed = verdict.scenarios(Ruling.CONFIRMED)
    refuted = verdict.scenarios(Ruling.REFUTED)
    undecided = [case.scenario for case in verdict.run if case.ruling == Ruling.INCONCLUSIVE]
    match verdict.ruling:
        case Ruling.INCONCLUSIVE if not verdict.run:
            return verdict.why
        case Ruling.CONFIRMED if undecided and len(confirmed) <= len(undecided):
            return f"confirmed in {', '.join(confirmed)}"
        case Ruling.CONFIRMED if undecided:
            return f"confirmed, not decided in {', '.join(undecided)}"
        case Ruling.MIXED:
            shares = [
                f"{case.scenario} {case.confirmed}/{case.of}"
                for case in verdict.cases
                if case.ruling == Ruling.MIXED
            ]
            if len(confirmed) <= len(refuted):
                return f"only in {', '.join(confirmed + shares)}"
            but = [f"not in {', '.join(refuted)}"] if refuted else []
            return ", ".join(["confirmed", *but, *shares])
        case ruling:
            return str(ruling)


def _sources(sources: Iterable[Source]) -> str:
    return ", ".join(
        f"[{source.title}]({source.url})" if source.url else source.title for source in sources
    )
