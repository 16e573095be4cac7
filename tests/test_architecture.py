"""What may import what, read from the source of every module and followed through all imports.

The package `hangup` has rooms: its subpackages, and its modules `errors` and `files`. What a room
may depend on is a table here; a module depends on all that the modules it imports depend on.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from functools import cache
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HARNESS = ROOT / "harness"
APPS = ROOT / "apps"

ROOMS: dict[str, set[str]] = {
    "errors": set(),
    "files": set(),
    "agent": set(),
    "model": {"errors"},
    "environment": {"errors", "files", "model"},
    "store": {"errors", "files", "model"},
    "analysis": {"errors", "model"},
    "runner": {"errors", "files", "model", "environment", "store"},
    "report": {"errors", "files", "model", "store", "analysis"},
    "cli": {
        *("errors", "files", "model", "environment", "store", "analysis"),
        *("runner", "report"),
    },
}
"""What a room may depend on, beside itself; every room may know the package's version."""

NEVER_MEET = {"runner", "analysis"}
"""The rooms that the command alone brings together."""
PURE = ("model", "analysis")
"""The rooms that neither read nor write anything."""
INPUT_OUTPUT = {
    *("asyncio", "http", "os", "pathlib", "selectors", "shutil", "signal", "socket"),
    *("subprocess", "tempfile", "threading", "urllib"),
}
PATHS_ARE_DATA = {"hangup.model.apps": {"pathlib"}}
"""A module that holds paths and opens none."""

IMPORTED_LATE = {
    "apps.common.cleanup": {"anyio"},
    "apps.common.recipes": {"anyio"},
    "apps.common.relay": {"httpx"},
}
"""What is imported only in functions, where it is what a stream is about."""


def _module(path: Path) -> str:
    """The name that a file of the package or of the apps is imported by."""
    root = HARNESS if path.is_relative_to(HARNESS) else ROOT
    parts = path.relative_to(root).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {
    _module(path): path
    for directory in (HARNESS / "hangup", APPS)
    for path in sorted(directory.rglob("*.py"))
}
PACKAGE = sorted(name for name in FILES if name.partition(".")[0] == "hangup")
AGENT = [name for name in PACKAGE if name.startswith("hangup.agent")]
COMMON = [name for name in FILES if name.startswith("apps.common")]
RECIPES = [name for name in FILES if name.startswith("apps.recipes")]
APP_FILES = [name for name in FILES if name.startswith("apps.") and name not in COMMON + RECIPES]


@cache
def _tree(module: str) -> ast.Module:
    return ast.parse(FILES[module].read_text(encoding="utf-8"))


def _imported(nodes: Iterator[ast.AST]) -> set[str]:
    """The modules that import statements name: for `from a import b`, `a.b` if that is one."""
    names = set()
    for node in nodes:
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: a relative import"
            package = node.module or ""
            members = {f"{package}.{alias.name}" for alias in node.names}
            modules = members & FILES.keys()
            names |= modules
            if modules != members:
                names.add(package)
    return names


@cache
def _imports(module: str) -> set[str]:
    """All that a module imports, wherever in it."""
    return _imported(ast.walk(_tree(module)))


def _imports_when_imported(module: str) -> set[str]:
    """What a module imports outside of functions."""

    def outside_functions(node: ast.AST) -> Iterator[ast.AST]:
        for child in ast.iter_child_nodes(node):
            if not isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                yield child
                yield from outside_functions(child)

    return _imported(outside_functions(_tree(module)))


def _dependencies(module: str) -> dict[str, str]:
    """The modules of ours that a module depends on, with the one that imports each.

    To import a module is to import the packages it is in.
    """
    found: dict[str, str] = {}
    waiting = [module]
    while waiting:
        importing = waiting.pop()
        names = _imports(importing) & FILES.keys()
        names |= {package for name in (importing, *names) for package in _packages(name)}
        for name in names - found.keys() - {module}:
            found[name] = importing
            waiting.append(name)
    return found


def _packages(module: str) -> Iterator[str]:
    """The packages that a module is in."""
    while "." in module:
        module = module.rpartition(".")[0]
        if module in FILES:
            yield module


def _room(module: str) -> str:
    """The room a module of the package is in; the package itself is in none."""
    name = module.removeprefix("hangup").removeprefix(".").partition(".")[0]
    return "cli" if name == "__main__" else name


