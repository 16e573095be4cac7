"""Some stacks among others in words, as Markdown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from hangup.analysis.stack_sets import Block, Description, Values
from hangup.report import markdown

EVERYWHERE = "everywhere"


def in_words(described: Description) -> str:
    """Which stacks are described, as a phrase that needs no preposition."""
    if described.everything:
        return EVERYWHERE
    blocks = [_block(block) for block in described.blocks]
    if described.excluded:
        return f"{EVERYWHERE} but {'; nor on '.join(blocks)}"
    return "; ".join(blocks)


def _block(block: Block) -> str:
    by_factor = {values.factor: _WORDS[values.factor](values) for values in block}
    app, server = by_factor.pop("app", ""), by_factor.pop("server", "")
    all_apps = any(values.factor == "app" and values.excluded for values in block)
    first = f"{server} with {app}" if all_apps else f"{app} on {server}"
    first = first if app and server else app or server
    return ", ".join(filter(None, (first, *by_factor.values())))


def _named(values: Values, kind: str, names: Sequence[str]) -> str:
    listed = " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
    return f"all {kind} but {listed}" if values.excluded else listed


_WORDS: Mapping[str, Callable[[Values], str]] = {
    "app": lambda v: _named(v, "apps", [markdown.code(name) for name in v.names]),
    "server": lambda v: _named(v, "servers", v.names),
    "python": lambda v: _named(v, "Pythons", [f"Python {name}" for name in v.names]),
    "versions": lambda v: _named(v, "version sets", [f"version set `{name}`" for name in v.names]),
}
