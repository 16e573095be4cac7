"""How far a claim is true, in words, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

from hangup.analysis.claim_extent import ClaimExtent, Place, Truth
from hangup.model.claim import Ruling, Undecided
from hangup.model.claims import BY_ID as CLAIMS
from hangup.model.conditions import PathCondition
from hangup.model.scenarios import BY_ID as SCENARIOS
from hangup.model.trace import SCOPE, Stack
from hangup.model.vocabulary import surface_title
from hangup.report import markdown, stack_text
from hangup.report.claim_statements import VersionSet

NAMED = 3
"""Of more scenarios than these only the number is told."""
PLACES = 2
"""So many of the places where a claim holds or fails are told where it is told in short."""
IN_CELL = 3
"""So many of them are told in a cell with their evidence; `claims.csv` has all."""
DOES_NOT_APPLY = "does not apply"
_WHEREVER = "wherever it was run"
NOT_RUN_HINT = "not run; `hangup run --thorough` does"

Link = Callable[[str, Stack, str], str]
"""Makes a text lead to the evidence of a scenario on a stack."""


def in_full(extent: ClaimExtent | None, link: Link) -> str:
    """How far a claim is true, with stacks, trials and evidence, for a cell of a table."""
    if extent is None:
        return DOES_NOT_APPLY
    if extent.shown_by is None:
        return _not_run(extent)
    verdict = link(f"**{extent.truth}**", *extent.shown_by)
    trials = f"{extent.trials_confirmed} of {extent.trials_deciding} trials confirm it"
    match extent.truth:
        case Truth.NOT_DECIDED:
            return f"{verdict}{_why(extent.why_undecided)}"
        case Truth.SOMETIMES:
            told = "holds only" if extent.told == "holds" else "does not hold"
            lines = [f"**{extent.truth}** ({trials}). It {told}:"]
            lines += [f"• {_place(place, extent, link)}" for place in extent.places[:IN_CELL]]
            more = len(extent.places) - IN_CELL
            lines += [f"• and in {more} more {_plural('case', more)}"] if more > 0 else []
        case _:
            lines = [f"{verdict} on {_stacks(extent)}; {trials}."]
    return "<br>".join((*lines, *_not_decided(extent)))


def in_short(extent: ClaimExtent) -> str:
    """How far a claim is true, in a few words without counts and links, the widest place first."""
    if extent.truth is not Truth.SOMETIMES:
        return str(extent.truth)
    said = "true only" if extent.told == "holds" else "true, but false"
    places = [_short_place(place, extent) for place in extent.places[:PLACES]]
    more = len(extent.places) - len(places)
    places += [f"and in {more} more {_plural('case', more)}"] if more else []
    return f"{said} {'; '.join(places)}"


def by_version_set(
    extents: Sequence[ClaimExtent | None], version_sets: Sequence[VersionSet]
) -> str:
    """The same by version set, once if all agree."""
    texts: dict[str, list[str]] = {}
    for extent, version_set in zip(extents, version_sets, strict=True):
        said = DOES_NOT_APPLY if extent is None else in_short(extent)
        texts.setdefault(said, []).append(version_set.title)
    if len(texts) == 1:
        return next(iter(texts))
    return "; ".join(f"*{' and '.join(titles)}:* {said}" for said, titles in texts.items())


def _stacks(extent: ClaimExtent) -> str:
    """The stacks that decide; all of them came to the same."""
    deciding, of = len(extent.deciding), len(extent.stacks)
    rest = ", the others do not decide it" if deciding < of else ""
    return f"{deciding} of {_counted(of, 'stack')}{rest}"


def _place(place: Place, extent: ClaimExtent, link: Link) -> str:
    stack, scenario = place.shown_by
    where = _where(place, extent)
    if len(extent.stacks) > 1:
        where += f" ({len(place.stacks)} of {_counted(len(place.among), 'stack')})"
    if place.every_scenario:
        every = ", in every scenario" if len(place.scenarios) > 1 else ""
        said = link(where, stack, scenario) + every
    else:
        told = [link(title, stack, name) for name, title in _titles(place.scenarios)]
        more = len(place.scenarios) - len(told)
        told += [f"{more} more {_plural('scenario', more)}"] if more else []
        said = f"{where}: {'; '.join(told)}"
    return said + _share(place, extent)


def _short_place(place: Place, extent: ClaimExtent) -> str:
    where = _where(place, extent)
    said = where if where.startswith((stack_text.EVERYWHERE, _WHEREVER)) else f"for {where}"
    if not place.every_scenario:
        titles = [title for _, title in _titles(place.scenarios)]
        many = len(place.scenarios) > NAMED
        said += f" ({f'{len(place.scenarios)} scenarios' if many else '; '.join(titles)})"
    return said + _share(place, extent)


def _where(place: Place, extent: ClaimExtent) -> str:
    if place.where.everything and len(place.among) < len(extent.stacks):
        return _WHEREVER
    return stack_text.in_words(place.where)


def _share(place: Place, extent: ClaimExtent) -> str:
    """In how many trials it was so, where repeats disagree."""
    if place.ruling is not Ruling.MIXED:
        return ""
    n = place.confirmed if extent.told == "holds" else place.of - place.confirmed
    return f", in {n} of {_counted(place.of, 'trial')}"


def _counted(number: int, noun: str) -> str:
    return f"{number} {_plural(noun, number)}"


def _plural(noun: str, number: int) -> str:
    return noun if number == 1 else f"{noun}s"


def _titles(scenarios: Sequence[str]) -> Iterator[tuple[str, str]]:
    return ((name, SCENARIOS[name].title) for name in scenarios[:NAMED])


def _not_decided(extent: ClaimExtent) -> Iterator[str]:
    """The scenarios that no stack decides."""
    match extent.undecided:
        case ():
            pass
        case (one,):
            yield f"Not decided: {SCENARIOS[one].title}."
        case several:
            yield f"Not decided in {len(several)} other scenarios."


def _not_run(extent: ClaimExtent) -> str:
    claim = CLAIMS[extent.claim]
    thorough = all(SCENARIOS[name].thorough for name in claim.scenarios)
    if thorough or isinstance(claim.condition, PathCondition):
        return NOT_RUN_HINT
    return str(Truth.NOT_RUN)


def _why(undecided: Undecided | None) -> str:
    if undecided is None or not undecided.ran:
        return ""
    if not undecided.saws:
        return ": no exception path answers it"
    seen = ", ".join(map(markdown.saw, undecided.saws))
    if undecided.surface is None:
        return f": {seen}"
    surface = undecided.surface
    title = "the ASGI scope" if surface == SCOPE else surface_title(surface)
    return f": seen of {title} was: {seen}"
