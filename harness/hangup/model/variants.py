"""The ids of baselines and of variants: a variant is a baseline with exactly one thing changed."""

from __future__ import annotations

_CHANGED = "+"
"""What stands between a baseline's id and the name of what is changed of it."""


def variant_id(baseline: str, name: str) -> str:
    """The id of a variant of an app or a server."""
    return f"{baseline}{_CHANGED}{name}"


def baseline_id(id_: str) -> str:
    """The id of the baseline that this is a variant of; a baseline's own."""
    return id_.partition(_CHANGED)[0]


def variant_name(id_: str) -> str:
    """The name of what is changed of the baseline; empty for a baseline."""
    return id_.partition(_CHANGED)[2]
