"""What handled an exception in a frame, read from the source code at the line it was handled on.

Only names are taken from the source, never the code: recorded results hold none that is not ours.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterable, Iterator
from functools import lru_cache
from pathlib import Path

import msgspec

from hangup.model.exception_path import Step

Handler = tuple[str, int]
"""What handles exceptions, such as `except CancelledError`, and the line it stands on."""


def with_handlers(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, with the handler named where an exception was handled."""
    classes: dict[int, tuple[str, ...]] = {}
    for step in steps:
        if step.event == "raised":
            classes.setdefault(step.n, step.kinds)
        elif step.event == "handled":
            found = handler_at(Path(step.file), step.line, classes.get(step.n, ()))
            name, line = found or (None, None)
            yield msgspec.structs.replace(step, handler=name, handler_line=line)
            continue
        yield step


def handler_at(path: Path, line: int, classes: Collection[str]) -> Handler | None:
    """The handler that begins at a line, for an exception of these classes.

    None if the file cannot be read or nothing that handles exceptions begins there.
    """
    tree = _tree(path)
    for node in ast.walk(tree) if tree else ():
        if isinstance(node, ast.Try | ast.TryStar):
            if any(clause.lineno == line for clause in node.handlers):
                return _except_clause(node, classes)
            if node.finalbody and node.finalbody[0].lineno == line:
                return "finally", line
        elif isinstance(node, ast.With | ast.AsyncWith):
            for item in node.items:
                if line in (node.lineno, item.context_expr.lineno):
                    keyword = "async with" if isinstance(node, ast.AsyncWith) else "with"
                    return f"{keyword} {_name(item.context_expr)}", line
    return None


def _except_clause(node: ast.Try | ast.TryStar, classes: Collection[str]) -> Handler:
    """The clause that catches such an exception, or the first where names do not tell."""
    matching = (clause for clause in node.handlers if _catches(clause, classes))
    clause = next(matching, node.handlers[0])
    return f"except {ast.unparse(clause.type)}" if clause.type else "except", clause.lineno


def _catches(clause: ast.ExceptHandler, classes: Collection[str]) -> bool:
    if clause.type is None:
        return True
    types = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type]
    return any(ast.unparse(expression).rpartition(".")[2] in classes for expression in types)


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
