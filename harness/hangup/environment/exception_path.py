"""What handled an exception on its way, read from the source of the frames it came through."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from hangup.environment.handlers import handler_at
from hangup.model.exception_path import Step


def located(steps: Iterable[Step]) -> Iterator[Step]:
    """The steps, with what handled an exception named where it was handled."""
    kinds: dict[int, tuple[str, ...]] = {}
    for step in steps:
        if step.event == "raised":
            kinds.setdefault(step.n, step.kinds)
        elif step.event == "handled":
            found = handler_at(Path(step.file), step.line, kinds.get(step.n, ()))
            name, line = found or (None, None)
            yield msgspec.structs.replace(step, handler=name, handler_line=line)
            continue
        yield step
