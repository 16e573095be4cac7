"""What may import what, read from the source."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HARNESS = sorted((ROOT / "harness").rglob("*.py"))
SUBJECT = sorted((ROOT / "apps" / "subject").rglob("*.py"))
APPS = sorted((ROOT / "apps").glob("*.py"))
LAZILY = {"cleanup.py": {"anyio"}, "recipes.py": {"anyio"}, "relay.py": {"httpx"}}
"""What is imported only where it is what a stream is about."""


def imports(path: Path) -> Iterator[str]:
    """Every module a file imports, wherever in it; `from a import b` gives `a` and `a.b`."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} has a relative import"
            assert node.module is not None
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def packages(path: Path) -> set[str]:
    return {name.partition(".")[0] for name in imports(path)}


def relative(path: Path) -> str:
    return str(path.relative_to(ROOT))


def test_there_is_something_to_look_at() -> None:
    assert len(HARNESS) > 10
    assert len(SUBJECT) >= 5
    assert len(APPS) >= 2


@pytest.mark.parametrize("path", SUBJECT, ids=relative)
def test_the_subject_side_needs_the_standard_library_only(path: Path) -> None:
    beyond = packages(path) - sys.stdlib_module_names - {"apps"}
    assert beyond <= LAZILY.get(path.name, set())


@pytest.mark.parametrize("path", SUBJECT, ids=relative)
def test_the_subject_side_imports_nothing_foreign_when_it_is_imported(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    at_once = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    names = {alias.name for node in at_once for alias in node.names}
    names |= {node.module or "" for node in at_once if isinstance(node, ast.ImportFrom)}
    assert not names & {"anyio", "httpx"}


@pytest.mark.parametrize("path", [*SUBJECT, *APPS], ids=relative)
def test_no_app_imports_the_harness(path: Path) -> None:
    assert "harness" not in packages(path)


@pytest.mark.parametrize("path", HARNESS, ids=relative)
def test_the_harness_does_not_import_apps(path: Path) -> None:
    assert "apps" not in packages(path)


def test_the_imports_within_the_harness_are_no_circle() -> None:
    modules = {f"harness.{path.stem}": path for path in HARNESS if path.stem != "__init__"}
    graph = {name: set(imports(path)) & modules.keys() for name, path in modules.items()}
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError
    assert set(order) == set(modules)
    assert order.index("harness.outcome") < order.index("harness.cli")


@pytest.mark.parametrize(
    "pure",
    [
        *("outcome", "plan", "trace", "vocabulary", "catalogue", "recipes", "guide", "advice"),
        *("cost", "exception_path", "why", "diagram", "links"),
    ],
)
def test_what_is_pure_touches_neither_files_nor_processes(pure: str) -> None:
    path = ROOT / "harness" / f"{pure}.py"
    assert not packages(path) & {"asyncio", "os", "pathlib", "shutil", "socket", "subprocess"}
