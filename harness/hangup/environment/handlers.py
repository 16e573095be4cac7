"""What stands at a line of source code that an exception came through.

Only names are taken from it, never the code: recorded results hold none that is not ours.
"""

from __future__ import annotations

import ast
from collections.abc import Collection
from functools import lru_cache
from pathlib import Path

Handler = tuple[str, int]
"""What handles exceptions, such as `except CancelledError`, and the line it stands on."""


def handler_at(path: Path, line: int, kinds: Collection[str]) -> Handler | None:
    """The handler that begins at a line, for an exception of these classes.

    None if the file cannot be read or nothing that handles exceptions begins there.
    """
    tree = _tree(path)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Try | ast.TryStar):
            if any(each.lineno == line for each in node.handlers):
                return _clause(node, kinds)
            if node.finalbody and node.finalbody[0].lineno == line:
                return "finally", line
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if line in (node.lineno, item.context_expr.lineno):
                    kind = "async with" if isinstance(node, ast.AsyncWith) else "with"
                    return f"{kind} {_name(item.context_expr)}", line
    return None


def _clause(node: ast.Try | ast.TryStar, kinds: Collection[str]) -> Handler:
    """The clause that takes such an exception, or the first where names do not tell."""
    taken = next((h for h in node.handlers if _takes(h, kinds)), node.handlers[0])
    what = f"except {ast.unparse(taken.type)}" if taken.type else "except"
    return what, taken.lineno


def _takes(handler: ast.ExceptHandler, kinds: Collection[str]) -> bool:
    if handler.type is None:
        return True
    types = handler.type.elts if isinstance(handler.type, ast.Tuple) else [handler.type]
    return any(ast.unparse(each).rpartition(".")[2] in kinds for each in types)


def _name(expression: ast.expr) -> str:
    """A context manager, without what it is called with."""
    if isinstance(expression, ast.Call):
        return f"{ast.unparse(expression.func)}()"
    return ast.unparse(expression)


@lru_cache(maxsize=256)
def _tree(path: Path) -> ast.Module | None:
    try:
        return ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None
