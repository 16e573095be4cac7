"""Which distribution has installed a file, and where its source is published.

Both are read from the metadata in an environment, so that a report needs nothing installed.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path

from hangup.model.exception_path import SITE_PACKAGES
from hangup.model.trace import Distribution

_SOURCE_LABELS = ("source", "source code", "repository", "github", "code", "homepage", "home")
"""The labels under which metadata name the source, the surest first: any other link to
GitHub may be one to sponsors or to a discussion."""


def distributions_of(python: Path, files: Collection[str]) -> dict[str, Distribution]:
    """The distributions of those files that are below `site-packages/`, by file."""
    wanted = {file.removeprefix(SITE_PACKAGES) for file in files if file.startswith(SITE_PACKAGES)}
    found: dict[str, Distribution] = {}
    for site in python.parent.parent.glob("lib/python3*/site-packages"):
        for distribution in metadata.distributions(path=[str(site)]):
            names = {str(file) for file in distribution.files or ()} & wanted
            if names:
                described = _describe(distribution)
                found |= {SITE_PACKAGES + name: described for name in names}
    return dict(sorted(found.items()))


def _describe(distribution: metadata.Distribution) -> Distribution:
    return Distribution(
        name=distribution.name,
        version=distribution.version,
        repository=next(_repositories(distribution), None),
    )


def _repositories(distribution: metadata.Distribution) -> Iterator[str]:
    urls = {}
    for entry in distribution.metadata.get_all("Project-URL") or ():
        label, _, url = entry.partition(",")
        urls[label.strip().lower()] = url.strip()
    for url in distribution.metadata.get_all("Home-page") or ():
        urls.setdefault("home", url)
    for label in _SOURCE_LABELS:
        found = re.match(r"https://github\.com/[^/]+/[^/#?]+", urls.get(label, ""))
        if found:
            yield found[0].removesuffix(".git")
