"""Work of one kind done on all processors."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

PROCESSORS = min(4, os.cpu_count() or 1)

Item = TypeVar("Item")
Done = TypeVar("Done")


def each(does: Callable[[Item], Done], items: Iterable[Item]) -> list[Done]:
    """What `does` makes of every item, in their order.

    By threads: both the simulator's machine code and numpy's loops let others run.
    """
    with ThreadPoolExecutor(PROCESSORS) as pool:
        return list(pool.map(does, items))
