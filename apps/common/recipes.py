"""Streams assembled from the recipes in `apps/recipes/`, which a script names."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any, TypeVar

import apps.recipes
from apps.common.cleanup import CleanUp, Source

T = TypeVar("T")

UNTIL_SIGTERM = "until_sigterm"
"""The recipe that ends a source early and cleans nothing up, so it is given no clean-up."""

# Imported with the app, so that the first trial does not take longer than the others.
_FUNCTIONS: dict[str, Any] = {
    module.name: getattr(importlib.import_module(f"apps.recipes.{module.name}"), module.name)
    for module in pkgutil.iter_modules(apps.recipes.__path__)
}
"""The function of each recipe, by the name of both its module and itself."""


def assemble(names: str, source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Wrap a source in the recipes that are named, from the inside out, joined by `+`.

    Other names are skipped: they name clean-up that an app calls elsewhere.
    """
    stream = source
    for name in names.split("+"):
        if name == UNTIL_SIGTERM:
            stream = _FUNCTIONS[name](stream)
        elif name in _FUNCTIONS:
            stream = _FUNCTIONS[name](stream, clean_up)
    return stream
