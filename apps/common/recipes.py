"""Streams assembled from the recipes in `apps/recipes/`, which a script names."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from contextvars import ContextVar
from typing import Any, TypeVar

import apps.recipes
from apps.common.cleanup import CleanUp, Source
from apps.recipes import event_source_shutdown

T = TypeVar("T")

CALLED_BY_APPS = {"background", "client_closed", "dependency"}
"""What apps call of `apps.common.service`, so that no stream is made of it."""

# Imported with the app, so that the first trial does not take longer than the others.
_FUNCTIONS: dict[str, Any] = {
    module.name: getattr(importlib.import_module(f"apps.recipes.{module.name}"), module.name)
    for module in pkgutil.iter_modules(apps.recipes.__path__)
}
"""The function of each recipe, by the name of both its module and itself."""


_shutdown: ContextVar[Any] = ContextVar("_shutdown")
"""The event that sse-starlette sets for the stream of the current request."""


def assemble(names: str, source: Source[T], clean_up: CleanUp) -> Source[T]:
    """Wrap a source in the recipes that are named, from the inside out, joined by `+`.

    A recipe is given what its parameters name. Those in `CALLED_BY_APPS` are skipped: apps call
    them elsewhere. Raises KeyError for a name that is neither.
    """
    stream = source
    for name in names.split("+"):
        if name not in CALLED_BY_APPS:
            function = _FUNCTIONS[name]
            _, *parameters = inspect.signature(function).parameters
            given = [clean_up if p == "clean_up" else _new_event() for p in parameters]
            stream = function(stream, *given)
    return stream


def event_source_options() -> dict[str, Any]:
    """What the recipe of the current request has `EventSourceResponse` given."""
    return event_source_shutdown.event_source_options(_shutdown.get())


def _new_event() -> Any:
    import anyio

    event = anyio.Event()
    _shutdown.set(event)
    return event
