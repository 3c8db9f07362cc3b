"""Work of one kind done on all processors, and on a cluster's if there is one."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cachelib.model.engines.shards.lent import workers

PROCESSORS = min(4, os.cpu_count() or 1)
MOST = 64  # threads that wait for workers

Item = TypeVar("Item")
Done = TypeVar("Done")


def each(does: Callable[[Item], Done], items: Iterable[Item]) -> list[Done]:
    """What `does` makes of every item, in their order.

    By threads: both the simulator's machine code and numpy's loops let others run, and who waits
    for a worker of a cluster does, too.
    """
    with ThreadPoolExecutor(max(PROCESSORS, min(workers(), MOST))) as pool:
        return list(pool.map(does, items))