def _tops(modules: set[str]) -> set[str]:
    return {name.partition(".")[0] for name in modules}


def _outside(modules: set[str]) -> set[str]:
    """The top-level names of those modules that are neither ours nor the standard library's."""
    return _tops(modules) - sys.stdlib_module_names - {"apps", "hangup"}


def test_every_room_is_in_the_table_and_has_modules() -> None:
    assert {_room(name) for name in PACKAGE} - {""} == ROOMS.keys()
    assert all(len(names) > 3 for names in (AGENT, COMMON, RECIPES, APP_FILES))


@pytest.mark.parametrize("module", PACKAGE)
def test_a_module_depends_only_on_rooms_that_its_own_may(module: str) -> None:
    room = _room(module)
    allowed = ROOMS.get(room, set()) | {"", room}
    wrong = {
        f"{name}, imported by {importing}"
        for name, importing in _dependencies(module).items()
        if name.startswith("apps") or _room(name) not in allowed
    }
    assert not wrong


@pytest.mark.parametrize("module", [name for name in PACKAGE if _room(name) in NEVER_MEET])
def test_the_runner_and_the_analysis_never_meet(module: str) -> None:
    (other,) = NEVER_MEET - {_room(module)}
    assert other not in {_room(name) for name in _dependencies(module)}


def test_no_modules_import_each_other_in_a_circle() -> None:
    graph = {name: _imports(name) & FILES.keys() - {name} for name in FILES}
    assert len(list(TopologicalSorter(graph).static_order())) == len(FILES)  # or CycleError


@pytest.mark.parametrize("module", sorted(FILES))
def test_nothing_is_imported_for_type_checkers_only(module: str) -> None:
    names = {node.id for node in ast.walk(_tree(module)) if isinstance(node, ast.Name)}
    names |= {node.attr for node in ast.walk(_tree(module)) if isinstance(node, ast.Attribute)}
    assert "TYPE_CHECKING" not in names


@pytest.mark.parametrize("module", sorted(FILES))
def test_every_module_says_what_it_is_for(module: str) -> None:
    assert ast.get_docstring(_tree(module)), f"{FILES[module].relative_to(ROOT)} has no docstring"


@pytest.mark.parametrize("module", [name for name in PACKAGE if _room(name) in PURE])
def test_what_is_pure_neither_reads_nor_writes(module: str) -> None:
    for name in {module, *_dependencies(module)}:
        assert not _tops(_imports(name)) & INPUT_OUTPUT - PATHS_ARE_DATA.get(name, set()), name


@pytest.mark.parametrize("module", AGENT)
def test_the_agent_imports_the_standard_library_and_itself(module: str) -> None:
    assert not _outside(_imports(module))
    ours = {name for name in _imports(module) if name.partition(".")[0] in ("apps", "hangup")}
    assert ours <= set(AGENT)


@pytest.mark.parametrize("module", COMMON)
def test_what_apps_share_imports_the_standard_library_and_the_agent(module: str) -> None:
    assert _outside(_imports(module)) <= IMPORTED_LATE.get(module, set())
    assert not _outside(_imports_when_imported(module))
    ours = {name for name in _imports(module) if name.partition(".")[0] in ("apps", "hangup")}
    assert ours <= {*AGENT, *COMMON, *RECIPES}


@pytest.mark.parametrize("module", RECIPES)
def test_a_recipe_has_nothing_of_the_harness_in_it(module: str) -> None:
    assert not _tops(_imports(module)) & {"apps", "hangup"}
    assert _outside(_imports(module)) <= {"anyio"}
    assert _imports(module) == _imports_when_imported(module)  # as in code that is reviewed


@pytest.mark.parametrize("module", APP_FILES)
def test_an_app_imports_of_ours_what_apps_share_and_other_apps(module: str) -> None:
    ours = {name for name in _imports(module) if name.partition(".")[0] in ("apps", "hangup")}
    assert ours <= {*AGENT, *COMMON, *APP_FILES}


@pytest.mark.parametrize(
    "module", ["hangup", "hangup.environment", "hangup.environment.app_headers"]
)
def test_what_the_noxfile_imports_needs_the_standard_library_only(module: str) -> None:
    for name in {module, *_dependencies(module)}:
        assert not _outside(_imports(name)), name
