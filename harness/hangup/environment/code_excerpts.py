"""Code as it stands in the repository, to be quoted: found by name, never copied.

What is read here is the source that the trials ran; `Part.sources` tells whether it still is.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import msgspec

ROOT = Path(__file__).resolve().parents[3]
RECIPES = "apps/recipes/"


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A function with what it needs of its module."""

    path: str
    """Where it is, from the repository's root."""
    first: int
    last: int
    """The function's own lines."""
    parameters: tuple[str, ...]
    text: str

    @property
    def target(self) -> str:
        """Where a page directly in `results/` links to."""
        return f"../{self.path}#L{self.first}-L{self.last}"


class Quotes:
    """The code of recipes and apps of one repository; what is not there is None."""

    def __init__(self, root: Path = ROOT) -> None:
        self.root = root
        self._trees: dict[str, ast.Module | None] = {}
        self._quotes: dict[tuple[str, str], Quote | None] = {}

    def recipe(self, function: str) -> Quote | None:
        """A stream's function, with the functions and names of its module that it uses."""
        return self._quote(RECIPES, function)

    def hook(self, app: str, function: str) -> Quote | None:
        """The first function of an app that calls `service.FUNCTION`.

        An app that takes another's `app` has it where that other one is.
        """
        path = f"apps/{app.replace('-', '_')}.py"
        tree = self._tree(path)
        if tree is None:
            return None
        for node in tree.body:
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                used = {n.attr for n in ast.walk(node) if isinstance(n, ast.Attribute)}
                if function in used:
                    return self._quote(path, node.name)
        for node in tree.body:
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("apps."):
                other = (node.module or "").removeprefix("apps.")
                if "." not in other and other != "subject":
                    return self.hook(other, function)
        return None

    def _tree(self, path: str) -> ast.Module | None:
        if path not in self._trees:
            file = self.root / path
            text = file.read_text(encoding="utf-8") if file.exists() else None
            self._trees[path] = None if text is None else ast.parse(text)
        return self._trees[path]

    def _quote(self, path: str, function: str) -> Quote | None:
        if (path, function) not in self._quotes:
            self._quotes[path, function] = self._cut_out(path, function)
        return self._quotes[path, function]

    def _cut_out(self, path: str, function: str) -> Quote | None:
        tree = self._tree(path)
        if tree is None:
            return None
        lines = (self.root / path).read_text(encoding="utf-8").splitlines()
        named = dict(_named(tree))
        if function not in named:
            return None
        wanted: list[str] = []
        queue = [function]
        while queue:
            name = queue.pop()
            if name not in wanted:
                wanted.append(name)
                # An app's functions are shown for one line in them, and need no more.
                queue += [used for used in _used(named[name]) if used in named and path == RECIPES]
        nodes = sorted((named[name] for name in wanted), key=lambda node: node.lineno)
        pieces: list[str] = []
        for node in nodes:
            function_like = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
            blank = "\n\n" if pieces and function_like else ""
            pieces.append(blank + "\n".join(lines[_first(node) - 1 : node.end_lineno]))
        own = named[function]
        return Quote(
            path=path,
            first=_first(own),
            last=own.end_lineno or own.lineno,
            parameters=tuple(
                argument.arg
                for argument in (
                    own.args.args if isinstance(own, ast.FunctionDef | ast.AsyncFunctionDef) else ()
                )
            ),
            text="\n".join(pieces),
        )


def _first(node: ast.stmt) -> int:
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.decorator_list:
        return node.decorator_list[0].lineno
    return node.lineno


def _named(tree: ast.Module) -> Iterator[tuple[str, ast.stmt]]:
    """What a module defines by name."""
    for node in tree.body:
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                yield node.name, node
            case ast.Assign(targets=[ast.Name(id=name)]) | ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node


def _used(node: ast.stmt) -> Iterator[str]:
    """The names that a definition uses when it runs; annotations are not needed for that."""
    stack_results: list[ast.AST] = []
    match node:
        case ast.FunctionDef() | ast.AsyncFunctionDef():
            stack_results = [*node.body]
        case ast.Assign() | ast.AnnAssign() if node.value is not None:
            stack_results = [node.value]
    for stack_result in stack_results:
        for each in ast.walk(stack_result):
            if isinstance(each, ast.Name):
                yield each.id
