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

CALLED_BY_APPS = {"background", "client_closed", "dependency_teardown"}
"""The functions of `apps.common.service` that clean up where an app calls them."""

# Imported with the app, so that the first trial does not take longer than the others.
_FUNCTIONS: dict[str, Any] = {
    module.name: getattr(importlib.import_module(f"apps.recipes.{module.name}"), module.name)
    for module in pkgutil.iter_modules(apps.recipes.__path__)
}
"""The function of each recipe, by the name of both its module and itself."""


def assemble(names: str, source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Wrap a source in the recipes that are named, from the inside out, joined by `+`.

    Those in `CALLED_BY_APPS` are skipped: apps call them elsewhere. Raises KeyError for a name
    that is neither.
    """
    stream = source
    for name in names.split("+"):
        if name == UNTIL_SIGTERM:
            stream = _FUNCTIONS[name](stream)
        elif name not in CALLED_BY_APPS:
            stream = _FUNCTIONS[name](stream, clean_up)
    return stream
