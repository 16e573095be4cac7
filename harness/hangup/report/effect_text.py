"""Effects in words: what `hangup diff` prints, as text and as Markdown."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from hangup.model.effect import Counts, Result
from hangup.report import markdown
from hangup.report.effects import Diff, OnlyIn, Row, cell_count

NAMED = 3
"""Of more stacks or scenarios that only one of the two has, so many are named."""


def spread(counts: Counts, word: Callable[[str], str] = str) -> str:
    """What was seen: one thing, or several with their shares."""
    if counts.unanimous:
        return " and ".join(map(word, counts.seen[0][0]))
    return ", ".join(f"{' and '.join(map(word, saws))} {n}/{counts.of}" for saws, n in counts.seen)


def verdict(found: Diff) -> str:
    """What a diff comes to, in one sentence."""
    parts = [
        f"{found.differing} of {found.cells} cells differ; "
        f"{found.by_chance:.2g} would be expected by chance at most"
    ]
    races = cell_count(found.races)
    if races:
        parts.append(f"{races} {'is a race' if races == 1 else 'are races'}")
    undecided = cell_count(found.undecided)
    if undecided:
        parts.append(
            f"{undecided} {'is' if undecided == 1 else 'are'} not decided (too few trials)"
        )
    return "; ".join(parts) + "."


def text(found: Diff) -> str:
    """A diff for a terminal."""
    lines = [f"{found.a} → {found.b}, {_pairs(found)}", verdict(found)]
    for title, rows in _ROWS.items():
        by_scenario: dict[str, list[str]] = defaultdict(list)
        for row in rows(found):
            by_scenario[row.cell.scenario] += _text_of(row, found)
        if by_scenario and title != _DIFFERENT:
            lines += ["", title]
        for scenario, said in by_scenario.items():
            lines += ["", scenario, *said] if title == _DIFFERENT else [f"  {scenario}", *said]
    if found.verdicts:
        lines += ["", _VERDICTS, *(f"  {said}" for said in _changes(found))]
    only = _not_compared(found)
    return "\n".join([*lines, *([""] if only else []), *only]) + "\n"


def _changes(found: Diff) -> Iterator[str]:
    """The verdicts that change, a line each."""
    for changed in found.verdicts:
        change, on = changed.change, found.where(changed.pairs)
        said = f"{change.kind} {change.name}: {change.a} → {change.b}"
        yield f"{said} ({on})" if on else said


def _not_compared(found: Diff) -> list[str]:
    """What only one of the two has, and what was disturbed, a line each."""
    sides = ((found.a, only_in(found.only_a)), (found.b, only_in(found.only_b)))
    lines = [f"Only in {name}: {said}" for name, said in sides if said]
    return [*lines, disturbed(found)] if found.disturbed else lines


def disturbed(found: Diff) -> str:
    """The scenarios that were not compared because trials were disturbed."""
    names = _some("scenarios", found.disturbed)
    return f"Not compared, as all trials of one of the two were disturbed: {names}"


def markdown_text(found: Diff) -> str:
    """A diff as Markdown: a table of all that differs, and what else `text` says."""
    lines = [f"# {found.a} → {found.b}", "", f"{_pairs(found)}: {verdict(found)}"]
    for title, rows in _ROWS.items():
        shown = [_table_row(row, found) for row in rows(found)]
        if shown:
            heading = ["scenario", "what", found.a, found.b, "", "on"]
            lines += ["", f"## {title}", "", _joined(heading), "|---" * len(heading) + "|", *shown]
    if found.verdicts:
        lines += ["", f"## {_VERDICTS}", "", *(f"- {said}" for said in _changes(found))]
    lines += ["", *(f"- {said}" for said in _not_compared(found))]
    return "\n".join(lines).rstrip() + "\n"


def _table_row(row: Row, found: Diff) -> str:
    what = markdown.code(row.cell.name) if row.cell.kind == "observation" else _name(row)
    word = markdown.saw if row.cell.kind == "observation" else str
    a, b = (spread(counts, word) for counts in (row.a, row.b))
    on = found.where(row.pairs) or "all"
    return _joined([row.cell.scenario, what, a, b, significance(row), on])


def _joined(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


_DIFFERENT = "Different"
_ROWS: Mapping[str, Callable[[Diff], Sequence[Row]]] = {
    _DIFFERENT: lambda found: found.differences,
    "Races: a side has more than one outcome by itself, which may explain it": lambda d: d.races,
    "Not decided: too few trials": lambda found: found.undecided,
}
"""What is listed of a diff, by title."""
_VERDICTS = "Verdicts that change"


def _pairs(found: Diff) -> str:
    """On how many pairs of stacks, or on which."""
    if len(found.pairs) == 1:
        a, b = found.pairs[0].a.id, found.pairs[0].b.id
        return a if a == b else f"{a} and {b}"
    return f"{len(found.pairs)} pairs of stacks"


def _text_of(row: Row, found: Diff) -> list[str]:
    line = f"    {_name(row)}: {spread(row.a)} → {spread(row.b)}   {significance(row)}".rstrip()
    on = found.where(row.pairs)
    return [line, f"      on {on}"] if on else [line]


def _name(row: Row) -> str:
    """What was compared: a surface's name, or that of something else with its kind."""
    kind = row.cell.kind
    return row.cell.name if kind == "observation" else f"{kind} {row.cell.name}"


def significance(row: Row) -> str:
    """The p of a difference, or how many trials could not decide; nothing for a race."""
    if row.result == Result.RACE:
        return ""
    if row.result == Result.UNDECIDED:
        return "({} and {} trials)".format(*row.trials)
    return f"p {'≤' if len(row.pairs) > 1 else '='} {row.p:.2g}"


def only_in(only: OnlyIn) -> str:
    """What only one of the two has, in a line; empty if that is nothing."""
    parts = []
    if only.stacks:
        parts.append(_some("stacks", [stack.id for stack in only.stacks]))
    if only.scenarios:
        parts.append(_some("scenarios", only.scenarios))
    for surface, scenarios in only.surfaces.items():
        parts.append(f"surface {surface} in {_some('scenarios', scenarios)}")
    return "; ".join(parts)


def _some(kind: str, names: Sequence[str]) -> str:
    """Names, or how many they are and the first of them if they are many."""
    if len(names) <= NAMED:
        return f"{kind if len(names) > 1 else kind[:-1]} {', '.join(names)}"
    return f"{len(names)} {kind} such as {', '.join(names[:NAMED])}"
