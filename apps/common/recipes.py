"""Streams made of the recipes in `apps/recipes/`, named as a script names them."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, TypeVar

import apps.recipes
from apps.common.cleanup import CleanUp, Source

T = TypeVar("T")

UNTIL_SIGTERM = "until_sigterm"
"""The recipe that goes around a source, inside of what cleans up."""

# All at once when the app is loaded: the first trial must not be the one that pays for it.
_FUNCTIONS: dict[str, Any] = {
    module.name: getattr(importlib.import_module(f"apps.recipes.{module.name}"), module.name)
    for module in pkgutil.iter_modules(apps.recipes.__path__)
}


def assemble(names: str, source: Source[T], clean_up: CleanUp) -> Source[T]:
    """The stream that recipes make, named from the inside out, with a `+`.

    Names that are no recipe's are passed over: what they name cleans up elsewhere.
    """
    stream = source
    for name in names.split("+"):
        if name == UNTIL_SIGTERM:
            stream = _FUNCTIONS[name](stream)
        elif name in _FUNCTIONS:
            stream = _FUNCTIONS[name](stream, clean_up)
    return stream
