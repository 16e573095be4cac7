"""The code of recipes and apps, for the report to show: found by name, never copied.

What is read here is the source that there is now; `StackResult.code_hash` tells whether it is
what the trials ran.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from hangup.environment.app_headers import app_id
from hangup.environment.built_in import built_in_apps
from hangup.environment.staging import imported_apps
from hangup.model.code_excerpts import CodeExcerpt

_Function = ast.FunctionDef | ast.AsyncFunctionDef


class CodeExcerpts:
    """The code of recipes and apps; what is not there is None.

    `apps` is the directory of the app files, with `recipes` below it; `replaced` are the ids of
    those that a user's own were run instead of, so that their code was not.
    """

    def __init__(self, apps: Path | None = None, *, replaced: Collection[str] = ()) -> None:
        self._apps = apps or built_in_apps()
        self._replaced = frozenset(replaced)

    def recipe(self, function: str) -> CodeExcerpt | None:
        """The file of a recipe, which is named as its function is: all that a reader pastes."""
        file = self._apps / "recipes" / f"{function}.py"
        definition = next((node for node in _functions(file) if node.name == function), None)
        if definition is None:
            return None
        return self._excerpt(file, definition, file.read_text(encoding="utf-8").strip())

    def call_in_app(self, app_id: str, function: str) -> CodeExcerpt | None:
        """The first function of an app that calls `service.FUNCTION`.

        An app that imports another one has it where that one has it.
        """
        file = self._apps / f"{app_id.replace('-', '_')}.py"
        return self._call_in_file(file, function)

    def _call_in_file(self, file: Path, function: str) -> CodeExcerpt | None:
        if app_id(file) in self._replaced:
            return None
        for definition in _functions(file):
            if function in _attributes(definition):
                lines = file.read_text(encoding="utf-8").splitlines()
                text = "\n".join(lines[_first_line(definition) - 1 : definition.end_lineno])
                return self._excerpt(file, definition, text)
        imported = imported_apps(file) if file.is_file() else []
        found = (self._call_in_file(other, function) for other in imported)
        return next((excerpt for excerpt in found if excerpt is not None), None)

    def _excerpt(self, file: Path, definition: _Function, text: str) -> CodeExcerpt:
        return CodeExcerpt(
            path=f"apps/{file.relative_to(self._apps)}",
            first_line=_first_line(definition),
            last_line=definition.end_lineno or definition.lineno,
            parameters=tuple(argument.arg for argument in definition.args.args),
            text=text,
        )


@cache
def _tree(file: Path) -> ast.Module:
    return ast.parse(file.read_bytes() if file.is_file() else b"")


def _functions(file: Path) -> Iterator[_Function]:
    """The functions that a file defines at its top; none if it is not there."""
    return (node for node in _tree(file).body if isinstance(node, _Function))


def _attributes(definition: _Function) -> set[str]:
    """The attributes that a function uses, such as `background` of `service.background`."""
    return {
        node.attr
        for node in ast.walk(definition)
        if isinstance(node, ast.Attribute)
        and isinstance(node.value, ast.Name)
        and node.value.id == "service"
    }


def _first_line(definition: _Function) -> int:
    decorators = definition.decorator_list
    return decorators[0].lineno if decorators else definition.lineno
