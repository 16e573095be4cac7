"""Whether Python's garbage collector is running, in the thread that asks."""

from __future__ import annotations

import gc
import threading

_collecting_thread: int | None = None


def watch() -> None:
    """Know of the collections that begin from now on; to call it again changes nothing."""
    if _on_phase not in gc.callbacks:
        gc.callbacks.append(_on_phase)


def is_running() -> bool:
    """Whether the caller is called by a collection: as the callback of a weak reference, say.

    What other threads do meanwhile is not a collection's doing.
    """
    return _collecting_thread == threading.get_ident()


def _on_phase(phase: str, info: dict[str, int]) -> None:
    global _collecting_thread
    _collecting_thread = threading.get_ident() if phase == "start" else None
