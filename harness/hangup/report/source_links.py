"""Where a line of an installed file can be read: in its repository, at the release's tag.

The repository is the one the distribution's own metadata name. How it names its tags and
where it keeps the package is written down nowhere but there; it is a table here, and a
distribution that is not in it has no link rather than a wrong one.
"""

from __future__ import annotations

import msgspec

from hangup.model.exception_path import SITE_PACKAGES
from hangup.model.trace import Distribution


class _Layout(msgspec.Struct, frozen=True):
    """How a repository is laid out."""

    tag: str = "{version}"
    directory: str = ""
    """What stands before the path that the file has below `site-packages/`."""


_LAYOUTS = {
    "anyio": _Layout(directory="src/"),
    "dependency-injector": _Layout(directory="src/"),
    "fastapi": _Layout(),
    "h11": _Layout("v{version}"),
    "h2": _Layout("v{version}", "src/"),
    "httpcore": _Layout(),
    "httptools": _Layout("v{version}"),
    "httpx": _Layout(),
    "hypercorn": _Layout(directory="src/"),
    "langchain-core": _Layout("langchain-core=={version}", "libs/core/"),
    "langgraph": _Layout(directory="libs/langgraph/"),
    "litestar": _Layout("v{version}"),
    "priority": _Layout("v{version}", "src/"),
    "quart": _Layout(directory="src/"),
    "sniffio": _Layout("v{version}"),
    "sse-starlette": _Layout("v{version}"),
    "starlette": _Layout(),
    "uvicorn": _Layout(),
    "uvloop": _Layout("v{version}"),
    "werkzeug": _Layout(directory="src/"),
    "wsproto": _Layout(directory="src/"),
}
"""By distribution, as their repositories were found to be."""


def source_link(file: str, line: int, origin: Distribution | None, python: str) -> str | None:
    """The address of a line, or None if the metadata name no repository or it is unknown.

    `file` is as in `Step`, `python` the full version, such as `CPython 3.13.0`.
    """
    if file.startswith("python3."):
        if not python.startswith("CPython "):
            return None
        below = file.partition("/")[2]
        tag = python.removeprefix("CPython ")
        return f"https://github.com/python/cpython/blob/v{tag}/Lib/{below}#L{line}"
    if origin is None or origin.repository is None:
        return None
    layout = _LAYOUTS.get(origin.name.lower().replace("_", "-"))
    if layout is None:
        return None
    tag = layout.tag.format(version=origin.version)
    path = layout.directory + file.removeprefix(SITE_PACKAGES)
    return f"{origin.repository}/blob/{tag}/{path}#L{line}"
