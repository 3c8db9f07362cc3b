"""What must be made anew in the child of a fork, where the parent's other threads are gone."""

from __future__ import annotations

import os
from typing import Protocol
from weakref import WeakSet


class Forkable(Protocol):
    def after_fork(self) -> None: ...


_living: WeakSet[Forkable] = WeakSet()


def renew_in_child(thing: Forkable) -> None:
    """Call `thing.after_fork()` in every child that this process forks from now on."""
    _living.add(thing)


def _after_fork() -> None:
    for thing in list(_living):
        thing.after_fork()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_after_fork)
