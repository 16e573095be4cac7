"""Streams assembled from the recipes in `apps/recipes/`, which a script names."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from contextlib import suppress
from contextvars import ContextVar
from types import ModuleType
from typing import Any, TypeVar

import apps.recipes
from apps.common.cleanup import CleanUp, Source

T = TypeVar("T")

CALLED_BY_APPS = {"background", "client_closed", "dependency"}
"""What apps call of `apps.common.service`, so that no stream is made of it."""


def module(name: str) -> ModuleType:
    """The module of a recipe; raises KeyError if there is none of that name.

    Raises ModuleNotFoundError if it needs AnyIO and that is not installed.
    """
    if name not in _NAMES:
        raise KeyError(name)
    return importlib.import_module(f"apps.recipes.{name}")


_NAMES = {module.name for module in pkgutil.iter_modules(apps.recipes.__path__)}
for _name in _NAMES:
    # Imported with the app, so that the first trial does not take longer than the others.
    with suppress(ModuleNotFoundError):  # an app without AnyIO works, and has fewer recipes
        module(_name)

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
            function = getattr(module(name), name)
            _, *parameters = inspect.signature(function).parameters
            given = [clean_up if p == "clean_up" else _new_event() for p in parameters]
            stream = function(stream, *given)
    return stream


def event_source_options() -> dict[str, Any]:
    """What the recipe of the current request has `EventSourceResponse` given."""
    options: dict[str, Any] = module("event_source_shutdown").event_source_options(_shutdown.get())
    return options


def _new_event() -> Any:
    import anyio

    event = anyio.Event()
    _shutdown.set(event)
    return event
