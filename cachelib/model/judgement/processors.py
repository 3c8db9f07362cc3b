"""Work of one kind done on all processors, and on a cluster's if there is one."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from cachelib.model.engines.shards.lent import workers
from cachelib.model.schema import budget

PROCESSORS = min(4, budget.processors())
MOST = 64  # threads that wait for workers

Item = TypeVar("Item")
Done = TypeVar("Done")


def each(does: Callable[[Item], Done], items: Iterable[Item]) -> list[Done]:
    """What `does` makes of every item, in their order.

    By threads: both the simulator's machine code and numpy's loops let others run, and who waits
    for a worker of a cluster does, too. They share the budget, and so does what is called in them.
    """
    items, others = list(items), budget.parts()
    at_once = max(budget.allowed(PROCESSORS), min(workers(), MOST) // others)
    threads = min(len(items), at_once)
    if threads <= 1:
        return [does(item) for item in items]

    def one(item: Item) -> Done:
        with budget.one_of(others * threads):
            return does(item)

    with ThreadPoolExecutor(threads, "cachelib-each") as pool:
        return list(pool.map(one, items))
