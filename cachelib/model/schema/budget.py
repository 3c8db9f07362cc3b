"""How many threads this process may have at work: one budget, whoever asks.

Whoever starts processes side by side gives each its part, as `CACHELIB_JOBS`; where the part grows
when others end, `CACHELIB_JOBS_NOW` names the file that says it. Who shares work out to threads
divides it once more, so that threads of threads are no more than there are processors.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

JOBS, NOW = "CACHELIB_JOBS", "CACHELIB_JOBS_NOW"
_own = threading.local()


def processors() -> int:
    """Of this machine."""
    return os.cpu_count() or 1


def allowed(otherwise: int) -> int:
    """How many threads may work for the caller; `otherwise`, where nobody gave the process less."""
    return max(1, (_given() or otherwise) // parts())


def parts() -> int:
    """Into how many the budget is divided for the calling thread and those beside it."""
    return getattr(_own, "parts", 1)


@contextmanager
def one_of(many: int) -> Iterator[None]:
    """The calling thread is one of so many that share the whole budget meanwhile."""
    before, _own.parts = parts(), many
    try:
        yield
    finally:
        _own.parts = before


def _given() -> int | None:
    if file := os.environ.get(NOW):
        with suppress(OSError, ValueError):
            return int(Path(file).read_text("utf-8"))
    said = os.environ.get(JOBS)
    return max(1, int(said)) if said else None
